"""Connections that were given to some callers only: to the others they are not there, nor is anything of theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from shared import directory
from shared.api import application
from shared.api.reach import CONNECTION, MAILBOX
from shared.connections import agent_sign_ins
from shared.desk import agents, keeping, licenses, people
from shared.desk.agents import Agent
from shared.desk.belonging import Held, Membership
from shared.desk.licenses import License
from shared.desk.people import User
from shared.directory import followers, store, sync
from shared.directory.license_changes import LicenseChange
from shared.directory.mapping import default_rules
from shared.errors import SetAside
from shared.mail.verdicts import Verdict
from shared.upkeep import set_aside
from shared.work import ChangeLicense, ReadSignIns, SyncDirectory, SyncMailbox
from tests.api.identities import BY_TOKEN, PERSON, signed_in
from tests.api.seeding import enter, record
from tests.api.test_roles import ROLES, TABLE
from tests.companies import READS
from tests.world import CLIENT, CLIENT_SECRET, TENANT, Answer, World

READER, OPERATOR, ADMIN = ROLES
OTHER = "99999999-9999-4999-8999-999999999999"
NOBODY_KNOWS = {
    **dict.fromkeys(("entry", "key", "change"), "98204812799999999~0123456789ab"),
    "run": "98204812799999999",
    "address": "agent@contoso.com",
    "person": "help@fabrikam.com",
    "object_id": "11111111-2222-4333-8444-555555555555",
}
OF_THE_DESK = {"organization_id", "site_id", "team_id", "role_id", "board_id", "field_name", "user_id", "agent_id"}
OF_NO_CONNECTION = {
    "entry",
    "key",
    "run",
    "change",
    "number",
    "action",
    "index",
    "address",
    "person",
    "object_id",
    *OF_THE_DESK,
}
"""Parameters of addresses that name something within a mailbox, or nothing of a connection."""


class Desk:
    """Two connections with a mailbox each, a mail in quarantine and work set aside; ``fabrikam`` is given to some."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.emulator.change_roles(TENANT, CLIENT, *READS)
        for name in ("Contoso", "Fabrikam"):
            made = {"name": name, "tenant_id": TENANT, "client_id": CLIENT, "client_secret": CLIENT_SECRET}
            assert world.api("POST", "/connections", made).status == 201
        self.ours = world.add_mailbox("support@contoso.com", method="scan")
        self.theirs = world.add_mailbox("help@fabrikam.com", connection_id="fabrikam")
        agent_sign_ins.expect(world.rt, "fabrikam", NOBODY_KNOWS["address"])
        world.settle()
        self.entries = {each: enter(world, each, "Broken", verdict=Verdict.QUARANTINED) for each in self.mailboxes}
        for mailbox in self.mailboxes:
            work = SyncMailbox(mailbox_id=mailbox, cause="scan", noticed_at="")
            set_aside.keep_text(world.rt, work.queue, work.model_dump_json(), SetAside("A reason.", "A cure."))
        store.put_rules(world.rt, "fabrikam", default_rules().model_copy(update={"enabled": True}))
        self.run = sync.request(world.rt, "fabrikam", "run").run_id
        self.change = ask_for_license(world)
        followers.put_default(world.rt, "fabrikam")
        bought = License(f"fabrikam~{OTHER}", "", "E5", OTHER, 5, 1, "fabrikam")
        keeping.create(world.rt, licenses.KIND, bought)
        self.person = str(world.emulator.directory(TENANT).get("help@fabrikam.com").id)
        world.settle()
        world.start(**BY_TOKEN)

    @property
    def mailboxes(self) -> tuple[str, str]:
        return self.ours, self.theirs

    def ask(self, role: str, method: str, path: str, body: Any = None) -> Answer:
        return self.world.api(method, path, body, sign_in=signed_in(self.world, role))

    def give(self, *given: tuple[str, str]) -> None:
        items = [{"object_id": who, "access": access} for who, access in given]
        assert self.ask(ADMIN, "PUT", "/connections/fabrikam/grants", {"items": items}).status == 200

    def within(self, mailbox: str) -> dict[str, str]:
        """What lies within a mailbox and its connection, by the names of parameters."""
        within = {"run": self.run, "object_id": self.person, "change": self.change}
        return {"entry": self.entries[mailbox].key, **within}

    def kept(self, role: str) -> dict[str, str]:
        """Keys of the work set aside, by mailbox."""
        items = self.ask(role, "GET", "/set-aside").json()["items"]
        return {name: each["key"] for each in items for name in set_aside.named_in(each["message"])}


def ask_for_license(world: World) -> str:
    """A change of licenses of fabrikam's, as it lies in storage; its id."""
    key = "98204812799999999~0123456789ab"
    change = LicenseChange(key, "u", "o", "Jo", ("sku",), (), "DE", state="done", by="key", asked_at="")
    world.rt.tables[directory.TABLE].insert(change.row("fabrikam"))
    return change.change_id


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def addresses(about: dict[str, str], role: str) -> Iterator[tuple[str, str]]:
    """Each method and path that names a connection or a mailbox, and that is for the role."""
    for method, path, needed in TABLE:
        names = re.findall(r"\{(\w+)\}", path)
        if ROLES.index(needed) <= ROLES.index(role) and {CONNECTION, *MAILBOX} & {*names}:
            yield method, path.format(**{**NOBODY_KNOWS, **about})


def test_the_parameters_of_every_address_are_known_here() -> None:
    """A new name must be one of those that are looked up before the route, or have nothing to do with a connection."""
    for path in application.build().openapi()["paths"]:
        assert {*re.findall(r"\{(\w+)\}", path)} <= {CONNECTION, *MAILBOX, *OF_NO_CONNECTION}, path


@pytest.mark.requirement("CONN-11")
@pytest.mark.parametrize("role", [READER, OPERATOR])
def test_what_was_not_given_cannot_be_told_from_what_is_not_there(desk: Desk, role: str) -> None:
    theirs = {CONNECTION: "fabrikam", **dict.fromkeys(MAILBOX, desk.theirs), **desk.within(desk.theirs)}
    nothing = {CONNECTION: "nowhere", **dict.fromkeys(MAILBOX, "nobody")}
    seen = list(addresses(theirs, role))
    assert len(seen) >= 4
    for method, path in seen:
        assert desk.ask(role, method, path).status != 404, "while it is given to nobody in particular it is for all"
    desk.give((OTHER, "modify"))
    for (method, path), (_, empty) in zip(seen, addresses(nothing, role), strict=True):
        for body in (None, {"no_such": "value"}):
            hidden, missing = desk.ask(role, method, path, body), desk.ask(role, method, empty, body)
            assert (hidden.status, missing.status) == (404, 404), (method, path)
            shown = hidden.body.decode().replace(desk.theirs, "nobody").replace("fabrikam", "nowhere")
            assert shown == missing.body.decode(), path
    both = [desk.ask(role, "GET", f"/journal?mailbox={name}") for name in (desk.theirs, "nobody")]
    assert [each.status for each in both] == [422, 422]
    assert both[0].body.decode().replace(desk.theirs, "nobody") == both[1].body.decode()


@pytest.mark.requirement("CONN-11")
@pytest.mark.parametrize("role", [READER, OPERATOR])
def test_no_list_tells_of_what_was_not_given(desk: Desk, role: str) -> None:
    """Tickets belong to the desk and not to a connection; so far the desk is one."""
    lists = [path for method, path, needed in TABLE if method == "GET" and "{" not in path and needed == READER]
    assert desk.ask(ADMIN, "POST", "/connections/fabrikam/disconnect").status == 200
    telling = {path for path in lists if b"fabrikam" in desk.ask(role, "GET", path).body.lower()}
    assert telling == {"/connections", "/mailboxes", "/journal", "/subscriptions", "/set-aside", "/health"} | {
        "/licenses",
        "/follower-settings",
    }
    desk.give((OTHER, "modify"))
    for path in lists:
        assert b"fabrikam" not in desk.ask(role, "GET", path).body.lower(), path
    for path in telling - {"/subscriptions", "/licenses", "/follower-settings"}:
        assert b"contoso" in desk.ask(role, "GET", path).body, path
    health = desk.ask(role, "GET", "/health").json()
    assert health["set_aside"] == 1
    assert "connection_off" not in {each["code"] for each in health["issues"]}


@pytest.mark.requirement("CONN-11")
def test_nobody_learns_of_a_connection_by_the_people_who_came_through_it(desk: Desk) -> None:
    user_id, agent_id = "5d0c3c44-1f0e-4f0c-9d51-0a3c1b2d4e5f", "6d0c3c44-1f0e-4f0c-9d51-0a3c1b2d4e5f"
    came: dict[str, Any] = {"origin": f"fabrikam/{desk.person}", "deactivated_by": "fabrikam"}
    held = (Held(OTHER, "fabrikam"), Held(PERSON))
    belonging: dict[str, Any] = {"roles": held, "licenses": (f"fabrikam~{OTHER}", f"contoso~{OTHER}")}
    user = User(user_id, "Jo", "jo@example.com", source="fabrikam", **came, **belonging)
    keeping.create(desk.world.rt, people.KIND, user)
    memberships = (Membership(OTHER, "fabrikam"),)
    agent = Agent(agent_id, user_id, "Jo", "jo@example.com", **came, roles=held, teams=memberships)
    keeping.create(desk.world.rt, agents.KIND, agent)
    paths = ("/users", f"/users/{user_id}", "/users?address=jo@example.com", "/agents", f"/agents/{agent_id}")
    desk.give((PERSON, "read"))
    told = [desk.ask(OPERATOR, "GET", path) for path in paths]
    assert all(b"fabrikam" in each.body for each in told)
    desk.give((OTHER, "modify"))
    for path, before in zip(paths, told, strict=True):
        after = desk.ask(OPERATOR, "GET", path)
        assert (after.status, b"Jo" in after.body, b"fabrikam" in after.body) == (200, True, False), path
        assert after.headers.get("etag") == before.headers.get("etag")
    shown = desk.ask(OPERATOR, "GET", paths[1]).json()
    assert shown["licenses"] == [f"contoso~{OTHER}"]
    assert shown["roles"] == [{"role_id": OTHER, "given_by": ""}, {"role_id": PERSON, "given_by": "hand"}]
    assert b"fabrikam" in desk.ask(ADMIN, "GET", paths[1]).body


@pytest.mark.requirement("CONN-11")
def test_the_licenses_of_a_user_are_asked_for_only_by_who_was_given_their_connection(desk: Desk) -> None:
    user = User("5d0c3c44-1f0e-4f0c-9d51-0a3c1b2d4e5f", "Jo", "jo@fabrikam.example", origin=f"fabrikam/{desk.person}")
    keeping.create(desk.world.rt, people.KIND, user)
    for given, status in (((OTHER, "modify"), 409), ((PERSON, "read"), 200)):
        desk.give(given)
        assert desk.ask(OPERATOR, "GET", f"/users/{user.user_id}/licenses").status == status


@pytest.mark.requirement("CONN-11")
def test_groups_follow_a_ticket_only_for_who_works_with_their_connection(desk: Desk) -> None:
    record(desk.world, "Printer broken", sender="grace@example.com")
    for given, status in (((OTHER, "modify"), 404), ((PERSON, "read"), 403), ((PERSON, "modify"), 409)):
        desk.give(given)
        body = {"group_id": OTHER, "connection_id": "fabrikam"}
        assert desk.ask(OPERATOR, "POST", "/tickets/1/followers", body).status == status


@pytest.mark.requirement("CONN-11")
def test_administrators_reach_everything(desk: Desk) -> None:
    desk.give((OTHER, "read"))
    assert desk.ask(ADMIN, "GET", "/connections/fabrikam").status == 200
    assert desk.ask(ADMIN, "POST", f"/mailboxes/{desk.theirs}/fetch").status == 202
    assert desk.kept(ADMIN).keys() == {desk.ours, desk.theirs}


@pytest.mark.requirement("CONN-11")
def test_who_may_only_look_changes_nothing(desk: Desk) -> None:
    entry = desk.entries[desk.theirs].key
    work = [
        "/connections/fabrikam/test",
        f"/mailboxes/{desk.theirs}/fetch",
        f"/journal/{desk.theirs}/{entry}/replay",
        f"/set-aside/{desk.kept(ADMIN)[desk.theirs]}/replay",
    ]
    looks = ["/connections/fabrikam", f"/mailboxes/{desk.theirs}", f"/journal/{desk.theirs}/{entry}"]

    def statuses(method: str, paths: list[str]) -> list[int]:
        return [desk.ask(OPERATOR, method, path).status for path in paths]

    desk.give((PERSON, "read"), (OTHER, "modify"))
    assert (statuses("GET", looks), statuses("POST", work)) == ([200] * 3, [403] * 4)
    desk.give((PERSON, "modify"))
    assert (statuses("GET", looks), statuses("POST", work)) == ([200] * 3, [200, 202, 202, 202])
    desk.give((OTHER, "read"))
    assert (statuses("GET", looks), statuses("POST", work)) == ([404] * 3, [404] * 4)
    assert desk.ask(READER, "POST", f"/mailboxes/{desk.ours}/fetch").status == 403


SET_UP: tuple[tuple[str, str, Any], ...] = (
    ("PATCH", "", {"name": "Fabrikam Inc."}),
    ("PUT", "/secret", {"client_secret": CLIENT_SECRET}),
    ("POST", "/disconnect", None),
    ("POST", "/connect", None),
    ("POST", "/directory/reset", {"to": "clear"}),
)
"""What only administrators may do to a connection, and those to whom it was given to set it up."""


@pytest.mark.requirement("CONN-11")
def test_who_was_given_a_connection_to_set_it_up_changes_that_one_and_nothing_else(desk: Desk) -> None:
    def statuses(role: str, name: str) -> list[int]:
        return [desk.ask(role, method, f"/connections/{name}{path}", body).status for method, path, body in SET_UP]

    desk.give((PERSON, "modify"))
    assert statuses(OPERATOR, "fabrikam") == [403] * len(SET_UP)
    desk.give((PERSON, "set_up"))
    assert statuses(OPERATOR, "fabrikam") == [200, 200, 200, 200, 202]
    found = desk.ask(OPERATOR, "GET", "/connections/fabrikam/directory/rules").json()
    change = {"rules": {**found["rules"], "every_hours": 6}, "version": found["version"]}
    assert desk.ask(OPERATOR, "PUT", "/connections/fabrikam/directory/rules", change).status == 200
    [newest] = desk.ask(ADMIN, "GET", "/audit?target=fabrikam&limit=1").json()["items"]
    assert (newest["what"], newest["who"]) == ("directory.rules_changed", "Grace Hopper")
    assert statuses(READER, "fabrikam") == statuses(OPERATOR, "contoso") == [403] * len(SET_UP)
    made = {"name": "New", "tenant_id": TENANT, "client_id": CLIENT, "client_secret": CLIENT_SECRET}
    assert desk.ask(OPERATOR, "POST", "/connections", made).status == 403
    mine = {"items": [{"object_id": OTHER, "access": "set_up"}]}
    assert desk.ask(OPERATOR, "PUT", "/connections/fabrikam/grants", mine).status == 403
    desk.give((OTHER, "set_up"))
    assert set(statuses(OPERATOR, "fabrikam")) <= {403, 404}, "it was given to somebody else"


@pytest.mark.requirement("CONN-11")
def test_all_that_is_set_up_of_a_connection_can_be_given_but_not_whom_it_is_given_to() -> None:
    for path, found in application.build().openapi()["paths"].items():
        for method, operation in found.items():
            named = f"{{{CONNECTION}}}" in path or path.endswith("/connections")
            of_one = operation["x-role"] == ADMIN and named and not path.endswith("/grants")
            assert operation.get("x-set-up", False) == of_one, (method, path)


@pytest.mark.requirement("CONN-11")
def test_a_connector_makes_connections_sets_up_those_they_see_and_administers_nothing_else(desk: Desk) -> None:
    connector = "Deskbridge.Connector"
    made = {"name": "New", "tenant_id": TENANT, "client_id": CLIENT, "client_secret": CLIENT_SECRET}
    assert desk.ask(connector, "POST", "/connections", made).status == 201
    for name, access, expected in (("new", "", 200), ("fabrikam", "", 200), ("fabrikam", "read", 403)):
        if access:
            desk.give((PERSON, access))
        assert desk.ask(connector, "PATCH", f"/connections/{name}", {"name": "Other"}).status == expected
    desk.give((OTHER, "modify"))
    assert desk.ask(connector, "PATCH", "/connections/fabrikam", {"name": "Other"}).status == 404
    assert desk.ask(connector, "GET", "/connections/fabrikam").status == 404
    assert desk.ask(connector, "PUT", "/connections/new/grants", {"items": []}).status == 403
    others = [each for each in TABLE if each[2] == ADMIN and not each[1].startswith("/connections")]
    assert len(others) > 10
    for method, path, _ in others:
        named = path.format(**dict.fromkeys(re.findall(r"\{(\w+)\}", path), "x"))
        assert desk.ask(connector, method, named).status == 403, (method, path)


@pytest.mark.requirement("CONN-11")
def test_work_on_a_directory_is_the_connection_s_even_where_it_has_no_mailbox(world: World) -> None:
    for name in ("Contoso", "Fabrikam"):
        made = {"name": name, "tenant_id": TENANT, "client_id": CLIENT, "client_secret": CLIENT_SECRET}
        assert world.api("POST", "/connections", made).status == 201
    for work in (
        SyncDirectory(connection_id="fabrikam", cause="asked"),
        ReadSignIns(connection_id="fabrikam", cause="asked"),
        ChangeLicense(connection_id="fabrikam", change="98204812799999999~0123456789ab"),
    ):
        set_aside.keep_text(world.rt, work.queue, work.model_dump_json(), SetAside("A reason.", "A cure."))
    world.start(**BY_TOKEN)

    def ask(role: str, method: str, path: str, body: Any = None) -> Answer:
        return world.api(method, path, body, sign_in=signed_in(world, role))

    def replayed(who: str, access: str) -> list[int]:
        given = {"items": [{"object_id": who, "access": access}]}
        assert ask(ADMIN, "PUT", "/connections/fabrikam/grants", given).status == 200
        return [ask(OPERATOR, "POST", f"/set-aside/{key}/replay").status for key in keys]

    keys = [each["key"] for each in ask(ADMIN, "GET", "/set-aside").json()["items"]]
    assert len(keys) == 3
    assert replayed(OTHER, "modify") == [404] * 3
    assert ask(OPERATOR, "GET", "/set-aside").json()["items"] == []
    assert ask(OPERATOR, "GET", "/health").json()["set_aside"] == 0
    assert replayed(PERSON, "read") == [403] * 3
    assert len(ask(OPERATOR, "GET", "/set-aside").json()["items"]) == 3
    assert replayed(PERSON, "modify") == [202] * 3


@pytest.mark.requirement("CONN-11")
@pytest.mark.parametrize("access", ["", "read"])
def test_nobody_reaches_a_tenant_by_what_the_app_proves_by_itself(desk: Desk, access: str) -> None:
    """The app's identity opens whatever registration trusts it: to name that of others is not enough to get in."""
    connector = "Deskbridge.Connector"
    twin = {"name": "Twin", "tenant_id": TENANT.upper(), "client_id": CLIENT, "managed_identity": True}
    desk.give(*((PERSON, access),) * bool(access), (OTHER, "modify"))
    for proof in ({}, {"managed_identity": False, "vault_certificate": "fabrikam-graph"}):
        refused = desk.ask(connector, "POST", "/connections", {**twin, **proof})
        assert refused.status == 403
        assert "fabrikam" not in refused.body.decode().lower()
    assert desk.ask(connector, "POST", "/connections", {**twin, "client_id": OTHER}).status == 201
    assert desk.ask(ADMIN, "POST", "/connections", twin).status == 201
    own = {**twin, "managed_identity": False, "client_secret": CLIENT_SECRET}
    assert desk.ask(connector, "POST", "/connections", own).status == 201, "who has its secret needs nothing of ours"


def test_work_of_which_nobody_knows_what_it_concerns_is_shown_to_who_sees_everything(desk: Desk) -> None:
    for text in ("no json", "[]", "{}", '{"mailbox_id": null}'):
        set_aside.keep_text(desk.world.rt, "mailbox-sync", text, SetAside("A reason.", "A cure."))
    assert len(desk.ask(OPERATOR, "GET", "/set-aside").json()["items"]) == 6
    desk.give((OTHER, "modify"))
    assert desk.kept(OPERATOR).keys() == {desk.ours}
    assert len(desk.ask(ADMIN, "GET", "/set-aside").json()["items"]) == 6


@pytest.mark.requirement("CONN-11", "OPS-6")
def test_grants_are_listed_replaced_and_recorded(desk: Desk) -> None:
    path = "/connections/fabrikam/grants"
    assert desk.ask(ADMIN, "GET", path).json() == {"items": []}
    desk.give((PERSON.upper(), "read"))
    assert desk.ask(ADMIN, "GET", path).json() == {"items": [{"object_id": PERSON, "access": "read", "name": ""}]}
    [newest] = desk.ask(ADMIN, "GET", "/audit?target=fabrikam&limit=1").json()["items"]
    assert (newest["what"], newest["before"]["items"]) == ("connection.granted", [])
    assert [each["object_id"] for each in newest["after"]["items"]] == [PERSON]
    desk.give()
    assert desk.ask(READER, "GET", "/connections/fabrikam").status == 200
    assert desk.ask(ADMIN, "PUT", "/connections/nowhere/grants", {"items": []}).status == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"object_id": "grace@contoso.com", "access": "read"},
        {"object_id": PERSON, "access": "owner"},
        {"object_id": PERSON},
        {"object_id": PERSON, "access": "read", "role": "Deskbridge.Admin"},
    ],
)
def test_a_wrong_grant_is_refused(desk: Desk, wrong: dict[str, str]) -> None:
    for items in ([wrong], [wrong] * 201):
        assert desk.ask(ADMIN, "PUT", "/connections/fabrikam/grants", {"items": items}).status == 422
    twice = [{"object_id": PERSON, "access": access} for access in ("read", "modify")]
    assert desk.ask(ADMIN, "PUT", "/connections/fabrikam/grants", {"items": twice}).status == 422
    assert desk.ask(ADMIN, "GET", "/connections/fabrikam/grants").json() == {"items": []}
