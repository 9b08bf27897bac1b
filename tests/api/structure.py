"""The desk's structure, made through the API where a test needs some of it."""

from __future__ import annotations

from typing import Any

from tests.world import World


def make(world: World, kind: str, /, **values: Any) -> dict[str, Any]:
    """Make one; anything but 201 fails the test."""
    answer = world.api("POST", f"/{kind}", values)
    assert answer.status == 201, answer.body
    found: dict[str, Any] = answer.json()
    return found


def make_user(world: World, name: str = "Ada Lovelace", /, **values: Any) -> dict[str, Any]:
    """A user, by name with an address of it."""
    address = f"{name.lower().replace(' ', '.')}@example.com"
    return make(world, "users", **{"name": name, "address": address, **values})


def make_agent(world: World, name: str = "Grace Hopper", /, **values: Any) -> dict[str, Any]:
    """An agent, and the user that they are."""
    return make(world, "agents", user_id=make_user(world, name)["user_id"], **values)


def change(world: World, kind: str, thing_id: str, /, **values: Any) -> dict[str, Any]:
    """Change one; anything but 200 fails the test."""
    answer = world.api("PATCH", f"/{kind}/{thing_id}", values)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json()
    return found


def refused(world: World, method: str, path: str, /, **values: Any) -> dict[str, Any]:
    """The wrong field of something that is refused: its name, its cause, and the cure."""
    answer = world.api(method, path, values)
    assert answer.status == 422, (answer.status, answer.body)
    problem = answer.json()
    assert problem["cure"]
    return {**problem["fields"][0], "cure": problem["cure"]}
