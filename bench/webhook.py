"""python3.13 -m dev bench webhook: a thousand notifications within one second, one in ten of them forged.

They come from a process of their own at set times, whatever has been answered (an open loop), over HTTP to the app.
What HTTP wakes and what queues wake run in two processes, as on Flex Consumption; ``--together`` puts them into one.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.process_figures import Taken
from bench.stack import TENANT, Stack
from dev.bootstrap import ROOT
from shared.mail.mailboxes import Mailbox
from shared.subscriptions import client_state

ITEMS, MAILBOXES, SECONDS = 1_000, 50, 1.0
FORGED_EVERY = 10
BATCHED, LARGEST_BATCH = 0.3, 12
MOST_P99, MOST_EVER = 0.250, 3.0
OTHER_TENANT = "33333333-3333-4333-8333-333333333333"
_REFUSED = re.compile(r'"event": "webhook\.refused".*?"refused": (\d+)')


@dataclass(frozen=True, slots=True)
class VolleyFigures:
    """What came of one volley. ``seconds``: of each answer, shortest first."""

    posts: int
    statuses: Counter[int]
    seconds: list[float]
    forged: int
    dropped: int
    rounds: int
    stolen: str

    @property
    def p99(self) -> float:
        """Seconds that 99 of 100 answers stayed below."""
        return self.seconds[math.ceil(len(self.seconds) * 0.99) - 1]

    @property
    def is_right(self) -> bool:
        """Whether all were answered 202, just the forged ones were dropped, and each mailbox was looked at."""
        return self.statuses == {202: self.posts} and self.dropped == self.forged and self.rounds >= MAILBOXES


def main(argv: list[str]) -> int:
    """Measure and print; 1 if anything was answered or dropped wrongly, or too late."""
    parser = argparse.ArgumentParser(prog="python3.13 -m dev bench webhook", description="Notifications in a volley.")
    parser.add_argument("--items", type=int, default=ITEMS, help="how many in one second")
    parser.add_argument("--together", action="store_true", help="webhook and rounds in one process")
    given = parser.parse_args(argv)
    with Stack(logged=False, groups=("all",) if given.together else ("http", "background")) as stack:
        boxes = stack.add_mailboxes(MAILBOXES, "scan")
        _warm_up(stack, boxes)
        found = {}
        for name, batched in (("as Graph sends them, some together", BATCHED), ("each in a request of its own", 0.0)):
            found[name] = _measure(stack, boxes, given.items, batched)
            _print(name, found[name])
    mixed = next(iter(found.values()))
    fast = mixed.p99 < MOST_P99 and mixed.seconds[-1] < MOST_EVER
    print(f"{'in' if fast else 'NOT in'} time: p99 below {MOST_P99 * 1000:.0f} ms and none above {MOST_EVER:.0f} s")
    return 0 if fast and all(each.is_right for each in found.values()) else 1


def _warm_up(stack: Stack, boxes: Sequence[Mailbox]) -> None:
    """One round over each mailbox, and a few notifications: a running app, not a cold one."""
    stack.scan(boxes)
    stack.quiet()
    _fire(stack, [(index / 20, json.dumps({"value": [_item(stack, boxes[0])]})) for index in range(20)])
    _settle(stack)


def _measure(stack: Stack, boxes: Sequence[Mailbox], count: int, batched: float) -> VolleyFigures:
    chance = random.Random(3)  # noqa: S311 - the same volley each time, that is the point
    items = [_item(stack, boxes[index % len(boxes)], forged=index % FORGED_EVERY == 0) for index in range(count)]
    chance.shuffle(items)
    bodies = [json.dumps({"value": batch}) for batch in _batches(chance, items, batched)]
    moments = sorted(chance.uniform(0, SECONDS) for _ in bodies)
    dropped, rounds = _dropped(stack), _rounds(stack)
    before = Taken.so_far()
    answers = _fire(stack, list(zip(moments, bodies, strict=True)))
    stolen = Taken.so_far().since(before)
    _settle(stack)
    return VolleyFigures(
        posts=len(bodies),
        statuses=Counter(status for status, _ in answers),
        seconds=sorted(seconds for _, seconds in answers),
        forged=-(-count // FORGED_EVERY),
        dropped=_dropped(stack) - dropped,
        rounds=_rounds(stack) - rounds,
        stolen=stolen,
    )


def _item(stack: Stack, mailbox: Mailbox, *, forged: bool = False) -> dict[str, Any]:
    """A change notification as Graph sends it; a forged one says it is of the same mailbox, under another signature."""
    state = client_state.make(stack.rt.keys, mailbox.mailbox_id)
    return {
        "subscriptionId": "44444444-4444-4444-8444-444444444444",
        "subscriptionExpirationDateTime": "2026-11-28T10:00:00Z",
        "changeType": "created",
        "resource": f"Users/{mailbox.mailbox_id}/Messages/AAMk",
        "resourceData": {"@odata.type": "#Microsoft.Graph.Message", "id": "AAMk"},
        "clientState": f"{state[:-4]}beef" if forged else state,
        "tenantId": OTHER_TENANT if forged else TENANT,
    }


def _batches(chance: random.Random, items: list[Any], batched: float) -> Iterator[list[Any]]:
    """Most alone, some with others: of any mailbox and any tenant, as Graph joins what goes to one address."""
    left = list(items)
    while left:
        size = chance.randint(2, LARGEST_BATCH) if chance.random() < batched else 1
        yield left[:size]
        del left[:size]


def _fire(stack: Stack, posts: list[tuple[float, str]]) -> list[tuple[int, float]]:
    given = json.dumps({"url": f"{stack.app_url}/graph/notifications", "posts": posts})
    command = [sys.executable, "-m", "bench.volley"]
    ended = subprocess.run(command, cwd=ROOT, input=given, capture_output=True, text=True, check=True)
    return [(status, seconds) for status, seconds in json.loads(ended.stdout)]


def _settle(stack: Stack) -> None:
    """Until the knocks that became visible later are worked off, too."""
    time.sleep(2.5)
    stack.quiet()
    time.sleep(0.5)


def _dropped(stack: Stack) -> int:
    return sum(int(found) for found in _REFUSED.findall(stack.app_log))


def _rounds(stack: Stack) -> int:
    return stack.emulator.statistics.by_template["GET users/{user}/mailFolders/{folder}/messages/delta"]


def _print(name: str, found: VolleyFigures) -> None:
    middle = found.seconds[len(found.seconds) // 2]
    print(f"{name}: {found.posts} requests in {SECONDS:.0f} s")
    print(f"  answers: {dict(found.statuses)}")
    print(f"  p50 {middle * 1000:.0f} ms, p99 {found.p99 * 1000:.0f} ms, longest {found.seconds[-1] * 1000:.0f} ms")
    print(f"  forged items: {found.forged}, dropped and counted: {found.dropped}")
    print(f"  {found.rounds} rounds: {found.rounds / MAILBOXES:.2f} a mailbox")
    print(f"  meanwhile {found.stolen}", flush=True)
