"""python -m dev.cost_page: write docs/costs.md anew, from what each thing was measured to take.

`tests/journeys/test_costs.py` measures it and compares.
"""

from dataclasses import dataclass
from pathlib import Path

from dev.bootstrap import ROOT
from shared.work import KINDS

PAGE = ROOT / "docs" / "costs.md"
DAYS = 30
HOST_QUEUE = 2
"""Requests with which the host gets a message from its queue and deletes it."""


@dataclass(frozen=True)
class Take:
    """What one thing takes: ``executions`` of functions, ``storage`` requests (those of the host for its message among
    them), requests to ``graph``.
    """

    executions: int
    storage: int
    graph: int


MAIL = Take(executions=2, storage=8, graph=3)
"""A mail from a sender who is known to the desk and not to this process, minutes after the one before."""
SCAN = Take(executions=1, storage=6, graph=1)
"""The scan of one mailbox in which nothing is new: the knock and its round."""
TIMERS = {
    "scan_mailboxes": (288, 1, 0),
    "report_figures": (144, 2 * len(KINDS) + 2, 1),
    "sync_directories": (96, 3, 0),
    "reconcile_subscriptions": (24, 6, 2),
    "watch_connections": (24, 2, 0),
    "import_licenses": (1, 2, 0),
    "read_sign_ins": (1, 2, 0),
    "remove_old": (1, 7, 0),
}
"""How often a day each timer comes round, the storage requests that it makes by itself with one mailbox, and how many
more for each further one.
"""
SIZES = ((1_000, 1), (10_000, 5), (1_000_000, 50))
"""Mails a month, and the mailboxes that they are thought to come to."""
HEAD = """# What it costs

In executions of functions, requests to storage and requests to Graph, which is what Azure bills and what Graph limits.
Prices change and differ by region: take them from the pages at the end. This page is made by `python -m dev.cost_page`,
and the counts in it are measured by `tests/journeys/test_costs.py`.

## What each thing takes

| what | executions | storage requests | Graph requests |
|---|---|---|---|
"""
MIDDLE = """
A mail, from a sender whom the desk knows and this process does not, without attachments; each attachment is one
storage request more. In a burst, and in a backlog, it is less: [what one mail costs](requests.md). The storage requests
hold the two with which the host gets a message from its queue and deletes it. For each further mailbox the timers make
{more} storage requests a day beside its scans.

## A month

Announced by webhook, scanned every five minutes, 30 days, no attachments:

| mails | mailboxes | executions | storage requests | Graph requests |
|---|---|---|---|---|
"""
TAIL = """
## Beside these

* **Always-ready instances.** The largest share of a small installation: one warm instance for HTTP (`alwaysReadyHttp`,
  default 1) is billed for its memory around the clock: 2 GB for 30 days are 5,184,000 GB-seconds. At $0.000004 for one
  that waits (list price in the USA, November 2026) that is some $21 a month, with 512 MB $5, and there is no free grant
  for it. With 0 the first notification after a pause may be slower than Graph's three seconds, and its mail then
  comes with the scan. `alwaysReadyMail` keeps one warm for what a notification puts on the queue, at the same price.
* **Looking at empty queues.** While an instance of a queue's function runs, the host looks at its queue once a second
  (`maxPollingInterval`); a raised value costs less and makes mail wait longer.
* **What is kept.** The original of each mail, its attachments, and some rows of a kilobyte each.
* **Logs.** About one line of half a kilobyte an execution, billed by the gigabyte.
* **The directory.** Two requests to Graph an hour and connection while nothing changes; once a day, when everything is
  read, one for each 999 people and each thousand members of groups, each with a blob that is put, read a few times and
  deleted, and one storage request more for each thousand people.

Prices: [Functions](https://azure.microsoft.com/pricing/details/functions/),
[tables](https://azure.microsoft.com/pricing/details/storage/tables/),
[queues](https://azure.microsoft.com/pricing/details/storage/queues/),
[blobs](https://azure.microsoft.com/pricing/details/storage/blobs/),
[Monitor](https://azure.microsoft.com/pricing/details/monitor/).

## What limits it

Graph lets an app have 4 requests at once in one mailbox and 10,000 in ten minutes
([limits](https://learn.microsoft.com/graph/throttling-limits)): some 3,300 mails
in ten minutes a mailbox, however large the installation.
The desk is one partition of a table, 2,000 rows a second
([targets](https://learn.microsoft.com/azure/storage/tables/scalability-targets)): some 300 mails a
second, over all mailboxes. Raise `maximumInstances` where many mailboxes are busy at once: rounds of different ones do
not wait for each other.
"""


def page() -> str:
    """The page as it should be."""
    things = [
        ("a mail", MAIL),
        ("the scan of a quiet mailbox", SCAN),
        ("the timers, a day, with one mailbox", timers_a_day()),
    ]
    rows = "".join(f"| {name} | {take.executions} | {take.storage} | {take.graph} |\n" for name, take in things)
    months = "".join(_month(mails, mailboxes) for mails, mailboxes in SIZES)
    more = timers_a_day(2).storage - timers_a_day(1).storage
    return HEAD + rows + MIDDLE.format(more=more) + months + TAIL


def timers_a_day(mailboxes: int = 1) -> Take:
    """All timers of a day; what they put on queues is counted where it is worked off."""
    executions = sum(often for often, _, _ in TIMERS.values())
    storage = sum(often * (requests + more * (mailboxes - 1)) for often, requests, more in TIMERS.values())
    return Take(executions, storage, TIMERS["reconcile_subscriptions"][0])


def _month(mails: int, mailboxes: int) -> str:
    scans, timers = mailboxes * DAYS * TIMERS["scan_mailboxes"][0], timers_a_day(mailboxes)
    sums = (
        mails * getattr(MAIL, name) + scans * getattr(SCAN, name) + DAYS * getattr(timers, name)
        for name in ("executions", "storage", "graph")
    )
    return f"| {mails:,} | {mailboxes} | {' | '.join(f'{each:,}' for each in sums)} |\n"


def write(path: Path = PAGE) -> None:
    """Write it."""
    path.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write()
