"""The journal: what became of each mail, why, and how to put it through again."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from shared.api import audit, paging
from shared.api.downloads import download
from shared.api.given import Admitted, Rt
from shared.api.paging import Everything, Page, Paged
from shared.api.problems import documented
from shared.api.reach import Reach, Within
from shared.api.roles import Role, needs
from shared.api.values import AnyAddress, EntryKey, Moment, Output, SearchText, Slug, Time
from shared.clock import to_text
from shared.errors import BadInput, NotFound
from shared.mail import journal, ledger, quarantine
from shared.mail.journal import Wanted
from shared.mail.ledger import Entry
from shared.mail.quarantine import REPLAYABLE
from shared.mail.verdicts import MEANINGS, Verdict

router = APIRouter(tags=["journal"])


class JournalQuery(Paged):
    """Which mails to list: those that fit everything that is named."""

    mailbox: Slug | None = None
    verdict: Verdict | None = None
    sender: AnyAddress | None = Field(default=None, description="The whole address of the sender.")
    text: SearchText | None = Field(default=None, description="Something in subject or sender.")
    since: Moment | None = Field(default=None, description="Received then or later.")
    before: Moment | None = Field(default=None, description="Received earlier.")


class JournalEntry(Output):
    """One mail. ``verdict`` is empty while it is worked on; ``number`` is its ticket, 0 for none."""

    mailbox_id: str
    key: str
    received_at: Time
    done_at: Time
    subject: str
    sender: str
    requester: str
    verdict: str
    reason: str
    number: int
    action: str
    joined_by: str
    automatic: str
    internet_message_id: str
    message_id: str
    disposal: str


class JournalDetails(JournalEntry):
    """One mail, what its verdict means and what to do about it."""

    claimed_at: Time
    meaning: str
    cure: str
    replayable: bool
    original: str | None = Field(description="Where the mail as it came can be read; null where it is not kept.")


class VerdictMeaning(Output):
    """A verdict, what it means, and what to do about it."""

    verdict: Verdict
    text: str
    cure: str
    replayable: bool


@router.get("/verdicts", openapi_extra=needs(Role.READER))
def list_verdicts() -> Everything[VerdictMeaning]:
    """List every verdict that there is."""
    return Everything(
        items=[
            VerdictMeaning(verdict=verdict, text=meaning.text, cure=meaning.cure, replayable=verdict in REPLAYABLE)
            for verdict, meaning in MEANINGS.items()
        ]
    )


@router.get("/journal", openapi_extra=needs(Role.READER))
def list_journal(rt: Rt, reach: Within, query: Annotated[JournalQuery, Query()]) -> Page[JournalEntry]:
    """List the mails that fit, newest first, of one mailbox or of all that were given to you."""
    past = str(paging.read_position(rt.keys, "journal", query) or "")
    try:
        found = journal.list_entries(rt, _wanted(query, reach), past=past, limit=query.limit)
    except NotFound as missing:
        raise BadInput("mailbox", missing.cause, missing.cure) from None
    items = [JournalEntry.model_validate(_shown(*each)) for each in found.entries]
    return Page(items=items, next=paging.make_token(rt.keys, "journal", query, found.next))


@router.get("/journal/{mailbox}/{entry}", openapi_extra=needs(Role.READER), responses=documented(404))
def get_journal_entry(rt: Rt, mailbox: Slug, entry: EntryKey) -> JournalDetails:
    """Read one entry: what became of this mail, and why."""
    return _details(mailbox, ledger.get(rt, mailbox, entry))


@router.get(
    "/journal/{mailbox}/{entry}/original",
    openapi_extra=needs(Role.READER),
    response_class=Response,
    responses={200: {"content": {"message/rfc822": {}}, "description": "The mail as it came"}, **documented(404)},
)
def get_original(rt: Rt, mailbox: Slug, entry: EntryKey) -> Response:
    """Read the mail as it came, as a file to be saved."""
    found = ledger.get(rt, mailbox, entry)
    if not found.raw:
        raise NotFound("The original of this mail is not kept.", "The mail may still be in its mailbox: replay it.")
    return download(rt.blobs.get(found.raw), f"{entry.replace('~', '-')}.eml", "message/rfc822")


@router.post(
    "/journal/{mailbox}/{entry}/replay",
    status_code=202,
    openapi_extra=needs(Role.OPERATOR),
    responses=documented(404, 409),
)
def replay_mail(rt: Rt, caller: Admitted, mailbox: Slug, entry: EntryKey) -> JournalDetails:
    """Put a mail through again that got no ticket; its entry tells what came of it."""
    before = {"verdict": ledger.get(rt, mailbox, entry).verdict}
    with audit.recorded(rt, caller, "mail.replayed", f"{mailbox}/{entry}", before=before):
        asked = quarantine.ask_for_replay(rt, mailbox, entry)
    return _details(mailbox, asked)


def _wanted(query: JournalQuery, reach: Reach) -> Wanted:
    return Wanted(
        mailbox_id=query.mailbox or "",
        verdict=query.verdict or "",
        sender=query.sender or "",
        text=query.text or "",
        since=to_text(query.since) if query.since else "",
        before=to_text(query.before) if query.before else "",
        hidden=reach.hidden,
    )


def _shown(mailbox_id: str, entry: Entry) -> dict[str, object]:
    return {**asdict(entry), "mailbox_id": mailbox_id}


def _details(mailbox_id: str, entry: Entry) -> JournalDetails:
    meaning = MEANINGS.get(Verdict(entry.verdict)) if entry.verdict else None
    told = {
        "meaning": meaning.text if meaning else "The mail is being worked on.",
        "cure": entry.cure or (meaning.cure if meaning else "Wait a moment."),
        "replayable": entry.verdict in REPLAYABLE,
        "original": f"/api/v1/journal/{mailbox_id}/{entry.key}/original" if entry.raw else None,
    }
    return JournalDetails.model_validate({**_shown(mailbox_id, entry), **told})
