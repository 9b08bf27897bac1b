"""Delta rounds: follow the pages to the end, and never for ever.

https://learn.microsoft.com/en-us/graph/delta-query-overview
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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
class Page:
    """One page of a round: its items, and either the link of the next page or that of the next round."""

    items: list[Json]
    next_link: str
    delta_link: str


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
    for page in iter_pages(client, path, params=params, link=delta_link or "", prefer=prefer, mailbox=mailbox):
        for item in page.items:
            known = items.pop(item["id"], {})
            items[item["id"]] = merged(known, item)
        link = page.delta_link
    return Round(list(items.values()), link)


def merged(known: Json, item: Json) -> Json:
    """What is known of an item after a further word on it: an update may tell only what changed, and must not hide
    what was told before; who comes back after a removal is told of anew.
    """
    return item if "@removed" in known else {**known, **item}


def iter_pages(
    client: GraphClient,
    path: str,
    *,
    params: Mapping[str, str],
    prefer: str,
    link: str = "",
    mailbox: str = "",
    repeats: int = 0,
) -> Iterator[Page]:
    """The pages of a round, from its beginning or from a ``link`` that Graph gave; raises ResyncRequired, EndlessRound.

    ``repeats``: how many pages may come that say the same as one before, which is legal but never ends well.
    """
    body = client.get(link or path, params=None if link else params, prefer=prefer, mailbox=mailbox)
    seen = _Repetition(repeats)
    for count in range(1, MOST_DELTA_PAGES + 1):
        page = Page(body.get("value", []), body.get("@odata.nextLink", ""), body.get("@odata.deltaLink", ""))
        seen.note(page.items, count)
        yield page
        if not page.next_link:
            return
        body = client.get(page.next_link, prefer=prefer, mailbox=mailbox)
    raise EndlessRound(MOST_DELTA_PAGES)


class _Repetition:
    """Tells a round that turns in a circle by pages that say the same again."""

    def __init__(self, allowed: int) -> None:
        self._left, self._seen = allowed, set[bytes]()

    def note(self, items: list[Json], count: int) -> None:
        """One more page; raises EndlessRound."""
        if not items:
            return  # an empty page with a next link is legal
        print_of_page = hashlib.sha256(json.dumps(items, sort_keys=True).encode()).digest()
        self._left -= print_of_page in self._seen
        if self._left < 0:
            raise EndlessRound(count)
        self._seen.add(print_of_page)
