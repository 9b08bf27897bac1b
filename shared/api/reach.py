"""Which connections a caller reaches. What they were not given is, to them, not there: neither are its mailboxes.

Looked up before each route by the names of its parameters, so that a new route cannot forget it; lists leave out what
is hidden. Administrators reach everything.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from shared.api.given import Admitted, Rt
from shared.api.roles import Caller, Role, find_needed
from shared.connections import grants, store
from shared.connections.grants import Grant
from shared.errors import Forbidden
from shared.mail import mailboxes
from shared.runtime import Runtime

CONNECTION = "connection_id"
MAILBOX = ("mailbox_id", "mailbox")
"""What parameters in an address are called that name a connection or a mailbox."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Connections that a caller does not see, and those that they may only look at."""

    hidden: frozenset[str] = frozenset()
    read_only: frozenset[str] = frozenset()

    def check_work(self, connection_id: str) -> None:
        """Raise Forbidden where the caller may only look."""
        if connection_id in self.read_only:
            raise _only_to_look()

    def check_work_on(self, rt: Runtime, named: Collection[str]) -> None:
        """The same for work on these, which are mailboxes or connections."""
        if not _names(rt, self.read_only).isdisjoint(named):
            raise _only_to_look()

    def names_hidden(self, rt: Runtime) -> frozenset[str]:
        """The connections that a caller does not see, and the mailboxes of these."""
        return _names(rt, self.hidden)


def decide_reach(caller: Caller, given: Mapping[str, Sequence[Grant]]) -> Reach:
    """The reach of a caller, by whom each connection was given to."""
    if caller.role == Role.ADMIN:
        return Reach()
    mine = {
        connection_id: {each.access for each in listed if each.object_id == caller.object_id}
        for connection_id, listed in given.items()
        if listed
    }
    return Reach(
        hidden=frozenset(connection_id for connection_id, access in mine.items() if not access),
        read_only=frozenset(connection_id for connection_id, access in mine.items() if access == {grants.READ}),
    )


def within_reach(request: Request, rt: Rt, caller: Admitted) -> Reach:
    """The caller's reach; raises NotFound for what is outside of it just as for what is not there, and Forbidden."""
    if caller.role == Role.ADMIN:
        return Reach()
    reach = decide_reach(caller, grants.list_all(rt))
    connection_id = _named_connection(rt, request.path_params, reach)
    if connection_id and find_needed(request.scope["route"].openapi_extra) != Role.READER:
        reach.check_work(connection_id)
    return reach


Within = Annotated[Reach, Depends(within_reach)]
"""What the caller reaches, for routes that list."""


def _names(rt: Runtime, connections: frozenset[str]) -> frozenset[str]:
    return connections | mailboxes.ids_within(rt, connections)


def _only_to_look() -> Forbidden:
    return Forbidden("This connection was given to you to look at.", "Ask an administrator for more.")


def _named_connection(rt: Runtime, parameters: Mapping[str, str], reach: Reach) -> str:
    """The connection that an address is about, itself or by one of its mailboxes; empty where it is about none."""
    if CONNECTION in parameters:
        return _seen_connection(rt, parameters[CONNECTION], reach)
    for name in MAILBOX:
        if name in parameters:
            return _connection_of(rt, parameters[name], reach)
    return ""


def _seen_connection(rt: Runtime, connection_id: str, reach: Reach) -> str:
    """Looked up before the body is: what is hidden and what is not there are refused at the same step."""
    if connection_id in reach.hidden:
        raise store.missing(connection_id)
    return store.get(rt, connection_id).connection_id


def _connection_of(rt: Runtime, mailbox_id: str, reach: Reach) -> str:
    connection_id = mailboxes.get(rt, mailbox_id).connection_id
    if connection_id in reach.hidden:
        raise mailboxes.missing(mailbox_id)
    return connection_id
