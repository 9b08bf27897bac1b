"""Several requests about one mailbox in one: ``$batch``, whose items succeed and fail one by one.

An outer 200 says nothing; each item has a status of its own, and a throttled one its own ``Retry-After``. Items of
a mailbox run four at a time at most, so a batch takes all the places that the mailbox has.
https://learn.microsoft.com/en-us/graph/json-batching
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any

from shared.graph.client import IMMUTABLE_IDS, GraphClient, Json
from shared.graph.errors import GraphBusy, GraphError, answer_failure
from shared.graph.limits import BATCH_SIZE, DEFAULT_RETRY_AFTER, LONGEST_PAUSE, TRIES, USUAL_PAUSE


@dataclass(frozen=True, slots=True)
class Request:
    """One request about a mailbox; ``path`` begins with a slash and has no ``/v1.0``."""

    method: str
    path: str
    body: Json | None = None


def perform(client: GraphClient, mailbox: str, requests: Sequence[Request]) -> list[Json | GraphError]:
    """Do all of these, in any order; for each its answer or its failure. Those that were throttled are tried again.

    Raises GraphBusy where the batch itself got no answer.
    """
    if len(requests) == 1:
        return [_perform_one(client, mailbox, requests[0])]
    outcomes: dict[int, Json | GraphError] = {}
    for chunk in batched(enumerate(requests), BATCH_SIZE, strict=False):
        outcomes.update(_perform_chunk(client, mailbox, dict(chunk)))
    return [outcomes[index] for index in range(len(requests))]


def _perform_one(client: GraphClient, mailbox: str, request: Request) -> Json | GraphError:
    try:
        return client.send(request.method, request.path, request.body, prefer=IMMUTABLE_IDS, mailbox=mailbox)
    except GraphError as failure:
        return failure


def _perform_chunk(client: GraphClient, mailbox: str, chunk: dict[int, Request]) -> dict[int, Json | GraphError]:
    outcomes: dict[int, Json | GraphError] = {}
    left = chunk
    for attempt in range(1, TRIES + 1):
        outcomes.update(_send(client, mailbox, left))
        left = {index: chunk[index] for index, outcome in outcomes.items() if isinstance(outcome, GraphBusy)}
        wait = max((outcomes[index].retry_after for index in left), default=0.0)  # type: ignore[union-attr]  # only busy ones
        if not left or attempt == TRIES or wait > LONGEST_PAUSE:
            return outcomes
        client.hold(mailbox, wait)
    return outcomes


def _send(client: GraphClient, mailbox: str, left: dict[int, Request]) -> dict[int, Json | GraphError]:
    body = {"requests": [_item(index, request) for index, request in left.items()]}
    answer = client.send("POST", "/$batch", body, mailbox=mailbox, places=len(left))
    found = {int(each["id"]): _outcome(each) for each in answer.get("responses", [])}
    missing = GraphBusy(504, "noAnswer", "The batch left this request out.", retry_after=0.0)
    return {index: found.get(index, missing) for index in left}


def _item(index: int, request: Request) -> dict[str, Any]:
    headers = {"Prefer": IMMUTABLE_IDS}
    item: dict[str, Any] = {"id": str(index), "method": request.method, "url": request.path, "headers": headers}
    if request.body is not None:
        item["body"] = request.body
        headers["Content-Type"] = "application/json"
    return item


def _outcome(item: Json) -> Json | GraphError:
    status, body = int(item["status"]), item.get("body")
    if status < 300:
        return body if isinstance(body, dict) else {}
    headers = {str(name).lower(): str(value) for name, value in (item.get("headers") or {}).items()}
    seconds, usual = headers.get("retry-after", ""), DEFAULT_RETRY_AFTER if status == 429 else USUAL_PAUSE
    return answer_failure(status, body, headers, float(seconds) if seconds.isdigit() else usual)
