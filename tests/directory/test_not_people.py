"""S13: guests and accounts that are no people, in every combination of what Entra says of them."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from shared.directory.not_people import find_other_kind, is_external, is_let_in
from shared.directory.persons import Person
from shared.directory.reasons import Reason
from shared.directory.rules import External
from tests.directory.examples import Desk, person, rules, to_site

LICENSED = [{"skuId": "spe_e5"}]
USER_TYPES = ("Member", "Guest", None)
CREATION_TYPES = (None, "Invitation", "SelfServiceSignUp", "EmailVerified", "LocalAccount")
STATES = (None, "PendingAcceptance", "Accepted")
LICENSES: tuple[list[dict[str, str]], ...] = ([], LICENSED)
KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"isResourceAccount": True},
    {"mailboxSettings": {"userPurpose": "shared"}},
    {"mailboxSettings": {"userPurpose": "room"}},
    {"mailboxSettings": {"userPurpose": "equipment"}},
    {"mailboxSettings": {"userPurpose": "user"}},
    {"mailboxSettings": {"userPurpose": "linked"}},
    {"mailboxSettings": {"userPurpose": "others"}},
    {"@odata.type": "#microsoft.graph.agentUser"},
)
MATRIX = list(product(USER_TYPES, CREATION_TYPES, STATES, LICENSES, KINDS, (True, False)))


def somebody(case: tuple[Any, ...]) -> Person:
    user_type, creation_type, state, licenses, kind, enabled = case
    return person(
        "ada",
        userType=user_type,
        creationType=creation_type,
        externalUserState=state,
        assignedLicenses=licenses,
        accountEnabled=enabled,
        **kind,
    )


@pytest.mark.requirement("DIR-3")
@pytest.mark.parametrize("external", ["no", "all", "licensed"])
def test_s13_who_comes_in_of_all_that_entra_can_say(external: External) -> None:
    """Said a second time in the words of the story, and compared over the whole matrix."""
    asked = rules(to_site(external=external))
    for case in MATRIX:
        user_type, creation_type, state, licenses, kind, enabled = case
        from_outside = user_type == "Guest" or creation_type in {"Invitation", "SelfServiceSignUp"} or state
        welcome = not from_outside or external == "all" or (external == "licensed" and licenses)
        is_person = not kind or kind.get("mailboxSettings", {}).get("userPurpose") in {"user", "linked", "others"}
        entry = Desk().one(asked, somebody(case))
        assert (entry.outcome == "create") == bool(welcome and is_person and enabled), case
        assert entry.outcome in {"create", "skip"}, case
        if not is_person:
            assert entry.reason in {Reason.RESOURCE, Reason.MAILBOX, Reason.AI_AGENT}, case
        elif not welcome:
            assert entry.reason is Reason.EXTERNAL, case
        elif not enabled:
            assert entry.reason is Reason.BLOCKED, case


@pytest.mark.requirement("DIR-3")
@pytest.mark.parametrize(
    ("told", "external"),
    [
        ({"userType": "Guest"}, True),
        ({"userType": "Member", "creationType": "Invitation"}, True),  # a guest whom somebody made a member
        ({"userType": "Member", "externalUserState": "Accepted"}, True),
        ({"userPrincipalName": "ada_fabrikam.com#EXT#@contoso.onmicrosoft.com"}, True),
        ({"userType": "Member", "creationType": "EmailVerified"}, False),
        ({"userType": None}, False),
        ({"userType": "guest"}, True),
    ],
)
def test_s13_each_sign_alone_tells_an_outsider(told: dict[str, Any], external: bool) -> None:
    who = person("ada", **told)
    assert is_external(who) is external
    assert is_let_in(who, "no") is not external
    assert is_let_in(who, "all")
    assert is_let_in(person("ada", assignedLicenses=LICENSED, **told), "licensed")


@pytest.mark.requirement("DIR-3")
@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"@odata.type": "#microsoft.graph.agentUser"}, Reason.AI_AGENT),
        ({"@odata.type": "#microsoft.graph.user"}, None),
        ({"isResourceAccount": True}, Reason.RESOURCE),
        ({"isResourceAccount": False}, None),
        ({"mailboxSettings": {"userPurpose": "Room"}}, Reason.MAILBOX),
        ({"mailboxSettings": {"userPurpose": "linked"}}, None),
        ({}, None),
    ],
)
def test_what_is_no_person(told: dict[str, Any], reason: Reason | None) -> None:
    assert find_other_kind(person("ada", **told)) is reason


@pytest.mark.requirement("DIR-3")
def test_whoever_wants_them_has_them() -> None:
    entry = Desk().one(rules(people_only=False), person("room-1", isResourceAccount=True))
    assert entry.outcome == "create"


@pytest.mark.requirement("DIR-8")
def test_a_guest_who_is_made_a_member_is_not_altered() -> None:
    """The mapping leaves outsiders out: a user who is one stays as they are, whatever Entra calls them now."""
    desk = Desk()
    desk.one(rules(to_site(external="all")), person("ada", userType="Guest", creationType="Invitation"))
    before = desk.user("ada")
    later = person("ada", userType="Member", creationType="Invitation", department="Engines")
    entry = desk.one(rules(to_site(external="no")), later)
    assert (entry.outcome, entry.reason, entry.changes) == ("unchanged", Reason.EXTERNAL, ())
    assert desk.user("ada") == before
