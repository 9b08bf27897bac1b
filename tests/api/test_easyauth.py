"""App Service Authentication: its header is believed where it alone can have set it, and nowhere else."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from tests.api.identities import BY_EASYAUTH, BY_TOKEN, PERSON, by_easyauth, principal
from tests.world import ADMIN_KEY, World

ADMIN = "Deskbridge.Admin"
OTHER = "99999999-9999-4999-8999-999999999999"


def status(world: World, headers: dict[str, str]) -> int:
    return world.api("GET", "/verdicts", sign_in=headers).status


@pytest.mark.requirement("OPS-6")
def test_whom_app_service_signed_in_gets_in(world: World) -> None:
    world.start(**BY_EASYAUTH)
    assert status(world, by_easyauth(principal(ADMIN))) == 200
    mapped = principal()
    mapped["claims"].append({"typ": mapped["role_typ"], "val": "Deskbridge.Reader"})
    assert status(world, by_easyauth(mapped)) == 200


@pytest.mark.requirement("OPS-6", "OPS-8")
@pytest.mark.parametrize("sign", ["WEBSITE_INSTANCE_ID", "WEBSITE_SKU", "WEBSITE_POD_NAME"])
def test_each_plan_of_azure_is_known_by_its_own_sign(world: World, sign: str) -> None:
    world.start(**{**BY_EASYAUTH, "WEBSITE_SKU": "", sign: "something"})
    assert status(world, by_easyauth(principal(ADMIN))) == 200


@pytest.mark.requirement("OPS-6")
@pytest.mark.parametrize(
    "changed",
    [
        {"WEBSITE_SKU": ""},
        {"WEBSITE_AUTH_ENABLED": ""},
        {"WEBSITE_AUTH_ENABLED": "False"},
        {"WEBSITE_AUTH_ENABLED": "1"},
        {"ADMIN_TENANT_ID": ""},
        {"ADMIN_TENANT_ID": OTHER},
        {"ADMIN_AUTH": "key"},
        BY_TOKEN,
    ],
    ids=str,
)
def test_where_anybody_could_set_the_header_it_is_not_believed(world: World, changed: dict[str, str]) -> None:
    world.start(**{**BY_EASYAUTH, **changed})
    answer = world.api("GET", "/verdicts", sign_in=by_easyauth(principal(ADMIN)))
    assert answer.status == 401
    assert answer.json()["cure"]


def test_without_a_tenant_of_ours_no_tenant_is_ours(world: World) -> None:
    world.start(**{**BY_EASYAUTH, "ADMIN_TENANT_ID": ""})
    for tenant in (None, "", OTHER):
        assert status(world, by_easyauth(principal(ADMIN, tenant=tenant))) == 401


def two_of(name: str) -> Any:
    found = principal(ADMIN)
    found["claims"].append({"typ": name, "val": OTHER})
    return found


@pytest.mark.parametrize(
    "told",
    [
        principal(ADMIN, provider="google"),
        principal(ADMIN, tenant=OTHER),
        principal(ADMIN, tenant=None),
        principal(ADMIN, person=None),
        two_of("http://schemas.microsoft.com/identity/claims/objectidentifier"),
        two_of("http://schemas.microsoft.com/identity/claims/tenantid"),
        two_of("tid"),
        {**principal(ADMIN), "claims": {"typ": "roles", "val": ADMIN}},
        {**principal(ADMIN), "auth_typ": None},
        {"userRoles": [ADMIN], "userId": PERSON},
        [],
        "x",
        None,
    ],
)
def test_a_sign_in_elsewhere_is_none_here(world: World, told: Any) -> None:
    world.start(**BY_EASYAUTH)
    assert status(world, by_easyauth(told)) == 401


@pytest.mark.parametrize("header", ["", "no base64!", b64encode(b"{").decode(), b64encode(b"[" * 5000).decode(), "é"])
def test_what_cannot_be_read_is_refused(world: World, header: str) -> None:
    world.start(**BY_EASYAUTH)
    assert status(world, {"X-MS-CLIENT-PRINCIPAL": header}) == 401


def test_nothing_else_is_a_sign_in(world: World) -> None:
    world.start(**BY_EASYAUTH)
    named = {"X-MS-CLIENT-PRINCIPAL-ID": PERSON, "X-MS-CLIENT-PRINCIPAL-NAME": "grace@contoso.com"}
    for headers in ({}, {"X-API-Key": ADMIN_KEY}, named):
        assert status(world, headers) == 401


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (None, 404),
        ("https://desk.contoso.com", 404),
        ("https://desk.azurewebsites.net", 404),
        ("https://evil.example", 403),
        ("https://desk.contoso.com.evil.example", 403),
        ("http://desk.contoso.com", 403),
        ("null", 403),
        ("é", 403),
    ],
)
def test_a_page_of_another_site_cannot_use_the_sign_in_of_a_browser(
    world: World, method: str, origin: str | None, expected: int
) -> None:
    world.start(**BY_EASYAUTH, WEBSITE_HOSTNAME="desk.azurewebsites.net")
    headers = by_easyauth(principal(ADMIN)) | ({"Origin": origin} if origin else {})
    path = "/mailboxes/nobody" if method == "GET" else "/mailboxes/nobody/fetch"
    assert world.api(method, path, sign_in=headers).status == expected


@pytest.mark.parametrize("roles", [(), ("Deskbridge.Owner",), ("deskbridge.admin",)])
def test_without_a_role_nobody_gets_in(world: World, roles: tuple[str, ...]) -> None:
    world.start(**BY_EASYAUTH)
    assert status(world, by_easyauth(principal(*roles))) == 403
