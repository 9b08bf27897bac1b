"""The main job, shown and checked: mail becomes tickets, at once by webhook, always by scan, and never two of one."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from typing import Any

import requests

from dev.desk_api import DeskApi
from dev.graph import Emulator, Fault
from dev.graph.mailboxes import Change
from dev.graph.notifications import change_item
from dev.graph.subscribing import precise
from dev.tenant import SUPPORT

PROMISED_SECONDS = 2.0
"""From a mail's arrival in its mailbox to its ticket, when the webhook works and the machine is not busy otherwise."""
APART_SECONDS = 1.2
"""Between two mails: one that comes within a second of another waits for a round that both share."""
SILENCE_SECONDS = 1.5
ANNOUNCEMENTS = 5
_PATIENCE = 30.0


class Untrue(RuntimeError):
    """Something that is claimed does not hold; the message says what was seen instead."""


class Show:
    """The acts, in their order; each raises Untrue where its claim does not hold. `say` gets a line for each fact.

    `within`: how many seconds a ticket may take that is announced by webhook.
    """

    def __init__(
        self,
        emulator: Emulator,
        desk: DeskApi,
        app_url: str,
        say: Callable[[str], None],
        within: float = PROMISED_SECONDS,
    ) -> None:
        self._emulator, self._desk, self._app_url = emulator, desk, app_url
        self._say, self._within = say, within
        found = (each for each in desk.get("/mailboxes")["items"] if each["address"] == SUPPORT)
        self._mailbox_id = str(next(found)["mailbox_id"])

    def run(self) -> None:
        """All of them."""
        first = self.three_by_webhook()
        self.one_by_scan()
        self.a_reply(first)
        self.one_mail_announced_often()

    def three_by_webhook(self) -> EmailMessage:
        """Each mail is a ticket in time; returns the first mail."""
        self._say(f"Three mails, announced by webhook: each a ticket in under {self._within:g} s.")
        mails = [_mail("Printer on fire"), _mail("Rechnung fürs Büro", html=True), _mail("Scan attached", file=True)]
        for index, mail in enumerate(mails):
            time.sleep(APART_SECONDS if index else 0)
            entry, seconds = self._take(mail, "ticket")
            ticket = self._desk.get(f"/tickets/{entry['number']}")
            files = ticket["actions"]["items"][0]["attachments"]
            self._say(f'  ticket {entry["number"]} after {seconds:.2f} s: "{ticket["subject"]}", {len(files)} files')
            _claim(ticket["subject"] == mail["Subject"], f'the subject is "{ticket["subject"]}"')
            _claim(len(files) == len(list(mail.iter_attachments())), f"the ticket has {len(files)} files")
            _claim(seconds < self._within, f"that took {seconds:.2f} s and not less than {self._within:g}")
        progress = self._desk.get(f"/mailboxes/{self._mailbox_id}")["progress"]
        _claim(bool(progress["last_notified_at"]), "no notification has come")
        return mails[0]

    def one_by_scan(self) -> None:
        """With every notification lost, the scan finds the mail."""
        self._say("All notifications are lost; the scan finds the mail.")
        _stay_clear_of_timers()
        with _Silence(self._emulator):
            mail = _mail("Nobody told you of this one")
            message_id = self._deliver(mail)
            time.sleep(SILENCE_SECONDS)
            _claim(self._find(message_id) is None, "the mail was found before the scan, so it was announced")
            self._say(f"  after {SILENCE_SECONDS} s: no ticket, as nobody looked")
            started = time.monotonic()
            self._scan()
            entry = self._wait_for(message_id, "ticket")
        self._say(f"  ticket {entry['number']}, {time.monotonic() - started:.2f} s after the scan began")

    def a_reply(self, first: EmailMessage) -> None:
        """A reply joins the ticket of the mail that it answers."""
        self._say("A reply to the first mail joins its ticket.")
        origin = self._entries(text=str(first["Subject"]))[0]
        reply = _mail(f"Re: {first['Subject']}", answers=str(first["Message-ID"]))
        entry, seconds = self._take(reply, "reply")
        count = len(self._desk.get(f"/tickets/{origin['number']}")["actions"]["items"])
        self._say(f"  joined ticket {entry['number']} by {entry['joined_by']} after {seconds:.2f} s, action {count}")
        _claim(entry["number"] == origin["number"], f"it joined ticket {entry['number']} instead")
        _claim(count == 2, f"the ticket has {count} actions and not 2")

    def one_mail_announced_often(self) -> None:
        """Many notifications of one mail at once, and two scans: one ticket."""
        self._say(f"One mail, announced {ANNOUNCEMENTS} times at once and scanned twice: one ticket.")
        before = len(self._entries())
        with _Silence(self._emulator), ThreadPoolExecutor(ANNOUNCEMENTS + 2) as threads:
            mail = _mail("Everybody talks about this one")
            message_id = self._deliver(mail)
            calls = [threads.submit(self._announce, message_id) for _ in range(ANNOUNCEMENTS)]
            calls += [threads.submit(self._scan) for _ in range(2)]
            statuses = [call.result() for call in calls]
            entry = self._wait_for(message_id, "ticket")
        self._look_once_more()
        entries, found = len(self._entries()) - before, self._tickets(str(mail["Subject"]))
        actions = self._desk.get(f"/tickets/{entry['number']}")["actions"]["items"]
        self._say(f"  answers {statuses}; tickets: {found}; actions: {len(actions)}; journal entries: {entries}")
        _claim(set(statuses) == {202}, "not every call was answered with 202")
        _claim(found == [entry["number"]], f"there are {len(found)} tickets")
        _claim(len(actions) == 1, f"the ticket has {len(actions)} actions")
        _claim(entries == 1, f"the journal has {entries} entries of it")

    def _take(self, mail: EmailMessage, verdict: str) -> tuple[Any, float]:
        started = time.monotonic()
        entry = self._wait_for(self._deliver(mail), verdict)
        self._desk.get(f"/tickets/{entry['number']}")
        return entry, time.monotonic() - started

    def _deliver(self, mail: EmailMessage) -> str:
        return self._emulator.deliver(SUPPORT, mail.as_bytes())

    def _wait_for(self, message_id: str, verdict: str) -> Any:
        until = time.monotonic() + _PATIENCE
        while (entry := self._find(message_id)) is None or not entry["verdict"]:
            _claim(time.monotonic() < until, f"the mail has no verdict after {_PATIENCE:.0f} s")
            time.sleep(0.02)
        _claim(entry["verdict"] == verdict, f"its verdict is {entry['verdict']}, {entry['reason']}")
        return entry

    def _find(self, message_id: str) -> Any:
        return next((each for each in self._entries(limit=10) if each["message_id"] == message_id), None)

    def _entries(self, **query: str | int) -> list[Any]:
        return list(self._desk.get("/journal", mailbox=self._mailbox_id, **query)["items"])

    def _tickets(self, subject: str) -> list[int]:
        return [each["number"] for each in self._desk.get("/tickets")["items"] if each["subject"] == subject]

    def _scan(self) -> int:
        """Run the timer's function now, by the host's own address for that."""
        return _post(f"{self._app_url}/admin/functions/scan_mailboxes", {})

    def _announce(self, message_id: str) -> int:
        """Send the notification that Graph would send, once."""
        message = self._emulator.message(SUPPORT, message_id)
        found = next(each for each in self._emulator.subscriptions() if each.mailbox.address == SUPPORT)
        item = change_item(
            found, Change("created", message.folder_id, message, message.rest_id), precise(found.expires)
        )
        return _post(found.notification_url, {"value": [item]})

    def _look_once_more(self) -> None:
        """Wait for the end of a round that was asked for only now: all that was asked for before is done then."""
        before = self._last_success()
        self._desk.post(f"/mailboxes/{self._mailbox_id}/fetch")
        until = time.monotonic() + _PATIENCE
        while self._last_success() == before:
            _claim(time.monotonic() < until, "the mailbox was not looked at again")
            time.sleep(0.05)

    def _last_success(self) -> str:
        return str(self._desk.get(f"/mailboxes/{self._mailbox_id}")["progress"]["last_success_at"])


class _Silence:
    """While it lasts, no notification leaves the emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._faults = emulator.faults

    def __enter__(self) -> None:
        self._faults.add(Fault("drop_notifications"))

    def __exit__(self, *_error: object) -> None:
        self._faults.clear()


def _stay_clear_of_timers() -> None:
    """The scan's own timer comes at full minutes: wait for one that is so near that it would disturb."""
    left = 60 - time.time() % 60
    if left < SILENCE_SECONDS + 1:
        time.sleep(left + 1)


def _claim(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Untrue(otherwise)


def _post(url: str, body: object) -> int:
    return requests.post(url, json=body, timeout=_PATIENCE).status_code


def _mail(subject: str, *, html: bool = False, file: bool = False, answers: str = "") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Ada Lovelace <ada@customer.example>", SUPPORT, subject
    mail["Message-ID"] = f"<{time.time_ns()}@customer.example>"
    if answers:
        mail["In-Reply-To"] = mail["References"] = answers
    mail.set_content("Please help: this cannot wait until Monday.\n")
    if html:
        mail.add_alternative("<p>Please help: this <b>cannot wait</b> until Monday.</p>", subtype="html")
    if file:
        mail.add_attachment(b"%PDF-1.7\n", maintype="application", subtype="pdf", filename="scan.pdf")
    return mail
