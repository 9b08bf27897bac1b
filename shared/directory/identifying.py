"""Who a person is at the desk, and what the rules say of them: all that can be known before anybody is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shared.directory import entitlements
from shared.directory.choosing import Choice, choose
from shared.directory.mapping import Values, values_of, with_set
from shared.directory.matching import (
    NOBODY,
    UNCONTESTED,
    Addressing,
    Claims,
    Index,
    Match,
    agent_claim_key,
    claim_key,
    find_by_id,
    match_agent,
    match_user,
    origin_of,
    settle_address,
)
from shared.directory.not_people import find_other_kind
from shared.directory.persons import Person
from shared.directory.plan import Step
from shared.directory.reasons import Reason
from shared.directory.rules import Rules
from shared.directory.structure import Structure


@dataclass(frozen=True, slots=True)
class Context:
    """What is the same for everybody in a run.

    ``at``: when the run began, ISO 8601; ``users``, ``agents``: everybody at the desk, to be found;
    ``claims``: what the people of the tenant have now in their address and in the matching fields.
    """

    connection_id: str
    rules: Rules
    structure: Structure
    at: str
    users: Index
    agents: Index
    claims: Claims = field(default_factory=dict[str, frozenset[str]])


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a person of Entra is at the desk: the ids of the user and of the agent, empty for none."""

    user_id: str = ""
    agent_id: str = ""


Managers = Mapping[str, Placed]
"""Whoever is or will be known at the desk, by object id."""

_ABSENT = frozenset({Reason.DELETED, Reason.MISSING, Reason.RESOURCE, Reason.MAILBOX, Reason.AI_AGENT})


@dataclass(frozen=True, slots=True)
class Identified:
    """A person, and who they are. ``trouble``: why a newcomer cannot be made, or what of somebody known must wait.

    ``why_no_agent``: why a newcomer whom an agent mapping takes is no agent all the same.
    """

    person: Person
    choice: Choice
    user: Match = NOBODY
    agent: Match = NOBODY
    addressing: Addressing = UNCONTESTED
    user_values: Values = field(default_factory=dict)
    agent_values: Values = field(default_factory=dict)
    trouble: Reason | None = None
    why_no_agent: Reason | None = None

    @property
    def present(self) -> bool:
        """Whether Entra still has them, as a person: what it says of the others is not gone by."""
        return self.choice.reason not in _ABSENT

    @property
    def placed(self) -> Placed:
        """The ids that they have or will have."""
        return Placed(self.user.record_id, self.agent.record_id)


def identify(context: Context, person: Person) -> Identified:
    """Find out who a person is; the order in which people are looked at makes no difference."""
    origin = origin_of(context.connection_id, person.object_id)
    user, agent = find_by_id(origin, context.users), find_by_id(origin, context.agents)
    by_id = Identified(person, Choice(), _brought(context, "users", user), _brought(context, "agents", agent))
    absence = _find_absence(person, context.rules)
    if absence:
        return replace(by_id, choice=Choice(reason=absence))
    values = values_of(person, context.rules.user_fields)
    choice = _choose(context, person, values)
    known = replace(by_id, choice=choice, user_values=with_set(values, choice.user))
    return _settle(context, known, origin) if choice.taken else known


def _brought(context: Context, kind: str, match: Match) -> Match:
    return match if kind in context.rules.kinds else Match()


def _find_absence(person: Person, rules: Rules) -> Reason | None:
    if person.gone:
        return Reason.DELETED if person.gone == "deleted" else Reason.MISSING
    return find_other_kind(person) if rules.people_only else None


def _choose(context: Context, person: Person, values: Values) -> Choice:
    rules = context.rules
    mappings = tuple(each for each in rules.site_mappings if "agents" in rules.kinds or not each.makes_agents)
    choice = choose(person, mappings, context.structure, values)
    if choice.agent is None and "users" not in rules.kinds:
        told = Step("kinds", "only agents are brought in")
        return Choice(reason=choice.reason or Reason.UNMAPPED, steps=(*choice.steps, told))
    return choice


def _settle(context: Context, known: Identified, origin: str) -> Identified:
    """Who somebody is whom a mapping takes."""
    person, rules, choice = known.person, context.rules, known.choice
    values = known.user_values
    agent_values = with_set(values_of(person, rules.agent_fields), choice.agent) if choice.agent else {}
    user = match_user(origin, values, context.users, context.claims)
    addressing = settle_address(origin, values.get("address", ""), user.record_id, context.users, context.claims)
    if user.by == "new" and _is_blocked(person, rules):
        return replace(known, trouble=Reason.BLOCKED)
    agent, why_no_agent = _match_agent(context, known, origin, agent_values, user)
    trouble = user.reason or agent.reason or addressing.reason or choice.reason
    if trouble and user.by in {"", "new"}:
        return replace(known, trouble=trouble)
    agent = Match() if agent.reason else agent
    return Identified(person, choice, user, agent, addressing, values, agent_values, trouble, why_no_agent)


def _is_blocked(person: Person, rules: Rules) -> bool:
    return rules.disabled_users == "deactivate" and person.is_disabled()


def _match_agent(
    context: Context, known: Identified, origin: str, values: Values, user: Match
) -> tuple[Match, Reason | None]:
    """Which agent somebody is; nobody is made an agent only to be inactive."""
    if known.choice.agent is None or not user.record_id:
        return known.agent, None
    found = match_agent(origin, values, context.agents, user.record_id, context.claims)
    if _is_somebody_elses(context, found, origin):
        return Match(reason=Reason.OTHER_CONNECTION), None
    if found.by != "new":
        return found, None
    why_not = find_inactive_agent(context.rules, known.person, known.choice)
    return (Match(), why_not) if why_not else (found, None)


def _is_somebody_elses(context: Context, agent: Match, origin: str) -> bool:
    """Whether the user of an agent who was found by a field is another person of a tenant."""
    if agent.by not in context.rules.agent_matching:
        return False
    owner = context.users.by_id.get(context.agents.by_id[agent.record_id].user_id)
    return owner is not None and owner.origin not in ("", origin)


def find_inactive_agent(rules: Rules, person: Person, choice: Choice) -> Reason | None:
    """Why a new agent would be inactive from the beginning."""
    wanted = entitlements.agent_roles(person, rules, choice.agent)
    if person.is_disabled():
        return Reason.BLOCKED
    if rules.full_role_management and not wanted:
        return Reason.NO_ROLE
    if rules.agent_licenses.enabled and wanted.keys() & {*rules.agent_licenses.inactive_roles}:
        return Reason.INACTIVE_ROLE
    return None


def claimed_address(rules: Rules, person: Person) -> str:
    """The address that a person would have at the desk, as ``claims`` have it; empty for who is gone."""
    return _claims(rules, person, {"address"}).get("address", "")


def claims_of(rules: Rules, person: Person) -> list[str]:
    """The keys of all that a person claims: their address and what is in a matching field, of users and, whether or not
    they are to be one, of agents; nothing for who is gone.
    """
    if person.gone:
        return []
    found = _claims(rules, person, {"address", *rules.user_matching})
    working = values_of(person, [each for each in rules.agent_fields if each.target in rules.agent_matching])
    return [*found.values(), *(agent_claim_key(name, value) for name, value in working.items() if value)]


def _claims(rules: Rules, person: Person, names: set[str]) -> dict[str, str]:
    if person.gone:
        return {}
    values = values_of(person, [each for each in rules.user_fields if each.target in names])
    return {name: claim_key(name, value) for name, value in values.items() if value}
