"""Who at the desk a person of Entra is: by their object id, else by the matching fields in their order, else nobody.

An address is no identity: it passes from one person to the next. It leads to somebody only where an admin chose it as a
matching field, and only to who came from no directory yet.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from shared.desk.agents import Agent, agent_id_of
from shared.desk.people import User
from shared.directory.criteria import folded
from shared.directory.mapping import CUSTOM, Values
from shared.directory.reasons import Reason

_NAMESPACE = uuid.UUID("9f8c2b1e-5a34-4f0e-8a55-6c1d3b7e2f90")
_AGENT = "agent\n"


def origin_of(connection_id: str, object_id: str) -> str:
    """How the desk names a person of a tenant."""
    return f"{connection_id}/{object_id}"


def object_id_of(origin: str) -> str:
    """The object id in it."""
    return origin.partition("/")[2]


def new_user_id(origin: str) -> str:
    """The id of a user who is made of a person: always the same, so that making them twice makes one."""
    return str(uuid.uuid5(_NAMESPACE, origin))


def field_of(known: User | Agent, name: str) -> str:
    """What the desk holds in a field, by the name that it has as a target; empty for nothing."""
    if name in {"name", "address"}:
        return known.name if name == "name" else known.address
    if name.startswith(CUSTOM):
        return known.custom.get(name.removeprefix(CUSTOM), "") if isinstance(known, User) else ""
    return known.details.get(name, "")


def claim_key(name: str, value: str) -> str:
    """The key of a value in a field: an address is its own, folded; one of another field has its field before it."""
    return folded(value) if name == "address" else f"{name}\n{folded(value)}"


def agent_claim_key(name: str, value: str) -> str:
    """The same of a value in a field of agents."""
    return f"{_AGENT}{name}\n{folded(value)}"


def is_address(key: str) -> bool:
    """Whether a key of ``claim_key`` stands for an address."""
    return "\n" not in key


@dataclass(frozen=True, slots=True)
class Candidate:
    """As much of somebody known as it takes to find them.

    ``keys``: what they have in the matching fields, in their order, as ``claim_key`` says it, if they are free;
    ``user_id``: of an agent, the user who they are.
    """

    record_id: str
    origin: str = ""
    keys: tuple[str, ...] = ()
    user_id: str = ""


@dataclass(slots=True)
class Index:
    """Users, or agents, of the desk by what they are found by. Filled once, asked for each person.

    ``fields``: the matching fields; the address is always among them, since no two users can have the same.
    """

    fields: Sequence[str] = ()
    by_id: dict[str, Candidate] = field(default_factory=dict)
    by_origin: dict[str, Candidate] = field(default_factory=dict)
    by_value: dict[tuple[str, str], list[Candidate]] = field(default_factory=lambda: defaultdict(list))

    def add(self, known: User | Agent) -> None:
        """Let somebody be found."""
        key_of = claim_key if isinstance(known, User) else agent_claim_key
        keys = () if known.origin else tuple(key_of(name, field_of(known, name)) for name in self.fields)
        if isinstance(known, User):
            candidate = Candidate(known.user_id, known.origin, keys)
        else:
            candidate = Candidate(known.agent_id, known.origin, keys, known.user_id)
        self.by_id[candidate.record_id] = candidate
        if known.origin:
            self.by_origin[known.origin] = candidate
        for name in {*self.fields, "address"}:
            value = field_of(known, name)
            if value:
                self.by_value[name, folded(value)].append(candidate)

    def find(self, name: str, value: str) -> Sequence[Candidate]:
        """Everybody with this value in this field."""
        return self.by_value.get((name, folded(value)), ())


def index_of(known: Iterable[User] | Iterable[Agent], fields: Sequence[str] = ()) -> Index:
    """An index of all of them."""
    index = Index(tuple(fields))
    for each in known:
        index.add(each)
    return index


@dataclass(frozen=True, slots=True)
class Match:
    """Who somebody is. ``by``: *id*, *user*, the field, *new*, or empty where they are nobody and are not to be made.

    ``reason``: why they cannot be made out, or cannot have their address.
    """

    record_id: str = ""
    by: str = ""
    reason: Reason | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to say of them."""
        return bool(self.by or self.reason)


NOBODY = Match()


def find_by_id(origin: str, index: Index) -> Match:
    """Who somebody is by their object id alone."""
    known = index.by_origin.get(origin)
    return Match(known.record_id, "id") if known else Match()


class Claims(Protocol):
    """Who of the tenant has a value now, by Entra's last word; a dict of such keys and object ids is one."""

    def get(self, key: str, default: frozenset[str], /) -> frozenset[str]:
        """The object ids of those who have what a key of ``claim_key`` stands for."""


def match_user(origin: str, values: Values, index: Index, claims: Claims) -> Match:
    """Which user somebody is, or *new*, or why that is not certain."""
    return (
        find_by_id(origin, index)
        or _by_fields(origin, values, index, claims, claim_key)
        or Match(new_user_id(origin), "new")
    )


def match_agent(origin: str, values: Values, index: Index, user_id: str, claims: Claims) -> Match:
    """Which agent somebody is whose user is known by now: by their id, by that user, by the fields, or *new*."""
    known = find_by_id(origin, index)
    if known:
        return known
    present = index.by_id.get(agent_id_of(user_id))
    if present:
        return Match(reason=Reason.OTHER_CONNECTION) if present.origin else Match(present.record_id, "user")
    found = _by_fields(origin, values, index, claims, agent_claim_key)
    return found or Match(agent_id_of(user_id), "new")


def _by_fields(origin: str, values: Values, index: Index, claims: Claims, key_of: Callable[[str, str], str]) -> Match:
    """Who has the value of the first field that leads to somebody free: nobody, if it is not one to one.

    Whom an earlier field leads another person to is not free. ``key_of``: how ``claims`` name a value in a field.
    """

    def is_claimed(key: str) -> bool:
        return bool(claims.get(key, frozenset()) - {object_id_of(origin)})

    for place, name in enumerate(index.fields):
        value = values.get(name, "")
        found = index.find(name, value) if value else ()
        free = [each for each in found if not each.origin and not any(map(is_claimed, each.keys[:place]))]
        if free and is_claimed(key_of(name, value)):
            return Match(reason=Reason.ADDRESS_SHARED if name == "address" else Reason.AMBIGUOUS)
        if len(free) > 1 or (free and len(found) > 1):
            return Match(reason=Reason.AMBIGUOUS)
        if free:
            return Match(free[0].record_id, name)
    return Match()


@dataclass(frozen=True, slots=True)
class Addressing:
    """Whether somebody may have their address: ``reason`` why not; ``former``: the id of who has it and loses it."""

    reason: Reason | None = None
    former: str = ""


UNCONTESTED = Addressing()


def settle_address(origin: str, address: str, record_id: str, index: Index, claims: Claims) -> Addressing:
    """Whether a person (``origin``) may have an address at the desk; ``record_id``: who they are there.

    Addresses pass on within a tenant (a leaver's is given to somebody new, two people swap theirs), never from one
    tenant's people to another's, and never from people who came from no directory.
    """
    found = index.find("address", address) if address else ()
    holders = [each for each in found if each.record_id != record_id]
    if not address or len(holders) < len(found):  # nothing to ask for, or theirs already
        return Addressing()
    connection_id = origin.partition("/")[0]
    foreign = [each for each in holders if each.origin and not each.origin.startswith(f"{connection_id}/")]
    if foreign:
        return Addressing(Reason.OTHER_CONNECTION)
    if any(not each.origin for each in holders):
        return Addressing(Reason.ADDRESS_TAKEN)
    if claims.get(claim_key("address", address), frozenset()) - {object_id_of(origin)}:
        return Addressing(Reason.ADDRESS_SHARED)
    return Addressing(former=holders[0].record_id if holders else "")
