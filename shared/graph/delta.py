"""Delta rounds: follow the pages to the end, and never for ever.

https://learn.microsoft.com/en-us/graph/delta-query-overview
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.graph.client import GraphClient, Json
from shared.graph.errors import GraphError
from shared.graph.limits import MOST_DELTA_PAGES


class EndlessRound(GraphError):
    """The pages repeat themselves; the old token stays good and a later round may end.

    https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/3082
    """

    def __init__(self, pages: int) -> None:
        super().__init__(0, "endlessRound", f"The delta round does not end: stopped after {pages} pages.")


@dataclass(frozen=True, slots=True)
class Round:
    """A completed round: everything that changed, the last word on each item, and the link for the next round."""

    items: list[Json]
    delta_link: str


def fetch_round(
    client: GraphClient, path: str, *, params: Mapping[str, str], delta_link: str | None, prefer: str, mailbox: str
) -> Round:
    """One whole round, from the beginning or from a former round's link; raises ResyncRequired, EndlessRound."""
    items: dict[str, Json] = {}
    link = ""
    for page in _iter_pages(client, path, params=params, delta_link=delta_link, prefer=prefer, mailbox=mailbox):
        for item in page.get("value", []):
            known = items.pop(item["id"], {})
            # An update may tell only what changed: it must not hide what was told before.
            items[item["id"]] = item if "@removed" in known else {**known, **item}
        link = page.get("@odata.deltaLink", "")
    return Round(list(items.values()), link)


def _iter_pages(
    client: GraphClient, path: str, *, params: Mapping[str, str], delta_link: str | None, prefer: str, mailbox: str
) -> Iterator[Json]:
    page = client.get(delta_link or path, params=None if delta_link else params, prefer=prefer, mailbox=mailbox)
    seen: set[bytes] = set()
    for count in range(1, MOST_DELTA_PAGES + 1):
        _refuse_repetition(page, seen, count)
        yield page
        if "@odata.nextLink" not in page:
            return
        page = client.get(page["@odata.nextLink"], prefer=prefer, mailbox=mailbox)
    raise EndlessRound(MOST_DELTA_PAGES)


def _refuse_repetition(page: Mapping[str, Any], seen: set[bytes], count: int) -> None:
    values = page.get("value", [])
    if not values:
        return  # an empty page with a next link is legal
    print_of_page = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).digest()
    if print_of_page in seen:
        raise EndlessRound(count)
    seen.add(print_of_page)
