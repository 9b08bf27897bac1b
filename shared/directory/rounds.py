"""Reading: what Graph is asked for, page by page, and when its answer is not believed.

A page is kept as it came before Graph's link to the next one is. What is kept is worked on only when the round has come
to its end, and never if that end is not credible.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from shared import log
from shared.clock import from_text
from shared.connections import store as connections
from shared.connections.permissions import compare
from shared.directory import schedule
from shared.directory.place import Place
from shared.directory.properties import groups_in_use, selected, uses_transitive
from shared.directory.rules import Rules
from shared.directory.told import Told
from shared.errors import DeskbridgeError
from shared.graph import directory as graph
from shared.graph.delta import EndlessRound, Page
from shared.graph.limits import IDS_IN_DELTA_FILTER, MOST_DELTA_PAGES

Kind = Literal["users", "groups"]
_SOME = 5
"""Of fewer people an update may well tell no more than what has changed."""
_GRANT = "Grant it in Entra, with admin consent; a new token has it within the hour."
_ASK = "The account was not asked for it: make a connection of its own, used for 'directory'."


class NotCredible(DeskbridgeError):
    """What Graph told cannot be the whole truth: nothing is done about it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for. ``groups``: their ids, or none for all groups; None where no group matters."""

    select: tuple[str, ...]
    groups: tuple[str, ...] | None

    @property
    def users_key(self) -> str:
        """Stands for what is asked about users: Graph's links answer nothing else."""
        return _key(*self.select)

    @property
    def groups_key(self) -> str:
        """The same of groups; empty where none are asked for."""
        return "" if self.groups is None else _key("groups", *self.groups)


def asked(rules: Rules) -> Asked:
    """What these rules need to know: all, or only what is in use.

    A delta round can be limited to fifty groups, which are then named; nested groups cannot be known in advance.
    """
    used = tuple(sorted(groups_in_use(rules)))
    if rules.sync_method == "all":
        return Asked(selected(rules), ())
    if uses_transitive(rules) or len(used) > IDS_IN_DELTA_FILTER:
        return Asked(selected(rules), ())
    return Asked(selected(rules), used or None)


def check_reach(place: Place) -> None:
    """See that the token is the tenant's and may read all of people and groups; raises NotCredible, SignInFailed.

    Without these permissions Graph answers with fewer properties, or with nothing, and no error.
    https://learn.microsoft.com/en-us/graph/permissions-overview#limited-information-returned-for-inaccessible-member-objects
    """
    connection = connections.get(place.rt, place.connection_id)
    tenant, granted = place.client.find_tenant(), place.client.find_grants()
    if tenant and tenant != connection.tenant_id.lower():
        cause = f"The sign-in is of the tenant {tenant}, and the connection of {connection.tenant_id}."
        raise NotCredible(cause, "Enter the credentials of this tenant, or make a connection of its own for the other.")
    kind: Literal["application", "delegated"] = "delegated" if connection.method == "delegated" else "application"
    lines = compare({"directory"}, kind, granted) if granted is not None else []
    missing = sorted(line.permission for line in lines if line.mandatory and line.standing == "missing")
    if missing:
        cause = f"The {kind} permission {' and '.join(missing)} is not granted: Graph would leave out what it hides."
        asked_for = kind == "application" or "directory" in connection.features
        raise NotCredible(cause, _GRANT if asked_for else _ASK)


def check_told(place: Place, told: Told) -> None:
    """See that what was told can be the truth; raises NotCredible.

    Whoever may read only the basic properties of people is not refused: the others are then missing, or null.
    https://learn.microsoft.com/en-us/graph/permissions-reference#userreadbasicall
    """
    if place.state.users_full and not told.present():
        cause = "Graph named not one user of the tenant, and no error."
        raise NotCredible(cause, "See in Entra whether the app registration may still read users, then run it again.")
    partial = told.hidden or place.state.users_full or told.present() >= _SOME
    if told.present() and not told.accounts and partial:
        cause = "Graph did not say of anybody whether the account is blocked: only basic properties can be read."
        raise NotCredible(cause, "Grant the permission User.Read.All; User.ReadBasic.All is not enough.")


def begin(place: Place, reset: str) -> None:
    """Decide what is read anew and what from where the last run ended; nothing is written.

    Of everything that changed until now *latest* wants no word: it takes fresh links.
    """
    state, wanted = place.state, asked(place.rules)
    if reset == "clear":
        state.users_link = state.groups_link = ""
    if reset == "latest":
        state.users_link = graph.latest_user_link(place.client, wanted.select)
        state.groups_link = "" if wanted.groups is None else graph.latest_group_link(place.client, wanted.groups)
        state.asked_users, state.asked_groups = wanted.users_key, wanted.groups_key
        state.full_at = place.run.began_at
    begin_reading(place)


def begin_reading(place: Place) -> None:
    """Read from the first page on, and everything where the links do not stand for what the rules need, or it is time
    for it.
    """
    state, wanted = place.state, asked(place.rules)
    state.begin_reading()
    delta = place.rules.delta and not schedule.is_full_due(place.rules, state, from_text(place.run.began_at))
    state.users_full = not (delta and state.users_link and state.asked_users == wanted.users_key)
    state.groups_full = not (delta and state.groups_link and state.asked_groups == wanted.groups_key)
    state.next_asked_users, state.next_asked_groups = wanted.users_key, wanted.groups_key
    state.phase = "users"


def is_outdated(place: Place) -> bool:
    """Whether the rules need something else by now than what this run asks for."""
    wanted = asked(place.rules)
    return (place.state.next_asked_users, place.state.next_asked_groups) != (wanted.users_key, wanted.groups_key)


def read(place: Place, kind: Kind) -> bool:
    """Read on where the last slice ended; whether that was the end. Raises ResyncRequired, EndlessRound, GraphError."""
    state = place.state
    for page in _pages(place, kind):
        state.looked += 1
        if page.items:
            state.pages += 1
            place.spool.put(kind, state.pages, page.items)
        state.cursor = page.next_link
        if not page.next_link:
            _close(place, kind, page.delta_link)
            return True
        if state.looked >= MOST_DELTA_PAGES:
            raise EndlessRound(state.looked)
        place.save()
        if place.is_late():
            return False
    raise AssertionError("unreachable: a round has a last page")


def _pages(place: Place, kind: Kind) -> Iterator[Page]:
    state, wanted = place.state, asked(place.rules)
    if kind == "users":
        link = state.cursor or ("" if state.users_full else state.users_link)
        return graph.iter_user_changes(place.client, wanted.select, link)
    link = state.cursor or ("" if state.groups_full else state.groups_link)
    return graph.iter_group_changes(place.client, wanted.groups or (), link)


def _close(place: Place, kind: Kind, link: str) -> None:
    """A round has ended: note where the next one is to begin, and go on to what follows."""
    state = place.state
    if not link:
        raise NotCredible("Graph ended the round without a link for the next one.", "Nothing to do: it is read anew.")
    log.debug("directory.round", kind=kind, pages=state.pages)
    if kind == "users":
        state.next_users_link, state.user_pages = link, state.pages
        state.phase = "groups" if asked(place.rules).groups is not None else "plan"
    else:
        state.next_groups_link, state.group_pages = link, state.pages
        state.phase = "plan"
    state.cursor, state.pages, state.looked = "", 0, 0


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
