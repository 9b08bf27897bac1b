"""Each role and each route: who is refused, and who is not. The table is the OpenAPI document itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared.api import application
from tests.api.identities import BY_EASYAUTH, BY_TOKEN, by_easyauth, principal, signed_in
from tests.world import World

ROLES = ("Deskbridge.Reader", "Deskbridge.Operator", "Deskbridge.Admin")
"""From the least to the highest."""


def operations() -> Iterator[tuple[str, str, str]]:
    """Each method and path with the least role that the document names for it."""
    for path, found in application.build().openapi()["paths"].items():
        for method, operation in found.items():
            yield method.upper(), path.removeprefix("/api/v1"), operation["x-role"]


TABLE = list(operations())


@pytest.mark.requirement("OPS-6")
@pytest.mark.parametrize("way", ["bearer", "easyauth"])
def test_every_role_at_every_route(world: World, way: str) -> None:
    world.start(**(BY_TOKEN if way == "bearer" else BY_EASYAUTH))
    assert len(TABLE) > 15
    assert {needed for _, _, needed in TABLE} == set(ROLES)

    def headers(*roles: str) -> dict[str, str]:
        return signed_in(world, *roles) if way == "bearer" else by_easyauth(principal(*roles))

    for method, path, needed in TABLE:
        assert world.api(method, path, sign_in={}).status == 401, (method, path)
        assert world.api(method, path, sign_in=headers()).status == 403, (method, path)
        for role in ROLES:
            answer = world.api(method, path, sign_in=headers(role))
            allowed = ROLES.index(role) >= ROLES.index(needed)
            assert (answer.status != 403) == allowed, (method, path, role, answer.status)
            assert answer.status != 401, (method, path, role)
            assert allowed or needed in answer.json()["detail"], "who is refused is told which role it takes"


def test_nothing_is_changed_by_less_than_an_operator() -> None:
    for method, path, needed in TABLE:
        assert method == "GET" or needed in ROLES[1:], (method, path)


@pytest.mark.requirement("OPS-6")
def test_an_operator_does_the_work_and_changes_no_set_up(world: World) -> None:
    world.connect()
    mailbox = world.add_mailbox(method="scan")
    world.start(**BY_TOKEN)

    def ask(role: str, method: str, path: str, body: Any = None) -> int:
        return world.api(method, path, body, sign_in=signed_in(world, role)).status

    assert ask("Deskbridge.Operator", "POST", f"/mailboxes/{mailbox}/fetch") == 202
    assert ask("Deskbridge.Reader", "POST", f"/mailboxes/{mailbox}/fetch") == 403
    assert ask("Deskbridge.Operator", "PATCH", f"/mailboxes/{mailbox}", {"enabled": False}) == 403
    assert ask("Deskbridge.Admin", "PATCH", f"/mailboxes/{mailbox}", {"type": "question"}) == 200
    assert world.api("GET", f"/mailboxes/{mailbox}", sign_in=signed_in(world, "Deskbridge.Reader")).json()["enabled"]
