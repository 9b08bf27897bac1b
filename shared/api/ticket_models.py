"""Tickets and actions as the API shows them."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from html import unescape
from urllib.parse import quote, unquote

from pydantic import Field

from shared.api.paging import Page, Paged
from shared.api.values import AnyAddress, Changes, Guid, Moment, Nobody, Output, TicketNumber, Time, Word
from shared.desk.handling import Priority
from shared.desk.tickets import Action as DeskAction
from shared.desk.tickets import Body, File, Status

_PICTURE = re.compile(r'src="cid:([^"]*)"')


class TicketChange(Changes):
    """What to change of a ticket; the rest stays as it is. An empty text takes it from its agent, or its team."""

    agent: Guid | Nobody = Field(default="", description="The id of an active agent.")
    team: Guid | Nobody = Field(default="", description="The id of an active team.")
    status: Status = "open"
    priority: Priority = "normal"
    type: Word = "incident"


class TicketQuery(Paged):
    """Which tickets to list: those that fit everything that is named."""

    status: Status | None = None
    requester: AnyAddress | None = Field(default=None, description="The mail address of who asked.")
    agent: Guid | None = Field(default=None, description="The id of the agent who has them.")
    number: TicketNumber | None = None
    since: Moment | None = Field(default=None, description="Created then or later.")
    before: Moment | None = Field(default=None, description="Created earlier.")


class Ticket(Output):
    """One request of a user."""

    number: int
    subject: str
    status: str
    user_id: str
    user_name: str
    user_address: str
    created_at: Time
    updated_at: Time
    priority: str
    type: str
    team: str
    agent: str
    site: str
    mailbox_id: str
    automatic: bool
    followers: list[str]
    linked: list[int]


class Attachment(Output):
    """A file of an action; ``url`` is where this API gives it out."""

    index: int
    name: str
    type: str
    size: int
    inline: bool
    url: str


class Action(Output):
    """One thing that happened on a ticket.

    ``new_text`` is ``text`` without the quoted history; ``html`` is clean, its pictures lead to this API.
    """

    key: str
    kind: str
    at: Time
    recorded_at: Time
    author_id: str
    author_name: str
    author_address: str
    subject: str
    text: str
    new_text: str
    html: str | None
    notes: list[str]
    joined_by: str
    automatic: str
    message_id: str
    attachments: list[Attachment]


class TicketNames(Output):
    """What people call those that a ticket names by their ids; the text itself where it is no id."""

    agent_name: str
    team_name: str
    site_name: str


class TicketDetails(Ticket, TicketNames):
    """A ticket, the tag by which a mail joins it, and its actions, oldest first."""

    tag: str
    actions: Page[Action]


def show_action(action: DeskAction, body: Body) -> Action:
    """An action with what it says."""
    urls = [_file_url(action, each) for each in body.files]
    said = {
        "text": body.text,
        "new_text": body.new_text,
        "html": None if body.html is None else _with_pictures(body.html, body.files, urls),
        "notes": body.notes,
        "attachments": [_attachment(each, url) for each, url in zip(body.files, urls, strict=True)],
    }
    return Action.model_validate({**asdict(action), **said})


def _attachment(file: File, url: str) -> Attachment:
    return Attachment(index=file.index, name=file.name, type=file.type, size=file.size, inline=file.inline, url=url)


def _file_url(action: DeskAction, file: File) -> str:
    return f"/api/v1/tickets/{action.number}/actions/{quote(action.key)}/attachments/{file.index}"


def _with_pictures(html: str, files: Sequence[File], urls: Sequence[str]) -> str:
    """The HTML with each picture that came with it at the address where this API gives it out."""
    known = {file.content_id: url for file, url in zip(files, urls, strict=True) if file.content_id}

    def place(found: re.Match[str]) -> str:
        url = known.get(unquote(unescape(found[1])))
        return f'src="{url}"' if url else found[0]

    return _PICTURE.sub(place, html)
