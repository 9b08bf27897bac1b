"""Sends what subscribers are to be told: in batches per URL, from a thread of its own, again and again for four hours.

https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import requests

from dev.graph.clock import Clock
from dev.graph.faults import Faults
from dev.graph.mailboxes import Change
from dev.graph.recording import Recorder, Sent
from dev.graph.subscriptions import Subscription
from dev.graph.wire import Json

type Answer = tuple[int, str] | tuple[int, str, Mapping[str, str]]
type Send = Callable[[str, dict[str, str], bytes], Answer]

FIRST_SECONDS, RETRY_SECONDS, VALIDATION_SECONDS = 3.0, 10.0, 10.0
_GATHER_SECONDS = 0.005
_IDLE_SECONDS = 1.0
_GIVE_UP_AFTER = timedelta(hours=4)
_LARGEST_BATCH = 100
_AT_ONCE = 8


@dataclass(frozen=True)
class Notice:
    """One item of a notification and where it has to go; `attempt` counts from 0."""

    url: str
    item: Json
    born: datetime
    due: datetime
    attempt: int = 0


class Post:
    """Makes the calls to the app, each one recorded."""

    def __init__(self, clock: Clock, recorder: Recorder, send: Send | None) -> None:
        self._clock, self._recorder = clock, recorder
        self._send = send

    def __call__(self, url: str, headers: dict[str, str], body: bytes, allowed: float) -> Sent:
        """Post; a call that raises or that is not answered in time has status 0."""
        started = time.monotonic()
        try:
            answer = self._send(url, headers, body) if self._send else _over_http(url, headers, body, allowed)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - a receiver that breaks or dies, however it does, gives no answer
            answer = (0, f"{type(error).__name__}: {error}")
        seconds = time.monotonic() - started
        status = answer[0] if seconds <= allowed else 0
        answer_headers = {k.lower(): v for k, v in answer[2].items()} if len(answer) == 3 else {}
        sent = Sent(url, headers, body, status, answer[1], answer_headers, seconds)
        self._recorder.notification(sent, self._clock.now())
        return sent


class Dispatcher:
    """Gathers what happens within a few milliseconds and posts it."""

    def __init__(self, clock: Clock, faults: Faults, post: Post) -> None:
        self._clock, self._faults, self._post = clock, faults, post
        self._changed = threading.Condition()
        self._waiting: list[Notice] = []
        self._under_way = 0
        self._thread: threading.Thread | None = None
        self.given_up = 0
        clock.on_advance(self._wake)

    def put(self, url: str, item: Json) -> None:
        """Send this soon; what is set to go wrong with notifications goes wrong here."""
        if self._faults.strike("drop_notifications", "POST", url):
            return
        now = self._clock.now()
        delay = self._faults.strike("delay_notifications", "POST", url)
        due = now + timedelta(seconds=delay.seconds or 0) if delay else now
        copies = 2 if self._faults.strike("double_notifications", "POST", url) else 1
        with self._changed:
            self._waiting += [Notice(url, item, now, due)] * copies
            self._start()
            self._changed.notify_all()

    def settle(self, timeout: float) -> bool:
        """Wait until nothing that is due is left; False when that takes too long. Later attempts are not waited for."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._under_way and not self._due(), timeout)

    def clear(self) -> None:
        """Forget what has not been sent."""
        with self._changed:
            self._waiting.clear()
            self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            if self._waiting:
                self._start()
            self._changed.notify_all()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="notifications", daemon=True)
            self._thread.start()

    def _due(self) -> bool:
        now = self._clock.now()
        return any(notice.due <= now for notice in self._waiting)

    def _run(self) -> None:
        """Until there has been nothing to do for a while; the next notice starts it again."""
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="notify") as pool:
            while self._something_due():
                time.sleep(_GATHER_SECONDS)
                for batch in self._take_due():
                    pool.submit(self._deliver, batch)

    def _something_due(self) -> bool:
        """Wait for it; False when this thread may end, which is then already written down."""
        with self._changed:
            while not self._changed.wait_for(self._due, self._patience()):
                if not self._waiting:
                    self._thread = None
                    return False
            self._under_way += 1
            return True

    def _take_due(self) -> list[list[Notice]]:
        with self._changed:
            now = self._clock.now()
            batches = _batches([notice for notice in self._waiting if notice.due <= now])
            self._waiting = [notice for notice in self._waiting if notice.due > now]
            self._under_way += len(batches) - 1
            self._changed.notify_all()
            return batches

    def _patience(self) -> float:
        if not self._waiting:
            return _IDLE_SECONDS
        soonest = min(notice.due for notice in self._waiting)
        return min(_IDLE_SECONDS, max(0.0, (soonest - self._clock.now()).total_seconds()))

    def _deliver(self, batch: list[Notice]) -> None:
        first = batch[0]
        body = json.dumps({"value": [notice.item for notice in batch]}).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        sent = self._post(first.url, headers, body, RETRY_SECONDS if first.attempt else FIRST_SECONDS)
        again = [] if 200 <= sent.status < 300 else self._later(batch)
        with self._changed:
            self._waiting += again
            self._under_way -= 1
            self._changed.notify_all()

    def _later(self, batch: list[Notice]) -> list[Notice]:
        """The next attempts: after 10 s, 20 s, 40 s, ... until four hours have passed."""
        now = self._clock.now()
        again = [
            Notice(n.url, n.item, n.born, now + timedelta(seconds=10 * 2**n.attempt), n.attempt + 1) for n in batch
        ]
        kept = [notice for notice in again if notice.due - notice.born <= _GIVE_UP_AFTER]
        self.given_up += len(again) - len(kept)
        return kept


def change_item(found: Subscription, change: Change, expires: str) -> Json:
    """A change as Graph tells it: ids only."""
    message = change.message
    key = message.immutable_id if found.immutable else change.rest_id
    path = f"Users/{found.mailbox.id}/Messages/{key}"
    return {
        "subscriptionId": found.id,
        "subscriptionExpirationDateTime": expires,
        "changeType": change.kind,
        "resource": path,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.id": path,
            "@odata.etag": message.etag,
            "id": key,
        },
        "clientState": found.client_state,
        "tenantId": found.tenant_id,
    }


def lifecycle_item(found: Subscription, event: str, expires: str) -> Json:
    """A lifecycle notification, https://learn.microsoft.com/en-us/graph/change-notifications-lifecycle-events."""
    return {
        "subscriptionId": found.id,
        "subscriptionExpirationDateTime": expires,
        "tenantId": found.tenant_id,
        "clientState": found.client_state,
        "resource": found.resource,
        "resourceData": None,
        "lifecycleEvent": event,
    }


def _batches(due: list[Notice]) -> list[list[Notice]]:
    """By URL and by first or later attempt, which differ in the time that they are given."""
    groups: dict[tuple[str, bool], list[Notice]] = {}
    for notice in due:
        groups.setdefault((notice.url, notice.attempt > 0), []).append(notice)
    return [group[i : i + _LARGEST_BATCH] for group in groups.values() for i in range(0, len(group), _LARGEST_BATCH)]


def _over_http(url: str, headers: dict[str, str], body: bytes, allowed: float) -> Answer:
    answer = requests.post(url, data=body, headers=headers, timeout=allowed, allow_redirects=False)
    return answer.status_code, answer.text, answer.headers
