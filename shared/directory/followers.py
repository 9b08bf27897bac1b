"""Groups of Entra as followers of a ticket: by the group's own address, or each member by theirs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Literal

from shared import side_by_side
from shared.connections import store as connections
from shared.desk import people
from shared.directory import TABLE, mirror
from shared.directory.store import get_rules
from shared.errors import BadInput, Conflict
from shared.graph import directory as graph
from shared.graph.client import GraphClient, Json
from shared.graph.errors import AccessDenied
from shared.runtime import Runtime
from shared.storage.rows import Row

Way = Literal["address", "members"]
MOST_MEMBERS = 500
_MOST_PAGES = 5
"""Of 999 members each: of more it is only said that there are more."""
_PARTITION, _KEY = "!desk", "!followers"


@dataclass(frozen=True, slots=True)
class Found:
    """Whom a group stands for. ``left_out``: members beyond the limit, at least so many where there are ``more``;
    ``without_address``: members that no mail reaches.
    """

    addresses: tuple[str, ...]
    left_out: int = 0
    more: bool = False
    without_address: int = 0


def find_default(rt: Runtime) -> str:
    """The connection whose groups are meant where none is named; empty for none."""
    row = rt.tables[TABLE].find(_PARTITION, _KEY)
    return str(row.get("connection_id", "")) if row else ""


def put_default(rt: Runtime, connection_id: str) -> None:
    """Keep another one, or none (empty)."""
    rt.tables[TABLE].upsert(Row(_PARTITION, _KEY, {"connection_id": connection_id}))


def check_allowed(rt: Runtime, connection_id: str) -> None:
    """Raise Conflict where groups of this connection are not to follow tickets, or it rests."""
    if not get_rules(rt, connection_id)[0].groups_as_followers:
        cause = "Groups of this connection are not to follow tickets."
        raise Conflict(cause, "Set 'groups_as_followers' in the rules of its directory.")
    if connections.rests(rt, connection_id):
        raise Conflict("The connection rests.", "See in the list of connections why, and mend it.")


def resolve(rt: Runtime, connection_id: str, group_id: str, way: Way, limit: int) -> Found:
    """Whom a group stands for; raises Conflict, BadInput, GraphError, SignInFailed."""
    check_allowed(rt, connection_id)
    client = connections.graph_client(rt, connection_id)
    try:
        group = graph.find_group(client, group_id)
        if group is None:
            raise BadInput("group_id", f"There is no group {group_id}.", "Look it up in the groups of the connection.")
        return _address(group) if way == "address" else _members(rt, client, connection_id, group_id, limit)
    except AccessDenied as refused:
        cure = "In Entra, give the app the permissions GroupMember.Read.All and User.ReadBasic.All, and grant consent."
        raise Conflict(refused.cause, cure) from refused


def _address(group: Json) -> Found:
    if not (group.get("mailEnabled") and group.get("mail")):
        cause = f"The group {group.get('displayName')!r} has no mail address."
        raise BadInput("group_id", cause, "Let its members follow one by one ('as': 'members'), or choose another.")
    return Found((str(group["mail"]).lower(),))


def _members(rt: Runtime, client: GraphClient, connection_id: str, group_id: str, limit: int) -> Found:
    pages = graph.iter_members(client, group_id)
    members = [each for page in islice(pages, _MOST_PAGES) for each in page]
    more = next(pages, None) is not None
    chosen = members[:limit]
    known = _known_addresses(rt, connection_id, chosen)
    addresses = [known.get(each["id"]) or str(each.get("mail") or "").lower() for each in chosen]
    found = tuple(dict.fromkeys(each for each in addresses if each))
    return Found(found, len(members) - len(chosen), more, addresses.count(""))


def _known_addresses(rt: Runtime, connection_id: str, members: list[Json]) -> dict[str, str]:
    """The addresses of those who are at the desk, who may have another one there."""
    known = mirror.find_many(rt, connection_id, [str(each["id"]) for each in members])
    ours = {object_id: person.user_id for object_id, person in known.items() if person.user_id}
    users = side_by_side.each(partial(people.find_user, rt), ours.values())
    return {object_id: user.address for object_id, user in zip(ours, users, strict=True) if user}
