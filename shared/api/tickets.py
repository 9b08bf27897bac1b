"""Tickets: listed newest first, read with everything that happened on them, and assigned."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Response

from shared.api import audit, paging, references
from shared.api.downloads import download
from shared.api.given import Admitted, Rt
from shared.api.paging import Page, Paged
from shared.api.problems import documented
from shared.api.roles import Role, needs
from shared.api.ticket_models import Action, Ticket, TicketChange, TicketDetails, TicketQuery, show_action
from shared.api.values import ActionKey, FileIndex, TicketNumber
from shared.clock import to_text
from shared.desk import agents, handling, listing, people, sites, teams, tickets
from shared.desk.handling import Author
from shared.desk.listing import Wanted
from shared.desk.tags import make_tag
from shared.desk.tickets import Ticket as DeskTicket
from shared.errors import NotFound
from shared.runtime import Runtime

router = APIRouter(prefix="/tickets", tags=["tickets"])


@router.get("", openapi_extra=needs(Role.READER))
def list_tickets(rt: Rt, query: Annotated[TicketQuery, Query()]) -> Page[Ticket]:
    """List the tickets that fit, newest first."""
    behind = paging.read_position(rt.keys, "tickets", query)
    user = people.find_by_address(rt, query.requester) if query.requester else None
    if query.requester and user is None:
        return Page(items=[])
    wanted = Wanted(
        status=query.status or "",
        user_id=user.user_id if user else "",
        agent=query.agent or "",
        since=to_text(query.since) if query.since else "",
        before=to_text(query.before) if query.before else "",
    )
    if query.number:
        return Page(items=[Ticket.model_validate(each) for each in listing.find_ticket(rt, query.number, wanted)])
    found = listing.list_tickets(rt, wanted, behind=None if behind is None else int(behind), limit=query.limit)
    items = [Ticket.model_validate(each) for each in found.tickets]
    return Page(items=items, next=paging.make_token(rt.keys, "tickets", query, found.next))


@router.get("/{number}", openapi_extra=needs(Role.READER), responses=documented(404))
def get_ticket(rt: Rt, number: TicketNumber, query: Annotated[Paged, Query()]) -> TicketDetails:
    """Read one ticket; `limit` and `after` page through its actions."""
    ticket = tickets.get_ticket(rt, number)
    shown = {**Ticket.model_validate(ticket).model_dump(), **_names(rt, ticket)}
    return TicketDetails(**shown, tag=make_tag(rt.keys, number), actions=_actions(rt, number, query))


@router.patch("/{number}", openapi_extra=needs(Role.OPERATOR), responses=documented(404, 409))
def change_ticket(rt: Rt, caller: Admitted, number: TicketNumber, change: TicketChange) -> Ticket:
    """Assign a ticket, or change how far it is and how it is filed; an action on it tells of it."""
    ticket = tickets.get_ticket(rt, number)
    values = change.model_dump(exclude_unset=True)
    _check(rt, values)
    before = {name: getattr(ticket, name) for name in values}
    with audit.recorded(rt, caller, "ticket.changed", str(number), before=before, after=values):
        changed = handling.change(rt, number, by=Author(caller.name, caller.object_id), **values)
    return Ticket.model_validate(changed)


@router.get(
    "/{number}/actions/{action}/attachments/{index}",
    openapi_extra=needs(Role.READER),
    response_class=Response,
    responses={200: {"content": {"*/*": {}}, "description": "The file"}, **documented(404)},
)
def get_attachment(rt: Rt, number: TicketNumber, action: ActionKey, index: FileIndex) -> Response:
    """Read a file of an action: pictures to be shown, everything else to be saved."""
    _, body = tickets.get_action(rt, number, action)
    file = next((each for each in body.files if each.index == index), None)
    if file is None:
        raise NotFound(f"The action has no attachment {index}.", "Read the ticket for its attachments.")
    return download(rt.blobs.get(file.blob), file.name, file.type)


def _check(rt: Runtime, values: Mapping[str, str]) -> None:
    """Raise BadInput where a ticket would be given to nobody who works."""
    if values.get("agent"):
        references.active(rt, agents.KIND, "agent", values["agent"])
    if values.get("team"):
        references.active(rt, teams.KIND, "team", values["team"])


def _names(rt: Runtime, ticket: DeskTicket) -> dict[str, str]:
    """The names of what a ticket names by id; the text itself where it is none, as a mailbox's defaults may be."""
    agent = agents.find_agent(rt, ticket.agent) if ticket.agent else None
    team = teams.load_all(rt).get(ticket.team) if ticket.team else None
    site = sites.find_site(rt, ticket.site) if ticket.site else None
    return {
        "agent_name": agent.name if agent else ticket.agent,
        "team_name": team.name if team else ticket.team,
        "site_name": site.name if site else ticket.site,
    }


def _actions(rt: Runtime, number: int, query: Paged) -> Page[Action]:
    name = f"tickets/{number}"
    past = str(paging.read_position(rt.keys, name, query) or "")
    found = tickets.list_actions(rt, number, past=past, limit=query.limit + 1)
    shown = found[: query.limit]
    last = shown[-1][0].key if len(found) > query.limit else None
    return Page(
        items=[show_action(action, body) for action, body in shown],
        next=paging.make_token(rt.keys, name, query, last),
    )
