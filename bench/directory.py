"""python3.13 -m dev bench directory: a tenant of 50,000 people comes in, then hours without and with changes, and the
full round of a day.

The app, the storage (Azurite, on disk) and Microsoft 365 (the emulator, over HTTPS) are three processes. Beside it the
same rows are written by nothing but a loop over the Azure SDK's ``submit_transaction``, to the same storage.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import batched
from random import Random
from typing import Any

from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.data.tables import TableClient, TableServiceClient

from bench.stack import CLIENT, TENANT, Stack
from dev.graph import Emulator
from shared.desk import keeping, organizations, people, roles, sites, teams
from shared.desk.organizations import Organization
from shared.desk.roles import Role
from shared.desk.sites import Site
from shared.desk.teams import Team
from shared.directory import runs, store, sync
from shared.directory.mapping import default_rules
from shared.directory.rules import AGENT_SITE, Criterion, Group, RoleMapping, Rules, SiteMapping, TeamMapping
from shared.directory.runs import Run
from shared.runtime import Runtime
from shared.work import SyncDirectory

PEOPLE, GROUPS, SEED = 50_000, 500, 4
BARE_PEOPLE = 10_000
"""Of so many the rows are written again by the SDK alone."""
MOST_UNITS = 80
MOST_MEGABYTES, MOST_TIMES_BARE, MOST_SECONDS = 250, 1.5, 3.0
MOST_ROWS_A_CHANGE = 1.1
READS = ("User.Read.All", "GroupMember.Read.All")


def main(argv: list[str]) -> int:
    """Measure and print; 1 if what was brought in is not right."""
    parser = argparse.ArgumentParser(prog="python3.13 -m dev bench directory", description="People of a tenant.")
    parser.add_argument("--people", type=int, default=PEOPLE, help="how many people the tenant has")
    parser.add_argument("--groups", type=int, default=GROUPS, help="how many groups")
    given = parser.parse_args(argv)
    with Stack(logged=False) as stack:
        began = time.perf_counter()
        tenant = stack.emulator.populate(TENANT, SEED, given.people, given.groups)
        stack.emulator.change_roles(TENANT, CLIENT, *READS)
        print(f"{len(tenant.users)} people, {len(tenant.groups)} groups, made in {time.perf_counter() - began:.1f} s")
        _furnish(stack.rt)
        store.put_rules(stack.rt, stack.connection.connection_id, _rules(stack.emulator))
        began = time.perf_counter()
        first = _measure(stack, "first import")
        _compare(stack, given.people, time.perf_counter() - began)
        _hours(stack, given.people)
        share = max(stack.emulator.units.highest_share.values())
        print(f"{100 * share:.0f} % of the resource units that Graph allows, at most (target: under {MOST_UNITS} %)")
        return _check(stack, first)


def _hours(stack: Stack, people_there: int) -> None:
    """What follows the import."""
    _measure(stack, "an hour without changes", MOST_SECONDS)
    for count, title in ((100, "One of a hundred"), (max(people_there // 100, 1), "One of one per cent")):
        _change(stack, count, title)
        moment = datetime.now(UTC).isoformat()[:23] + "Z"
        _measure(stack, f"an hour with {count} changes", MOST_SECONDS if count <= 100 else 0)
        rows = _rows_written_since(stack, moment)
        share = rows / 2 / count
        print(f"  {rows} rows written, of {2 * count} that change: {share:.2f} (target: {MOST_ROWS_A_CHANGE})")
    store.put_rules(stack.rt, stack.connection.connection_id, _rules(stack.emulator), reset="clear")
    _measure(stack, "the full round of a day")


def _furnish(rt: Runtime) -> None:
    """A desk."""
    keeping.create(rt, organizations.KIND, Organization("org", "Contoso"))
    keeping.create(rt, sites.KIND, Site("main", "org", "Main"))
    keeping.create(rt, roles.KIND, Role("technician", "Technician", "agent"))
    keeping.create(rt, teams.KIND, Team("first", "First line"))


def _rules(emulator: Emulator) -> Rules:
    """Rules that bring in everybody, and the people of one department as agents."""
    directory = emulator.directory(TENANT)
    desk = Group(id=min(directory.groups), name="Desk")
    of_department = Criterion(field="department", operator="equals", value="IT")
    return default_rules().model_copy(
        update={
            "enabled": True,
            "every_hours": 0,
            "leaving": "deleted",
            "site_mappings": (
                SiteMapping(
                    mapping_id="agents", kind="site", site_id=AGENT_SITE, sequence=1, criteria=(of_department,)
                ),
                SiteMapping(mapping_id="main", kind="site", site_id="main", sequence=2, external="all"),
            ),
            "agent_roles": (RoleMapping(group=desk, role_id="technician", transitive=True),),
            "teams": (TeamMapping(group=desk, team_id="first", transitive=True),),
        }
    )


def _measure(stack: Stack, what: str, target: float = 0) -> Run:
    """One run by hand, from the request to its end."""
    connection_id = stack.connection.connection_id
    graph, cpu, sent = stack.emulator.statistics.requests_total, stack.app.cpu_seconds, _storage_requests(stack)
    storage = stack.storage.cpu_seconds
    began = time.perf_counter()
    asked = sync.request(stack.rt, connection_id, "run")
    ended = re.compile(rf'directory\.(ended|failed).*"run": "{asked.run_id}"')
    stack.wait_for(lambda: bool(ended.search(stack.app_log)), what, timeout=3600)  # asking the storage would hold it up
    seconds, cpu = time.perf_counter() - began, stack.app.cpu_seconds - cpu
    storage = stack.storage.cpu_seconds - storage
    stack.wait_for(lambda: not stack.rt.queues.length(SyncDirectory.queue), "the line that tells what it took")
    run = runs.get_run(stack.rt, connection_id, asked.run_id)
    graph, sent = stack.emulator.statistics.requests_total - graph, _storage_requests(stack) - sent
    told = f" (target: under {target:.0f} s)" if target else ""
    print(f"{what}: {seconds:.1f} s, {graph} Graph requests")
    print(f"  processor time: {cpu:.1f} s of the app{told}, {storage:.1f} s of the emulated storage")
    print(f"  {sent} storage requests, {sent / max(run.users_told, 1):.2f} for each of {run.users_told} people told of")
    print(f"  {run.status} {run.failure} {run.counts}, {run.pieces} pieces")
    print(f"  peak memory of the app {stack.app.peak_megabytes:.0f} MB (target: under {MOST_MEGABYTES})", flush=True)
    return run


def _storage_requests(stack: Stack) -> int:
    """How many the app says that its pieces of work have sent so far."""
    return sum(map(int, re.findall(r'"work\.done".*"storage_requests": (\d+)', stack.app_log)))


def _compare(stack: Stack, people_there: int, seconds: float) -> None:
    """The same rows again, into tables of their own, by the SDK alone; of many a part, all along the tables."""
    service = TableServiceClient.from_connection_string(stack.rt.settings.storage_connection.get_secret_value())
    spent, rows, written, every = 0.0, 0, 0, max(people_there // BARE_PEOPLE, 1)
    for name in ("Desk", "Directory"):
        bare = service.create_table_if_not_exists(f"Bare{name}")
        for number, chunk in enumerate(batched(_rows(service.get_table_client(name)), 100, strict=False)):
            rows += len(chunk)
            if number % every == 0:
                written += len(chunk)
                spent += _submit(bare, chunk)
    alone = spent * rows / written
    print(f"  {people_there / seconds:.0f} people a second; {rows} rows, {rows / people_there:.2f} a person")
    print(f"  the SDK alone takes {alone:.1f} s to write these rows, reckoned from {written} of them: ", end="")
    print(f"{seconds / alone:.2f} times as long (target: at most {MOST_TIMES_BARE})", flush=True)


def _submit(bare: TableClient, chunk: Sequence[dict[str, Any]]) -> float:
    """Seconds that a transaction takes; a connection that the storage closed meanwhile is no part of them."""
    for _ in range(3):
        began = time.perf_counter()
        try:
            bare.submit_transaction([("upsert", each) for each in chunk])
        except (ServiceRequestError, ServiceResponseError):
            continue
        return time.perf_counter() - began
    raise RuntimeError("The storage takes no transaction.")


def _rows(table: TableClient) -> Iterator[dict[str, Any]]:
    """Rows of people, without what the service adds."""
    for entity in table.list_entities(results_per_page=1000):
        if entity["RowKey"][:2] in {"u~", "e~", "p~", "g~"} or entity["RowKey"].startswith("agent~"):
            yield dict(entity)


def _change(stack: Stack, count: int, title: str) -> None:
    """Give some people another title."""
    directory, chance = stack.emulator.directory(TENANT), Random(title)  # noqa: S311 - the same each time
    for key in chance.sample(sorted(directory.users), count):
        directory.change(key, jobTitle=title)


def _rows_written_since(stack: Stack, moment: str) -> int:
    service = TableServiceClient.from_connection_string(stack.rt.settings.storage_connection.get_secret_value())
    found = (
        service.get_table_client(name).query_entities(f"Timestamp ge datetime'{moment}'", select=["RowKey"])
        for name in ("Desk", "Directory")
    )
    return sum(1 for rows in found for _ in rows)


def _check(stack: Stack, run: Run) -> int:
    """Everybody who was to come in is at the desk."""
    there = sum(1 for _ in people.iter_users(stack.rt))
    right = run.status == "done" and there == run.counts.get("create", 0)
    print(f"{there} users at the desk: {'right' if right else 'WRONG'}")
    return 0 if right else 1
