"""Test connection through the API: what was granted, what can be reached, and what must not be."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dev.graph import Fault
from tests.companies import open_company
from tests.world import CLIENT, CLIENT_SECRET, SUPPORT, TENANT, World

OTHER = "sales@contoso.com"
OUTSIDE = "boss@contoso.com"


def trial_of(world: World, **wishes: str) -> Any:
    answer = world.api("POST", "/connections/contoso/test", wishes or None)
    assert answer.status == 200, answer.body
    return answer.json()


def probes(trial: Any, name: str) -> dict[str, Any]:
    """The probes of a name by their targets."""
    return {each["target"]: each for each in trial["probes"] if each["name"] == name}


def standings(trial: Any) -> dict[str, str]:
    """How each permission stands."""
    return {each["permission"]: each["standing"] for each in trial["permissions"]}


@pytest.mark.requirement("CONN-7")
def test_every_door_is_tried_and_each_one_is_told_by_itself(world: World) -> None:
    world.connect()
    for address in (SUPPORT, OTHER):
        world.add_mailbox(address)
    world.settle()
    fine = trial_of(world)
    assert fine["ok"] is True
    assert (fine["cause"], fine["cure"]) == ("", "")
    assert all(each["ok"] for each in fine["probes"])
    assert probes(fine, "mailbox").keys() == probes(fine, "subscription").keys() == {SUPPORT, OTHER}

    world.emulator.faults.add(Fault(kind="refuse", mailbox=OTHER, status=404, error="MailboxNotEnabledForRESTAPI"))
    trial = trial_of(world)
    assert trial["ok"] is False
    assert probes(trial, "mailbox")[SUPPORT]["ok"] is True
    failed = probes(trial, "mailbox")[OTHER]
    assert (failed["ok"], failed["code"], failed["severity"]) == (False, "MailboxNotEnabledForRESTAPI", "error")
    assert "licence" in failed["cure"]
    assert (trial["cause"], trial["cure"]) == (failed["cause"], failed["cure"])


@pytest.mark.requirement("CONN-7")
def test_a_subscription_that_vanished_is_a_warning(world: World) -> None:
    world.connect()
    world.add_mailbox()
    world.settle()
    [subscription] = world.emulator.subscriptions()
    world.emulator.remove_subscription(subscription.id)
    trial = trial_of(world)
    found = probes(trial, "subscription")[SUPPORT]
    assert (trial["ok"], found["ok"], found["severity"]) == (True, False, "warning")
    assert "scan" in found["cure"]


@pytest.mark.requirement("CONN-7")
def test_the_folder_that_is_watched_is_the_one_that_is_tried(world: World) -> None:
    world.connect()
    world.add_mailbox(folder="archive", method="scan")
    world.add_mailbox(OTHER, folder="AAMkNoSuchFolder", method="scan")
    trial = trial_of(world)
    assert probes(trial, "mailbox")[SUPPORT]["ok"] is True
    assert probes(trial, "mailbox")[OTHER]["code"] in ("ErrorItemNotFound", "ErrorInvalidIdMalformed")
    assert probes(trial, "subscription") == {}


@pytest.mark.requirement("CONN-7")
def test_a_mailbox_that_is_switched_off_is_tried_and_keeps_nobody_from_working(world: World) -> None:
    world.connect()
    world.add_mailbox(OTHER, enabled=False)
    world.emulator.faults.add(Fault(kind="refuse", mailbox=OTHER, status=403, error="ErrorAccessDenied"))
    trial = trial_of(world)
    found = probes(trial, "mailbox")[OTHER]
    assert (trial["ok"], found["ok"], found["severity"]) == (True, False, "warning")


@pytest.mark.requirement("CONN-7")
def test_only_mailboxes_of_this_connection_are_tried(world: World) -> None:
    world.connect()
    second = world.connect()
    assert second != "contoso"
    world.add_mailbox(OTHER, connection_id=second, method="scan")
    assert probes(trial_of(world), "mailbox") == {}


@pytest.mark.requirement("CONN-6")
def test_the_checklist_tells_what_is_granted_missing_and_not_needed(world: World) -> None:
    world.emulator.add_app(TENANT, CLIENT, CLIENT_SECRET, roles=("Mail.ReadWrite", "Mail.Send", "Calendars.Read"))
    world.connect()
    trial = trial_of(world)
    assert trial["ok"] is True, "what is missing is not mandatory"
    assert standings(trial) == {
        "Mail.ReadWrite": "granted",
        "User.Read.All": "missing",
        "Mail.Send": "not-needed",
        "Calendars.Read": "not-needed",
    }
    [line] = [each for each in trial["permissions"] if each["permission"] == "Mail.ReadWrite"]
    assert (line["kind"], line["mandatory"], line["feature"]) == ("application", True, "mail")
    assert line["purpose"]
    assert line["source"].startswith("https://learn.microsoft.com/")


@pytest.mark.requirement("CONN-6", "CONN-13")
def test_under_rbac_for_applications_the_token_shows_no_mail_and_the_probe_decides(world: World) -> None:
    world.emulator.add_app(TENANT, CLIENT, CLIENT_SECRET, mailboxes=(SUPPORT,))
    world.connect()
    world.add_mailbox(method="scan")
    world.emulator.add_mailbox(TENANT, OUTSIDE, kind="user")
    trial = trial_of(world, outside_address=OUTSIDE)
    assert standings(trial)["Mail.ReadWrite"] == "undecided"
    assert trial["ok"] is True
    assert probes(trial, "outside")[OUTSIDE]["ok"] is True

    world.add_mailbox(OTHER, method="scan")
    trial = trial_of(world)
    assert trial["ok"] is False
    assert probes(trial, "mailbox")[OTHER]["code"] == "ErrorAccessDenied"
    assert "scope" in probes(trial, "mailbox")[OTHER]["cure"]


@pytest.mark.requirement("CONN-13")
def test_a_mailbox_outside_that_can_be_read_is_a_warning(world: World) -> None:
    world.connect()
    world.emulator.add_mailbox(TENANT, OUTSIDE, kind="user")
    trial = trial_of(world, outside_address=OUTSIDE)
    found = probes(trial, "outside")[OUTSIDE]
    assert (trial["ok"], found["ok"], found["severity"], found["code"]) == (True, False, "warning", "scopeOpen")
    assert "scoping" in found["cure"]


@pytest.mark.requirement("CONN-13")
def test_an_outside_mailbox_that_does_not_exist_proves_nothing(world: World) -> None:
    world.connect()
    found = probes(trial_of(world, outside_address="nobody@contoso.com"), "outside")["nobody@contoso.com"]
    assert (found["ok"], found["code"]) == (False, "ErrorInvalidUser")


@pytest.mark.requirement("CONN-13")
@pytest.mark.parametrize("address", ["boss", "boss@contoso.com/../x", SUPPORT, "", 7])
def test_an_outside_address_that_makes_no_sense_is_refused(world: World, address: Any) -> None:
    world.connect()
    world.add_mailbox(method="scan")
    answer = world.api("POST", "/connections/contoso/test", {"outside_address": address})
    assert answer.status == 422
    assert [each["field"] for each in answer.json()["fields"]] == ["outside_address"]


@pytest.mark.requirement("CONN-7")
def test_a_trial_of_very_many_mailboxes_ends_in_time(world: World) -> None:
    world.connect()
    for number in range(3):
        world.add_mailbox(f"box{number}@contoso.com", method="scan")
    steady, asked = world.clock.steady, iter(range(0, 9000, 40))
    world.clock.steady = lambda: steady() + next(asked)  # type: ignore[method-assign]  # time that flies
    trial = trial_of(world)
    codes = [each["code"] for each in probes(trial, "mailbox").values()]
    assert codes[-1] == "notTried"
    assert trial["ok"] is True


@pytest.mark.requirement("CONN-13")
def test_the_commands_that_limit_the_app_are_filled_in(world: World) -> None:
    world.connect()
    for address in (SUPPORT, "o'brien@contoso.com"):
        world.add_mailbox(address, method="scan")
    found = world.get("/connections/contoso/scoping")
    for text in found.values():
        assert f"$appId = '{CLIENT}'" in text
        assert f"$mailboxes = @('o''brien@contoso.com', '{SUPPORT}')" in text
    rbac = found["rbac_for_applications"]
    assert "-Role 'Application Mail.ReadWrite' -CustomResourceScope" in rbac
    assert "Application Mail.Send" not in rbac, "the connection is not used for it"
    assert f"-TenantId '{TENANT}'" in rbac
    assert "New-ApplicationAccessPolicy" in found["access_policy"]
    assert world.api("GET", "/connections/nobody/scoping").status == 404


@pytest.mark.requirement("CONN-6")
def test_the_checklist_goes_by_what_a_connection_is_used_for(world: World) -> None:
    world.connect()

    def standings() -> dict[str, str]:
        lines = world.api("POST", "/connections/contoso/test").json()["permissions"]
        return {each["permission"]: each["standing"] for each in lines if each["mandatory"]}

    assert "GroupMember.Read.All" not in standings()
    world.emulator.change_roles(TENANT, CLIENT, "User.Read.All")
    uses = ["directory", "licenses", "sign-ins", "followers"]
    changed = world.api("PATCH", "/connections/contoso", {"used_for": [*uses, "directory"]})
    assert (changed.status, changed.json()["used_for"]) == (200, "directory licenses sign-ins followers")
    assert standings() == {
        "User.Read.All": "granted",
        "GroupMember.Read.All": "missing",
        "AuditLog.Read.All": "missing",
        "LicenseAssignment.ReadWrite.All": "missing",
        "User.ReadBasic.All": "granted",
    }


@pytest.mark.requirement("CONN-6")
def test_the_checklist_goes_by_what_the_directory_is_to_do_too(world: World) -> None:
    company = open_company(world)
    lines = world.api("POST", "/connections/contoso/test").json()["permissions"]
    found = {each["permission"]: each["standing"] for each in lines}
    assert found["GroupMember.Read.All"] == "granted", "nobody is told to take it away"
    company.keep(last_sign_in=True, groups_as_followers=True, licenses_organization="org")
    lines = world.api("POST", "/connections/contoso/test").json()["permissions"]
    missing = {each["permission"] for each in lines if each["standing"] == "missing" and each["mandatory"]}
    assert missing == {"AuditLog.Read.All", "LicenseAssignment.ReadWrite.All"}


@pytest.mark.requirement("CONN-6", "CONN-8")
def test_what_somebody_signs_in_for_is_asked_once(world: World) -> None:
    body = {"tenant_id": TENANT, "client_id": CLIENT, "client_secret": CLIENT_SECRET}
    assert world.api("POST", "/connections", {**body, "name": "D", "method": "delegated"}).status == 201
    for value in (["directory"], [], ["teapots"]):
        answer = world.api("PATCH", "/connections/d", {"used_for": value})
        assert (answer.status, answer.json()["fields"][0]["field"].split(".")[0]) == (422, "used_for")
    agents = {**body, "name": "A", "method": "agents"}
    assert world.api("POST", "/connections", {**agents, "used_for": ["mail"]}).status == 422
    assert world.api("POST", "/connections", agents).json()["used_for"] == "calendar"


DOORS = {
    "users": ("User.Read.All", "GET /users"),
    "groups": ("GroupMember.Read.All", "GET /groups"),
    "licenses": ("LicenseAssignment.ReadWrite.All", "GET /subscribedSkus"),
    "sign-ins": ("AuditLog.Read.All", "GET /users"),
}
"""Each door besides mail, the permission that opens it, and what is asked."""


@pytest.mark.requirement("CONN-7")
@pytest.mark.parametrize("shut", DOORS)
def test_each_feature_besides_mail_is_tried_at_graph_itself(world: World, shut: str) -> None:
    world.connect()
    world.api("PATCH", "/connections/contoso", {"used_for": ["directory", "licenses", "sign-ins", "followers"]})
    granted = {permission for permission, _ in DOORS.values()}
    world.emulator.change_roles(TENANT, CLIENT, *granted)
    fine = trial_of(world)
    assert (fine["ok"], [name for name in DOORS if probes(fine, name)[""]["ok"]]) == (True, [*DOORS])

    world.emulator.change_roles(TENANT, CLIENT, *(granted - {DOORS[shut][0]}))
    trial = trial_of(world)
    refused = {name for name in DOORS if not probes(trial, name)[""]["ok"]}
    assert shut in refused
    assert trial["ok"] is False
    for name in refused:
        assert probes(trial, name)[""]["code"] == "Authorization_RequestDenied"
        assert "admin consent" in probes(trial, name)[""]["cure"].lower()


@pytest.mark.requirement("CONN-7")
@pytest.mark.parametrize(("name", "path"), [("groups", "/v1.0/groups"), ("licenses", "/v1.0/subscribedSkus")])
def test_a_door_that_is_shut_in_spite_of_its_permission_is_told(world: World, name: str, path: str) -> None:
    world.connect()
    world.api("PATCH", "/connections/contoso", {"used_for": ["directory", "licenses"]})
    world.emulator.change_roles(TENANT, CLIENT, *(permission for permission, _ in DOORS.values()))
    world.emulator.faults.add(Fault(kind="refuse", path=path, status=403, error="Authorization_RequestDenied"))
    trial = trial_of(world)
    assert "missing" not in {each["standing"] for each in trial["permissions"] if each["mandatory"]}
    assert (trial["ok"], probes(trial, name)[""]["ok"]) == (False, False)
    assert trial["cause"] == probes(trial, name)[""]["cause"]


@pytest.mark.requirement("CONN-7")
def test_a_tenant_that_has_no_sign_ins_to_tell_is_warned_of_it(world: World) -> None:
    """Without Entra ID P1 Graph refuses them to everybody: nothing else stops for that."""
    world.connect()
    world.api("PATCH", "/connections/contoso", {"used_for": ["sign-ins"]})
    world.emulator.change_roles(TENANT, CLIENT, "AuditLog.Read.All", "User.Read.All")
    code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
    world.emulator.faults.add(Fault(kind="refuse", path="/v1.0/users", status=403, error=code))
    trial = trial_of(world)
    found = probes(trial, "sign-ins")[""]
    assert (trial["ok"], found["ok"], found["severity"], found["code"]) == (True, False, "warning", code)
    assert "Entra ID P1" in found["cause"]


@pytest.mark.requirement("CONN-7", "CONN-9", "CONN-12")
@pytest.mark.parametrize("why", ["disconnected", "otherEnvironment"])
def test_what_rests_because_somebody_wants_it_so_says_that_and_blames_nothing_else(world: World, why: str) -> None:
    world.connect()
    world.add_mailbox()
    world.settle()
    if why == "disconnected":
        assert world.api("POST", "/connections/contoso/disconnect").status == 200
    else:
        world.start(ENVIRONMENT="staging")
    trial = trial_of(world)
    [wrong] = [each for each in trial["probes"] if not each["ok"]]
    assert (trial["ok"], wrong["name"], wrong["code"]) == (False, "at-work", why)
    assert (trial["cause"], trial["cure"]) == (wrong["cause"], wrong["cure"])
    world.advance(8 * 86_400)
    issues = {(each["code"], each["severity"]) for each in world.get("/health")["issues"]}
    assert issues == {("connection_off" if why == "disconnected" else "connection_elsewhere", "warning")}
    if why == "otherEnvironment":
        world.start()
    assert world.api("POST", "/connections/contoso/connect").status == 200
    world.scan()
    assert trial_of(world)["ok"] is True


@pytest.mark.requirement("CONN-6")
def test_a_connection_that_only_sends_needs_nothing_else(world: World) -> None:
    world.connect()
    world.emulator.change_roles(TENANT, CLIENT, "Mail.Send", "Mail.ReadWrite")
    assert world.api("PATCH", "/connections/contoso", {"used_for": ["mail-send"]}).json()["used_for"] == "mail-send"
    trial = trial_of(world)
    assert (trial["ok"], standings(trial)) == (True, {"Mail.Send": "granted", "Mail.ReadWrite": "not-needed"})
    scoping = world.get("/connections/contoso/scoping")["rbac_for_applications"]
    assert "'Application Mail.Send'" in scoping
    assert "'Application Mail.ReadWrite'" not in scoping


@pytest.mark.requirement("CONN-6")
def test_an_account_that_only_sends_is_asked_for_nothing_else(world: World) -> None:
    body = {"tenant_id": TENANT, "client_id": CLIENT, "client_secret": CLIENT_SECRET, "method": "delegated"}
    assert world.api("POST", "/connections", {**body, "name": "D", "used_for": ["mail-send"]}).status == 201
    url = world.api("POST", "/connections/d/sign-in").json()["url"]
    asked = {each.rpartition("/")[2] for each in parse_qs(urlsplit(url).query)["scope"][0].split()}
    assert asked == {"Mail.Send", "Mail.Send.Shared", "openid", "profile", "offline_access"}


@pytest.mark.requirement("CONN-7", "CONN-8")
@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"client_secret": "not-the-value-of-it"}, "AADSTS7000215"),
        ({"client_id": "99999999-9999-4999-8999-999999999999"}, "AADSTS700016"),
        ({"tenant_id": "99999999-9999-4999-8999-999999999999"}, "invalid_tenant"),
        ({}, "nobody"),
    ],
)
@pytest.mark.parametrize("method", ["delegated", "agents"])
def test_what_entra_has_against_the_app_is_told_before_anybody_signs_in(
    world: World, method: str, wrong: dict[str, str], code: str
) -> None:
    body = {"name": "Contoso", "tenant_id": TENANT, "client_id": CLIENT, "client_secret": CLIENT_SECRET}
    assert world.api("POST", "/connections", {**body, "method": method, **wrong}).status == 201
    trial = trial_of(world)
    [found] = [each for each in trial["probes"] if not each["ok"]]
    assert found["code"] == code
    assert found["cause"]
    assert found["cure"]


@pytest.mark.requirement("CONN-8")
@pytest.mark.parametrize("around", [" {} ", "{}\n", "\t{}\r\n"])
def test_what_was_pasted_around_a_secret_is_no_part_of_it(world: World, around: str) -> None:
    body = {"name": "Contoso", "tenant_id": TENANT, "client_id": CLIENT}
    secret_id = around.format("dddddddd-4444-4444-8444-444444444444")
    refused = world.api("POST", "/connections", {**body, "client_secret": secret_id})
    assert (refused.status, "Secret ID" in refused.json()["detail"]) == (422, True)
    assert world.api("POST", "/connections", {**body, "client_secret": around.format(CLIENT_SECRET)}).status == 201
    assert trial_of(world)["ok"] is True
