"""Everything that can go wrong on the way, on demand."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Literal

from dev.graph import refusals
from dev.graph.clock import Clock
from dev.graph.wire import ConnectionLost, GraphError, Request, Response

type Kind = Literal[
    "throttle", "unavailable", "timeout", "refuse", "lost_answer", "refuse_connection", "latency",
    "expire_delta", "endless_delta", "partial_delta", "empty_delta_page", "replay_delta",
    "no_rows", "lost_page", "lost_link", "endless_list",
    "drop_notifications", "double_notifications", "delay_notifications",
    "remove_subscription", "revoke_sign_in",
]  # fmt: skip


@dataclass
class Fault:
    """One thing that goes wrong. It strikes where all of method, path and mailbox fit.

    - `path` is a regular expression, searched in `path?query` as sent; for notifications in their URL.
    - `mailbox` is an address or a user id.
    - `skip` lets the first so many pass, `times` is how often it strikes, `probability` how likely (with `seed`).
    - `retry_after`: seconds, "date" for an HTTP date 2 s ahead, or None for no such header (`throttle`, `unavailable`).
    - `seconds`: how long: `latency` in real time, `delay_notifications` on the emulator's clock.
    - `status` and `error`: what `refuse` answers.
    - `no_rows`, `lost_page` (directory): a list or round that says 200 and has nothing; a page without its objects.
    - `lost_link` (directory): the last page of a round without the link for the next one.
    - `replay_delta` (directory): the last object of the page before comes once more.
    - `code`: the AADSTS number that the token endpoint answers under `revoke_sign_in`.
    """

    kind: Kind
    method: str | None = None
    path: str | None = None
    mailbox: str | None = None
    times: int | None = None
    probability: float | None = None
    retry_after: int | Literal["date"] | None = None
    seconds: float | None = None
    skip: int = 0
    seed: int = 0
    code: int = 7000222
    status: int = 404
    error: str = "ErrorItemNotFound"
    struck: int = field(default=0, init=False)
    _seen: int = field(default=0, init=False)
    _random: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311 - repeatable on purpose

    def fits(self, method: str, target: str, mailbox: str) -> bool:
        """Whether it is meant for this request."""
        return (
            (self.method is None or self.method.upper() == method)
            and (self.path is None or re.search(self.path, target) is not None)
            and (self.mailbox is None or self.mailbox.lower() in mailbox.lower().split())
        )

    def strikes(self) -> bool:
        """Whether it strikes this time; call once for each request that fits."""
        self._seen += 1
        if self._seen <= self.skip or (self.times is not None and self.struck >= self.times):
            return False
        if self.probability is not None and self._random.random() >= self.probability:
            return False
        self.struck += 1
        return True


class Faults:
    """The faults that are set at the moment."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._set: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Set one; the same object tells later how often it `struck`."""
        with self._lock:
            self._set.append(fault)
        return fault

    def all(self) -> list[Fault]:
        """Those that are set."""
        with self._lock:
            return list(self._set)

    def clear(self) -> None:
        """Everything works again."""
        with self._lock:
            self._set.clear()

    def strike(self, kind: Kind, method: str, target: str, mailbox: str = "") -> Fault | None:
        """The first fault of this kind that strikes now."""
        if not self._set:
            return None
        with self._lock:
            return next(
                (f for f in self._set if f.kind == kind and f.fits(method, target, mailbox) and f.strikes()), None
            )

    def around(self, request: Request, mailbox: str, answer: Callable[[], Response]) -> Response:
        """Answer the request, unless something is set to go wrong with it."""
        if not self._set:
            return answer()
        target = f"{request.path}?{request.query}" if request.query else request.path
        if self.strike("refuse_connection", request.method, target, mailbox):
            raise ConnectionLost
        if slow := self.strike("latency", request.method, target, mailbox):
            time.sleep(slow.seconds or 0)
        for kind in ("throttle", "unavailable", "timeout", "refuse"):
            if fault := self.strike(kind, request.method, target, mailbox):
                raise _refusal(fault, self._clock.now())
        lost = self.strike("lost_answer", request.method, target, mailbox)
        response = answer()
        if lost:
            raise ConnectionLost
        return response


def _retry_after(fault: Fault, now: datetime) -> dict[str, str]:
    """The header in the form that the fault asks for; a date is one of the emulator's clock, as the header Date is."""
    if fault.retry_after is None:
        return {}
    if fault.retry_after == "date":
        ahead = now.replace(microsecond=0) + timedelta(seconds=2)
        return {"Retry-After": format_datetime(ahead, usegmt=True)}
    return {"Retry-After": str(fault.retry_after)}


def _refusal(fault: Fault, now: datetime) -> GraphError:
    known = {
        "throttle": (429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit."),
        "unavailable": (503, "serviceNotAvailable", "The service is temporarily unavailable."),
        "timeout": (504, "UnknownError", "The gateway did not receive a response in time."),
    }
    _, words = refusals.GRAPH.get(fault.error, (0, "This one was set to be refused."))
    chosen = (fault.status, fault.error, words)
    status, code, message = known.get(fault.kind, chosen)
    challenge = {"WWW-Authenticate": refusals.CHALLENGE} if status == 401 else {}
    return GraphError(status, code, message, headers={**_retry_after(fault, now), **challenge})
