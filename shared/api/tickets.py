"""Tickets: listed newest first, and read with everything that happened on them."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from shared.api import paging
from shared.api.downloads import download
from shared.api.given import Rt
from shared.api.paging import Page, Paged
from shared.api.problems import documented
from shared.api.roles import Role, needs
from shared.api.ticket_models import Action, Ticket, TicketDetails, TicketQuery, show_action
from shared.api.values import ActionKey, FileIndex, TicketNumber
from shared.clock import to_text
from shared.desk import listing, people, tickets
from shared.desk.listing import Wanted
from shared.desk.tags import make_tag
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
    ticket = Ticket.model_validate(tickets.get_ticket(rt, number))
    return TicketDetails(**ticket.model_dump(), tag=make_tag(rt.keys, number), actions=_actions(rt, number, query))


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
