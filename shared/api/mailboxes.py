"""Mailboxes: which ones are taken in, how, and what a new ticket begins with."""

from collections.abc import Mapping
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from shared.api import audit, references
from shared.api.given import Admitted, Rt
from shared.api.paging import Everything
from shared.api.problems import documented
from shared.api.reach import Within
from shared.api.roles import Role, needs
from shared.api.values import Body, Changes, FolderId, FolderName, Label, MailboxAddress, Name, Output, Slug, Time, Word
from shared.connections import store as connections
from shared.desk import sites, teams
from shared.errors import BadInput, Conflict, NotFound
from shared.graph.mail import WELL_KNOWN_FOLDERS
from shared.mail import mailboxes
from shared.mail.mailboxes import Disposal, Method
from shared.runtime import Runtime
from shared.work import CareForSubscription

router = APIRouter(prefix="/mailboxes", tags=["mailboxes"])


class _Choices(Body):
    """What people decide about a mailbox, and may change at any time."""

    name: Name = Field(default="", description="What people call the mailbox.")
    method: Method = Field(default="webhook", description="`webhook` is told of mail at once, `scan` looks for it.")
    disposal: Disposal = Field(default="move", description="What happens to a mail once its ticket is safe.")
    done_folder: FolderName = Field(default="Processed", description="Where mail is moved to; made where missing.")
    enabled: bool = True
    priority: Literal["low", "normal", "high", "urgent"] = "normal"
    type: Word = "incident"
    team: Label = Field(default="", description="The id of the team that new tickets begin with, empty for none.")
    site: Label = Field(default="", description="The id of the site of tickets whose requester has none.")


class NewMailbox(_Choices):
    """A mailbox to take in. ``name`` left out is the address."""

    connection_id: Slug
    address: MailboxAddress
    folder: FolderId = Field(default="inbox", description="Its id, or its well-known name.")


class MailboxChange(Changes, _Choices):
    """What to change of a mailbox; the rest stays as it is. Another address or folder is another mailbox."""


class Mailbox(Output):
    """A mailbox as it is set up."""

    mailbox_id: str
    connection_id: str
    address: str
    name: str
    folder: str
    method: str
    disposal: str
    done_folder: str
    enabled: bool
    priority: str
    type: str
    team: str
    site: str
    created_at: Time


class Progress(Output):
    """How far the mailbox is taken in, and what keeps it from going on."""

    last_success_at: Time
    last_mail_at: Time
    last_notified_at: Time
    failing_since: Time
    failure: str
    failure_cure: str
    taken: int
    quarantined: int
    resyncs: int


class MailboxDetails(Mailbox):
    """A mailbox, and how it does."""

    progress: Progress


class Asked(Output):
    """The work was put on its queue."""

    mailbox_id: str


@router.get("", openapi_extra=needs(Role.READER))
def list_mailboxes(rt: Rt, reach: Within) -> Everything[Mailbox]:
    """List all mailboxes of the connections that were given to you."""
    return Everything(items=[Mailbox.model_validate(each) for each in mailboxes.list_seen(rt, reach.hidden)])


@router.post("", status_code=201, openapi_extra=needs(Role.ADMIN), responses=documented(409))
def create_mailbox(rt: Rt, caller: Admitted, new: NewMailbox, response: Response) -> Mailbox:
    """Take in another mailbox, at once if it is enabled."""
    cloud = _cloud(rt, new.connection_id)
    folder = new.folder.lower() if new.folder.lower() in WELL_KNOWN_FOLDERS else new.folder
    values = {**new.model_dump(exclude={"connection_id", "address"}), "folder": folder}
    _check(values, cloud)
    _check_named(rt, values)
    with audit.recorded(rt, caller, "mailbox.created", after={**values, "address": new.address}) as record:
        made = mailboxes.create(rt, connection_id=new.connection_id, address=new.address, values=values)
        record.target = made.mailbox_id
    rt.queues.put(CareForSubscription(mailbox_id=made.mailbox_id, cause="created"))
    if made.enabled:
        mailboxes.knock(rt, made.mailbox_id, "created")
    response.headers["Location"] = f"/api/v1/mailboxes/{made.mailbox_id}"
    return Mailbox.model_validate(made)


@router.get("/{mailbox_id}", openapi_extra=needs(Role.READER), responses=documented(404))
def get_mailbox(rt: Rt, mailbox_id: Slug) -> MailboxDetails:
    """Read one mailbox, and how it does."""
    mailbox, state = mailboxes.get_head(rt, mailbox_id)
    shown = Mailbox.model_validate(mailbox)
    return MailboxDetails(**shown.model_dump(), progress=Progress.model_validate(state))


@router.patch("/{mailbox_id}", openapi_extra=needs(Role.ADMIN), responses=documented(404, 409))
def change_mailbox(rt: Rt, caller: Admitted, mailbox_id: Slug, change: MailboxChange) -> Mailbox:
    """Change what is named, and nothing else."""
    before = Mailbox.model_validate(mailboxes.get(rt, mailbox_id)).model_dump()
    values = change.model_dump(exclude_unset=True)
    _check({**before, **values}, _cloud(rt, before["connection_id"]))
    _check_named(rt, values)
    replaced = {name: before[name] for name in values}
    with audit.recorded(rt, caller, "mailbox.changed", mailbox_id, before=replaced, after=values):
        changed = mailboxes.change(rt, mailbox_id, values)
    if values.keys() & {"enabled", "method"}:
        rt.queues.put(CareForSubscription(mailbox_id=mailbox_id, cause="asked"))
        mailboxes.knock(rt, mailbox_id, "asked")
    return Mailbox.model_validate(changed)


@router.post("/{mailbox_id}/fetch", status_code=202, openapi_extra=needs(Role.OPERATOR), responses=documented(404, 409))
def fetch_mailbox(rt: Rt, mailbox_id: Slug) -> Asked:
    """Look for mail now."""
    if not mailboxes.get(rt, mailbox_id).enabled:
        raise Conflict("The mailbox is switched off.", "Enable it; it is then read at once.")
    mailboxes.knock(rt, mailbox_id, "asked")
    return Asked(mailbox_id=mailbox_id)


def _cloud(rt: Runtime, connection_id: str) -> str:
    """The cloud of a connection that can take in mail; raises BadInput."""
    try:
        found = connections.get(rt, connection_id)
    except NotFound as missing:
        raise BadInput("connection_id", missing.cause, missing.cure) from None
    if found.method == connections.AGENTS:
        cause = "For this connection each agent signs in for themselves: it is for calendars, and reads no mail."
        raise BadInput("connection_id", cause, "Choose one with the method application or delegated.")
    if found.method == "delegated" and "mail" not in found.features:
        cause = f"The account of this connection was not asked for its mail, but for: {found.used_for}."
        raise BadInput("connection_id", cause, "Make a connection of its own, used for 'mail'.")
    return found.cloud


def _check(values: dict[str, Any], cloud: str) -> None:
    """Refuse what is well formed and cannot work; raises BadInput."""
    if values["disposal"] == "move" and values["done_folder"].lower() == values["folder"].lower():
        raise BadInput("done_folder", "Mail would be moved to where it is.", "Choose another folder, or mark_read.")
    if values["disposal"] == "delete_permanently" and cloud not in ("global", "local"):
        # https://learn.microsoft.com/en-us/graph/api/message-permanentdelete
        raise BadInput("disposal", f"Graph deletes nothing permanently in the cloud {cloud}.", "Choose delete.")


def _check_named(rt: Runtime, values: Mapping[str, Any]) -> None:
    """Refuse a team or a site that is not there, or rests; raises BadInput. What is not named may be as it was."""
    if values.get("team"):
        references.active(rt, teams.KIND, "team", values["team"])
    if values.get("site"):
        references.active(rt, sites.KIND, "site", values["site"])
