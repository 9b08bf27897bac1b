"""Followers of tickets: addresses, and groups of Entra, by their own address or member by member."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from shared.api import audit
from shared.api.given import Admitted, Rt
from shared.api.paging import Everything
from shared.api.problems import documented
from shared.api.reach import Within
from shared.api.roles import Role, needs
from shared.api.values import Body, Guid, Input, Nobody, Output, PersonAddress, SearchText, Slug, TicketNumber
from shared.connections import store as connections
from shared.desk import handling, tickets
from shared.desk.handling import Author
from shared.directory import followers
from shared.directory.followers import MOST_MEMBERS, Found
from shared.errors import BadInput, NotFound
from shared.graph import directory as graph
from shared.runtime import Runtime

router = APIRouter(tags=["followers"])


class NewFollower(Body):
    """Who is to follow a ticket: an address, or a group."""

    address: PersonAddress | None = None
    group_id: Guid | None = Field(default=None, description="The object id of a group of Entra.")
    connection_id: Slug | None = Field(default=None, description="Whose group it is; left out: the default one's.")
    way: Literal["address", "members"] = Field(
        default="address",
        alias="as",
        description="`address`: the group's own address follows, and who joins the group later, too; `members`: each "
        "of those who are in it now, through other groups, too.",
    )
    limit: int = Field(default=100, ge=1, le=MOST_MEMBERS, description="How many members at most.")


class Followed(Output):
    """Who follows a ticket now. ``left_out``: members of the group beyond the limit, at least so many where there are
    ``more``; ``without_address``: members that no mail reaches.
    """

    followers: list[str]
    added: list[str]
    left_out: int = 0
    more: bool = False
    without_address: int = 0


class FollowerSettings(Body):
    """How groups follow tickets. Each connection says in the rules of its directory whether its groups may."""

    connection_id: Slug | Nobody = Field(description="The connection whose groups are meant where none is named.")


class FollowerSettingsShown(Output):
    """How groups follow tickets."""

    connection_id: str


class GroupQuery(Input):
    """Which groups to list."""

    starts_with: SearchText | None = Field(default=None, description="How the name or the address begins.")
    limit: int = Field(default=50, ge=1, le=500, description="How many items at most.")


class FoundGroup(Output):
    """A group of Entra. One that is not mail-enabled has no address that could follow; its members can."""

    id: str
    name: str
    address: str
    mail_enabled: bool


@router.post(
    "/tickets/{number}/followers", openapi_extra=needs(Role.OPERATOR), responses=documented(404, 409), status_code=200
)
def add_follower(rt: Rt, caller: Admitted, reach: Within, number: TicketNumber, new: NewFollower) -> Followed:
    """Let an address, or a group of Entra, follow a ticket; an action on it tells of it."""
    before = tickets.get_ticket(rt, number)
    if (new.address is None) == (new.group_id is None):
        raise BadInput("address", "Give an address or a group, and not both.", "Send address, or group_id.")
    found = Found((new.address,)) if new.address else _resolve(rt, reach, new)
    told = new.model_dump(by_alias=True, exclude_none=True)
    with audit.recorded(rt, caller, "ticket.follower_added", str(number), after=told):
        after = handling.follow(rt, number, by=Author(caller.name, caller.object_id), join=found.addresses)
    return Followed(
        followers=list(after.followers),
        added=[each for each in after.followers if each not in before.followers],
        left_out=found.left_out,
        more=found.more,
        without_address=found.without_address,
    )


@router.delete(
    "/tickets/{number}/followers/{address}", openapi_extra=needs(Role.OPERATOR), responses=documented(404, 409)
)
def remove_follower(rt: Rt, caller: Admitted, number: TicketNumber, address: PersonAddress) -> Followed:
    """Let an address follow a ticket no more."""
    if address not in tickets.get_ticket(rt, number).followers:
        raise NotFound(f"{address} does not follow ticket {number}.", "Read the ticket for who does.")
    with audit.recorded(rt, caller, "ticket.follower_removed", str(number), before={"address": address}):
        after = handling.follow(rt, number, by=Author(caller.name, caller.object_id), leave=(address,))
    return Followed(followers=list(after.followers), added=[])


@router.get("/follower-settings", openapi_extra=needs(Role.READER))
def get_follower_settings(rt: Rt, reach: Within) -> FollowerSettingsShown:
    """Read whose groups are meant where none is named."""
    found = followers.find_default(rt)
    return FollowerSettingsShown(connection_id="" if found in reach.hidden else found)


@router.put("/follower-settings", openapi_extra=needs(Role.ADMIN), responses=documented(404, 409))
def change_follower_settings(rt: Rt, caller: Admitted, wanted: FollowerSettings) -> FollowerSettingsShown:
    """Say whose groups are meant where none is named."""
    if wanted.connection_id:
        connections.get(rt, wanted.connection_id)
        followers.check_allowed(rt, wanted.connection_id)
    before = {"connection_id": followers.find_default(rt)}
    with audit.recorded(rt, caller, "followers.default_changed", before=before, after=wanted.model_dump()):
        followers.put_default(rt, wanted.connection_id)
    return FollowerSettingsShown(connection_id=wanted.connection_id)


@router.get("/connections/{connection_id}/groups", openapi_extra=needs(Role.OPERATOR), responses=documented(404, 409))
def list_connection_groups(
    rt: Rt, connection_id: Slug, query: Annotated[GroupQuery, Query()]
) -> Everything[FoundGroup]:
    """Look for groups of the tenant, to choose one of them."""
    client = connections.graph_client(rt, connection_id)
    found = graph.list_groups(client, starts_with=query.starts_with or "", top=query.limit)
    return Everything(
        items=[
            FoundGroup(
                id=str(each["id"]),
                name=str(each.get("displayName") or ""),
                address=str(each.get("mail") or ""),
                mail_enabled=bool(each.get("mailEnabled")),
            )
            for each in found
        ]
    )


def _resolve(rt: Runtime, reach: Within, new: NewFollower) -> Found:
    """Whom a group stands for; raises NotFound for a connection that the caller does not see."""
    connection_id = new.connection_id or followers.find_default(rt)
    if not connection_id:
        cure = "Name one, or set a default at /follower-settings."
        raise BadInput("connection_id", "It is not said whose group it is.", cure)
    if connection_id in reach.hidden:
        raise connections.missing(connection_id)
    connections.get(rt, connection_id)
    reach.check_work(connection_id)
    return followers.resolve(rt, connection_id, new.group_id or "", new.way, new.limit)
