"""Killing the app at every step: one harness for every kind of work.

The requests that a piece of work sends are counted; then, each time in a fresh world, the process dies after the first,
the second, ... of them, is started again, and is left to itself. The end must be the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from dev.azurite import Azurite
from dev.host import Host
from tests.io_meter import Killed
from tests.world import World

type _Act = Callable[[World], None]

SHARDS = 6
"""Steps are dealt to so many tests, so that they run side by side."""

LEASE_OVER = 130
"""Seconds after which a dead worker holds nothing up any more."""


_counted: dict[tuple[_Act, _Act], list[str]] = {}
"""Steps that this process has counted, by what comes before the work, and the work."""


def steps_of(make: Callable[[], World], work: _Act) -> list[str]:
    """The requests that the work sends when nothing kills it, in order."""
    world = make()
    world.meter.start()
    work(world)
    steps = list(world.meter.calls)
    world.close()
    return steps


def iter_survivors(
    azurite: Azurite,
    host: Host,
    prepare: _Act,
    work: _Act,
    shard: int,
    *,
    timer: str = "scan_mailboxes",
) -> Iterator[tuple[str, World]]:
    """Worlds in which the work was killed after one of its steps, and then went on by itself.

    ``timer``: the one that finds work that was left lying.
    """

    def make() -> World:
        world = World(azurite, host)
        prepare(world)
        return world

    if (prepare, work) not in _counted:
        _counted[prepare, work] = steps_of(make, work)
    steps = _counted[prepare, work]
    assert len(steps) >= SHARDS, steps
    for index in range(shard, len(steps), SHARDS):
        world = make()
        was_killed = kill_after(world, index + 1, work)
        assert was_killed or index >= len(steps) - 2, "the work takes far fewer steps than it did"
        revive(world, timer)
        yield f"after step {index + 1} of {len(steps)}: {steps[index]}", world
        world.close()


def kill_after(world: World, count: int, work: _Act) -> bool:
    """Do the work, and die after so many answers; whether it came to that: threads make it a step more or less."""
    world.meter.start()
    world.meter.kill_after(count)
    with contextlib.suppress(Killed):
        work(world)
    was_killed = world.meter.killed
    world.emulator.settle()
    world.meter.kill_after(None)
    return was_killed


def revive(world: World, timer: str = "scan_mailboxes") -> None:
    """Start the process again, with nothing in its memory, and let its timer come round twice."""
    world.start()
    world.host.make_visible()
    world.advance(LEASE_OVER)
    for _ in range(2):
        world.host.run_timer(timer)
        world.settle()
        world.host.make_visible()
