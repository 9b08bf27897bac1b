"""The app may die after any request of a run over the directory: the desk ends as if it had not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from dev.azurite import Azurite
from dev.host import Host
from shared.desk import keeping, people
from shared.desk.people import User
from shared.directory import planning, settling, tenant
from shared.directory.rules import Cap
from shared.graph import directory as graph
from tests.companies import READS, Company, open_company, picture_of
from tests.kill import SHARDS, iter_survivors
from tests.world import CLIENT, TENANT, World

_undisturbed: dict[str, dict[str, Any]] = {}


def _staffed(world: World) -> None:
    company = open_company(world)
    company.hire("grace", "Desk", "Admins")
    company.hire("ada", "Desk", manager="grace")
    company.hire("alan", manager="ada")
    company.hire("linus", "Desk", "Admins")


def _paged(world: World) -> None:
    """Three people, of whom Graph tells on two pages, and whose plan is in two pieces (``in_small_parts``)."""
    company = open_company(world)
    company.hire("grace", "Desk", "Admins")
    company.hire("ada", "Desk", manager="grace")
    company.hire("alan", manager="ada")


def _equipped(world: World) -> None:
    """Two rooms that anybody could sign in to: each newcomer's mailbox is asked what it is for."""
    company = open_company(world, ["ada"])
    world.emulator.change_roles(TENANT, CLIENT, *READS, "MailboxSettings.Read")
    for name in ("oslo", "rome"):
        world.emulator.add_mailbox(TENANT, f"{name}@contoso.com", name.title(), "room")
        company.tenant.change(f"{name}@contoso.com", accountEnabled=True)


def _imported(world: World) -> None:
    _staffed(world)
    Company(world).run()
    company = _again(world)
    company.tenant.change("ada@contoso.com", displayName="Ada King", mail="king@contoso.com")
    company.tenant.change("alan@contoso.com", mail="ada@contoso.com")
    company.tenant.delete("grace@contoso.com")
    company.hire("edsger", "Desk", manager="alan")


def _waiting(world: World) -> None:
    """Ada and Alan wait for addresses; hers is free by now. Edsger is new, and waits as Alan does."""
    company = open_company(world, user_matching=())
    for name in ("ada", "alan"):
        keeping.create(world.rt, people.KIND, User(name, f"Old {name}", f"{name}@contoso.com"))
        company.hire(name, "Desk")
    assert company.run().counts == {"refuse": 2}
    kept = keeping.read(world.rt, people.KIND, "ada")
    keeping.change(world.rt, people.KIND, kept, replace(kept.thing, address=""))
    company.tenant.add_user("edsger@contoso.com", displayName="Edsger", mail="alan@contoso.com")


def _held(world: World) -> None:
    _imported(world)
    company = _again(world)
    company.keep(cap=Cap(least=0, percent=0))
    assert company.run().status == "held"


def _again(world: World) -> Company:
    """The company of a world that was opened before."""
    groups = Company(world).tenant.groups.values()
    return Company(world, groups={group.name: group.id for group in groups})


def _run(world: World) -> None:
    world.advance(3600)
    world.host.run_timer("sync_directories")
    world.settle()


def _approve(world: World) -> None:
    company = Company(world)
    settling.decide(world.rt, company.connection_id, company.last_run().run_id, "approve")
    world.settle()


def _undone(azurite: Azurite, host: Host, prepare: Callable[[World], None], work: Callable[[World], None]) -> Any:
    """What comes of it when nothing kills it."""
    name = prepare.__name__
    if name not in _undisturbed:
        world = World(azurite, host)
        prepare(world)
        work(world)
        run = Company(world).last_run()
        assert run.status in {"done", "applied"}, run.failure
        assert (run.pieces > 1) is (prepare is _paged)
        _undisturbed[name] = picture_of(Company(world))
        assert _undisturbed[name]["users"]
        world.close()
    return _undisturbed[name]


def _survivors(
    azurite: Azurite, host: Host, prepare: Callable[[World], None], work: Callable[[World], None], shard: int
) -> Iterator[tuple[str, World]]:
    return iter_survivors(azurite, host, prepare, work, shard, timer="sync_directories")


@pytest.fixture
def in_small_parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two people on a page of Graph's, and in a piece of the plan, where a test is about pages."""
    if _paged in request.node.callspec.params.values():
        monkeypatch.setattr(graph, "_WHOLE_PAGES", "odata.maxpagesize=2")
        monkeypatch.setattr(planning, "PIECE", 2)
        monkeypatch.setattr(tenant, "CHUNK", 2)


@pytest.mark.minutes
@pytest.mark.requirement("DIR-1", "DIR-8")
@pytest.mark.usefixtures("in_small_parts")
@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize(
    ("prepare", "work"),
    [(_staffed, _run), (_paged, _run), (_equipped, _run), (_imported, _run), (_waiting, _run), (_held, _approve)],
)
def test_killed_at_every_step(
    azurite: Azurite,
    host: Host,
    prepare: Callable[[World], None],
    work: Callable[[World], None],
    shard: int,
) -> None:
    expected = _undone(azurite, host, prepare, work)
    for where, world in _survivors(azurite, host, prepare, work, shard):
        if (
            work is _approve and Company(world).last_run().status == "held"
        ):  # the decision was not written: they decide again
            work(world)
        found = picture_of(Company(world))
        for part, wanted in expected.items():
            assert found[part] == wanted, (where, part)
