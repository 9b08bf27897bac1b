"""python3.13 -m dev bench mail: mails through the whole chain, and through django-helpdesk's `get_email`.

Ours runs in three processes: the app (the functions host), the storage (Azurite, on disk) and Microsoft 365 (the
emulator, over HTTPS). django-helpdesk runs in one, reads mails from a folder and writes to SQLite and a folder.
"""

from __future__ import annotations

import argparse
from collections import Counter

from bench.backlog import BacklogFigures, measure_backlog
from bench.corpus import Sample, make_mails
from bench.idle import measure_idle
from bench.rival import RivalFigures, measure_rival

MAILS, SINGLE_MAILS, MAILBOXES = 1_000, 100, 8
MOST_GRAPH, MOST_STORAGE, MOST_STORAGE_SINGLE = 2.2, 3.0, 8.0


def main(argv: list[str]) -> int:
    """Measure and print; 1 if what became of the mails is not right."""
    parser = argparse.ArgumentParser(prog="python3.13 -m dev bench mail", description="Mails through the whole chain.")
    parser.add_argument("--mails", type=int, default=MAILS, help="how many in the backlog")
    parser.add_argument("--single", type=int, default=SINGLE_MAILS, help="how many one by one")
    parser.add_argument("--alone", action="store_true", help="without django-helpdesk")
    given = parser.parse_args(argv)
    samples = make_mails(given.mails)
    _print_corpus(samples)
    rivals = [] if given.alone else [_rival(samples, tuned) for tuned in (False, True)]
    runs = [_backlog(samples, count) for count in (1, MAILBOXES)]
    rivals += [] if given.alone else [_rival(samples, True)]  # before and after us: others use the machine, too
    for rival in rivals:
        times = " and ".join(f"{run.mails_per_second * rival.seconds / len(samples):.2f}" for run in runs)
        print(f"one mailbox, and {MAILBOXES}, against django-helpdesk's {rival.seconds:.0f} s: {times} times as fast")
    runs.append(_counted(samples))
    _idle(make_mails(given.single * 4 // 3, seed=2))
    mistakes = [mistake for run in runs for mistake in run.mistakes]
    for mistake in mistakes[:20]:
        print(f"WRONG: {mistake}")
    print("wrong" if mistakes else "all tickets, actions and attachments are right, and a replay added nothing")
    return 1 if mistakes else 0


def _print_corpus(samples: list[Sample]) -> None:
    size = sum(len(sample.raw) for sample in samples) / 1e6
    print(
        f"{len(samples)} mails, {size:.0f} MB: {sum(sample.is_reply for sample in samples)} replies, "
        f"{sum(bool(sample.files) for sample in samples)} with {sum(len(sample.files) for sample in samples)} files, "
        f"{len({sample.sender for sample in samples})} senders",
        flush=True,
    )


def _rival(samples: list[Sample], tuned: bool) -> RivalFigures:
    found = measure_rival(samples, tuned=tuned)
    name = "WAL, synchronous=NORMAL, no acknowledgements" if tuned else "as it comes"
    print(f"django-helpdesk, SQLite, {name}: {len(samples) / found.seconds:.1f} mails/s")
    print(f"  {found.tickets} tickets, {found.actions} actions, {found.attachments} attachments")
    print(f"  {_each(found.cpu_seconds, samples)} ms of processor time a mail", flush=True)
    return found


def _backlog(samples: list[Sample], mailboxes: int) -> BacklogFigures:
    found = measure_backlog(samples, mailboxes)
    where = "one mailbox" if mailboxes == 1 else f"{mailboxes} mailboxes"
    print(f"Deskbridge, a backlog in {where}: {found.mails_per_second:.1f} mails/s")
    app, storage = _each(found.cpu_seconds, samples), _each(found.storage_cpu_seconds, samples)
    print(f"  processor time a mail: app {app} ms, storage {storage} ms; peak of the app {found.peak_megabytes:.0f} MB")
    print("  right" if not found.mistakes else f"  WRONG in {len(found.mistakes)} places", flush=True)
    return found


def _counted(samples: list[Sample]) -> BacklogFigures:
    found = measure_backlog(samples, 1, logged=True)
    files = found.files / found.mails
    print("requests a mail in the backlog of one mailbox")
    _print_requests("Graph", found.graph, found.mails, MOST_GRAPH)
    _print_requests("storage", found.storage, found.mails, MOST_STORAGE + files)
    return found


def _idle(samples: list[Sample]) -> None:
    found = measure_idle(samples)
    counted, timed = found.graph["GET users/{user}/messages/{message}/$value"], len(found.seconds)
    print(f"requests of a single mail by webhook (mean of {counted})")
    _print_requests("Graph", found.graph, counted, 0)
    _print_requests("storage", found.storage, counted, MOST_STORAGE_SINGLE + found.files / counted)
    print(
        f"arrival to ticket when idle ({timed} mails, by webhook): p50 {found.percentile(50) * 1000:.0f} ms, "
        f"p95 {found.percentile(95) * 1000:.0f} ms, longest {found.seconds[-1] * 1000:.0f} ms; "
        "up to 1,000 ms of it is the host's look at its queue (maxPollingInterval)",
        flush=True,
    )


def _print_requests(name: str, requests: Counter[str], mails: int, most: float) -> None:
    target = f" (target: at most {most:.2f})" if most else ""
    print(f"  {name}: {requests.total() / mails:.2f}{target}")
    for kind, count in requests.most_common():
        print(f"    {count / mails:7.3f}  {kind}")


def _each(seconds: float, samples: list[Sample]) -> str:
    return f"{seconds / len(samples) * 1000:.1f}"
