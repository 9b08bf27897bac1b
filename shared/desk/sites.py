"""Sites: where users are. A user whom a mail makes known gets the site that has the domain of their address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shared.desk import PARTITION, TABLE, keeping
from shared.desk.columns import columns, texts
from shared.desk.keeping import Guard, Kind
from shared.runtime import Runtime
from shared.storage.rows import Row, fill

DOMAIN = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}\Z")
"""A mail domain as keys hold it: lower case, international ones in their ASCII form (``xn--...``)."""
_REMEMBERED_SECONDS = 300
_REMEMBERED_UNKNOWN_SECONDS = 60
_MOST_REMEMBERED = 5_000


@dataclass(frozen=True, slots=True)
class Site:
    """A place, a branch or a customer of an organization, in which no two have the same name.

    ``domains``: mail domains; no two active sites have the same one. ``source``: ``hand``, or the id of the connection
    whose directory made it.
    """

    site_id: str
    organization_id: str
    name: str
    domains: tuple[str, ...] = ()
    active: bool = True
    created_at: str = ""
    source: str = "hand"


def of(row: Row) -> Site:
    """The site that a row holds."""
    return fill(Site, row, domains=texts(row, "domains"))


def domain_key(domain: str) -> str:
    """The key of the row that says whose mail domain this is."""
    return f"dom~{domain}"


def find_site(rt: Runtime, site_id: str) -> Site | None:
    """The site of this id, or None."""
    return keeping.find(rt, KIND, site_id)


def iter_sites(rt: Runtime) -> Iterator[Site]:
    """All sites, by id, fetched as they are taken: there may be thousands."""
    return keeping.iter_all(rt, KIND)


def find_by_domain(rt: Runtime, domain: str) -> str:
    """The id of the active site that has this mail domain, empty for none; remembered for minutes."""
    domain = domain.lower()
    if not DOMAIN.match(domain):
        return ""
    memory = _memory(rt)
    known = memory.get(domain)
    if known and known[1] > rt.clock.steady():
        return known[0]
    row = rt.tables[TABLE].find(PARTITION, domain_key(domain))
    site_id = "" if row is None else str(row[KIND.holder])
    if len(memory) >= _MOST_REMEMBERED:
        memory.clear()
    seconds = _REMEMBERED_SECONDS if site_id else _REMEMBERED_UNKNOWN_SECONDS
    memory[domain] = site_id, rt.clock.steady() + seconds
    return site_id


def _guards(site: Site) -> dict[str, Guard]:
    """Its name; its domains only while it is active: mail finds no other site."""
    domains = site.domains if site.active else ()
    held = {domain_key(domain): Guard("domains", domain) for domain in domains}
    return {**keeping.name_guard("site", site.name, site.organization_id), **held}


def _memory(rt: Runtime) -> dict[str, tuple[str, float]]:
    memory: dict[str, tuple[str, float]] = rt.memory.setdefault("desk.domains", {})
    return memory


def _forget(rt: Runtime) -> None:
    _memory(rt).clear()


KIND = Kind("site", "site~", columns, of, lambda each: each.site_id, _guards, forget=_forget)
