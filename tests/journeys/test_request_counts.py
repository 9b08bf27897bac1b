"""What one mail, and a hundred, cost in requests: to Microsoft Graph and to the storage.

The meter sits in the app; the host's own two for each message on a queue, receiving and deleting it, are added. A
transaction over many rows of one partition is one request, as it is for Azure.
"""

from __future__ import annotations

import re
from collections import Counter
from email.message import EmailMessage

import pytest

from dev.graph import Fault
from shared.desk.recording import MAILS_AT_ONCE
from shared.mail.sync import PAGE
from tests.world import SUPPORT, World, mail

MOST_STORAGE_SINGLE, MOST_STORAGE_BACKLOG, MOST_GRAPH_BACKLOG = 8, 3.0, 2.2
ADA = "Ada Lovelace <ada@example.com>"
MOVE, MIME, DELTA, BATCH = "graph: move", "graph: original", "graph: changes", "graph: batch"
HEAD, TRANSACTION, SENDER = "table: rows about mailboxes", "table: transaction", "table: whose address"
DOMAIN = "table: whose domain"
CONNECTION = "table: a connection"
ORIGINAL, FILE, PUT = "blob: keep the original", "blob: keep an attachment", "queue: put"
_NAMES = (
    (r"graph GET .*/messages/delta", DELTA),
    (r"graph GET .*/\$value", MIME),
    (r"graph POST .*/move", MOVE),
    (r"graph POST /v1.0/\$batch", BATCH),
    (r"table POST .*/\$batch", TRANSACTION),
    (r"table GET .*Mailboxes\(\)", HEAD),
    (r"table GET .*Connections\(PartitionKey", CONNECTION),
    (r"table GET .*Desk\(PartitionKey='desk',RowKey='e~", SENDER),
    (r"table GET .*Desk\(PartitionKey='desk',RowKey='dom~", DOMAIN),
    (r"blob PUT .*/raw/", ORIGINAL),
    (r"blob PUT .*/attachments/", FILE),
    (r"queue POST .*/messages", PUT),
)


def named(call: str) -> str:
    """What a call was for; the call itself where that is not known."""
    text = call.replace("%27", "'").replace("%7E", "~").replace("%24", "$")
    return next((name for pattern, name in _NAMES if re.match(pattern, text)), text)


class Cost:
    """What was asked for inside the ``with``, by name; ``graph`` counts each request in a batch, too.

    The app's clock stands still: what it remembers for a minute must not run out because the machine is busy.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.calls: Counter[str] = Counter()
        self.graph = 0

    def __enter__(self) -> Cost:
        self._graph_before = self._world.emulator.statistics.requests_total
        self._world.meter.start()
        self._world.clock.hold()
        return self

    def __exit__(self, *_: object) -> None:
        self._world.clock.release()
        self.calls = Counter(map(named, self._world.meter.calls))
        self.graph = self._world.emulator.statistics.requests_total - self._graph_before
        for name, count in self.calls.most_common():
            print(f"{count:5} {name}")  # noqa: T201 - pytest -s shows the bill

    @property
    def storage(self) -> int:
        """All requests to the storage, the host's two for each message among them."""
        ours = sum(count for name, count in self.calls.items() if not name.startswith("graph"))
        return ours + 2 * self.calls[PUT]


@pytest.fixture
def warm(world: World) -> World:
    """A desk that has taken a mail of Ada before: tables and folders are there, the token too."""
    world.connect()
    world.add_mailbox()
    world.settle()
    world.emulator.deliver(SUPPORT, mail("The first", sender=ADA, message_id="<first@example.com>"))
    world.settle()
    return world


def cost_of(world: World, raw: bytes) -> Cost:
    """Of one mail, a moment after the one before: one of the same second is first looked up in the ledger."""
    world.advance(2)
    with Cost(world) as cost:
        world.emulator.deliver(SUPPORT, raw)
        world.settle()
    return cost


SINGLE = {PUT: 1, DELTA: 1, TRANSACTION: 3, MIME: 1, ORIGINAL: 1, MOVE: 1}
"""The three transactions: its claim, its ticket, its receipt. The mailbox is remembered from the mail before."""


@pytest.mark.requirement("MAIL-1", "MAIL-4")
def test_a_single_mail_by_webhook(warm: World) -> None:
    cost = cost_of(warm, mail("Another", sender=ADA))
    assert cost.calls == SINGLE
    assert cost.storage == MOST_STORAGE_SINGLE - 1
    assert cost.graph == 3


@pytest.mark.requirement("MAIL-1", "MAIL-4")
def test_the_first_mail_of_a_sender_costs_one_look_more(warm: World) -> None:
    cost = cost_of(warm, mail("Hello", sender="Eve <eve@example.com>"))
    assert cost.calls == {**SINGLE, SENDER: 1}
    assert cost.storage == MOST_STORAGE_SINGLE


def test_what_is_not_remembered_any_more_costs_one_look_each(warm: World) -> None:
    warm.advance(601)
    cost = cost_of(warm, mail("Much later", sender=ADA))
    assert cost.calls == {**SINGLE, HEAD: 1, SENDER: 1, CONNECTION: 1}


@pytest.mark.requirement("MAIL-2")
def test_scans_keep_a_quiet_mailbox_remembered(warm: World) -> None:
    for _ in range(6):
        warm.advance(300)
        warm.scan()
    assert cost_of(warm, mail("Another", sender=ADA)).storage <= MOST_STORAGE_SINGLE


@pytest.mark.requirement("MAIL-9")
def test_the_first_mail_of_a_domain_costs_one_look_for_its_site(warm: World) -> None:
    assert cost_of(warm, mail("Hello", sender="Eve <eve@new.example>")).calls == {**SINGLE, SENDER: 1, DOMAIN: 1}
    assert cost_of(warm, mail("Hello", sender="Mallory <mallory@new.example>")).calls == {**SINGLE, SENDER: 1}


@pytest.mark.requirement("MAIL-8")
def test_an_answer_to_a_mail_of_late_costs_no_more_than_a_first_mail(warm: World) -> None:
    cost = cost_of(warm, mail("Re: The first", sender=ADA, In_Reply_To="<first@example.com>"))
    assert cost.calls == SINGLE
    assert len(warm.ticket(1)["actions"]) == 2


def test_an_attachment_costs_one_request(warm: World) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"], message["Message-ID"] = ADA, SUPPORT, "Two", "<two@example.com>"
    message.set_content("See the files.")
    for name in ("one.pdf", "two.pdf"):
        message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename=name)
    cost = cost_of(warm, message.as_bytes())
    assert cost.calls == {**SINGLE, FILE: 2}
    assert cost.storage == MOST_STORAGE_SINGLE - 1 + 2


@pytest.mark.requirement("MAIL-2")
def test_a_scan_of_a_quiet_mailbox(warm: World) -> None:
    """It reads the list, and the head of the mailbox whatever is remembered: a scan trusts no memory."""
    with Cost(warm) as cost:
        warm.scan()
    assert cost.calls == {PUT: 1, HEAD: 2, DELTA: 1, TRANSACTION: 1}
    assert cost.graph == 1


@pytest.mark.requirement("MAIL-2", "OPS-2")
def test_a_backlog_of_a_hundred_mails_from_twenty_senders(warm: World) -> None:
    """Three pages: a claim and a receipt each; on the desk ten mails go together; twenty leave the mailbox together."""
    warm.emulator.faults.add(Fault(kind="drop_notifications"))
    warm.advance(2)
    for index in range(100):
        warm.emulator.deliver(SUPPORT, mail(f"Mail {index}", sender=f"user{index % 20}@example.com"))
    with Cost(warm) as cost:
        warm.scan()
    assert len(warm.tickets()) == 101
    pages = -(-100 // PAGE)
    together = sum(-(-size // MAILS_AT_ONCE) for size in (PAGE, PAGE, 100 - 2 * PAGE))
    assert cost.calls == {
        **{PUT: 1, HEAD: 2, DELTA: 1, TRANSACTION: 2 * pages + together},
        **{SENDER: 20, MIME: 100, ORIGINAL: 100, BATCH: 5},
    }
    assert cost.storage <= MOST_STORAGE_BACKLOG * 100
    assert cost.graph <= MOST_GRAPH_BACKLOG * 100
