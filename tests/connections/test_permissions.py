"""What each feature needs, compared with what a token grants."""

from __future__ import annotations

import base64
import json

import pytest

from shared.connections.permissions import PERMISSIONS, Kind, compare
from shared.graph.grants import find_grants


def standings(features: set[str], kind: Kind, *granted: str) -> dict[str, str]:
    return {line.permission: line.standing for line in compare(features, kind, frozenset(granted))}


@pytest.mark.requirement("CONN-6")
@pytest.mark.parametrize(
    ("features", "kind", "granted", "expected"),
    [
        ({"mail-send"}, "application", ["Mail.Send"], {"Mail.Send": "granted"}),
        ({"mail-send"}, "delegated", [], {"Mail.Send": "missing", "Mail.Send.Shared": "missing"}),
        ({"mail"}, "application", [], {"Mail.ReadWrite": "undecided", "User.Read.All": "missing"}),
        (
            {"mail"},
            "delegated",
            ["openid", "profile", "offline_access", "User.Read", "Mail.ReadWrite"],
            {
                "Mail.ReadWrite": "granted",
                "Mail.ReadWrite.Shared": "missing",
                "User.Read.All": "missing",
                "User.Read": "not-needed",
            },
        ),
        (
            {"directory"},
            "delegated",
            ["User.Read.All", "Group.Read.All", "offline_access"],
            {"User.Read.All": "granted", "GroupMember.Read.All": "granted"},
        ),
        (
            {"directory"},
            "application",
            ["Directory.Read.All"],
            {"User.Read.All": "granted", "GroupMember.Read.All": "granted", "MailboxSettings.Read": "missing"},
        ),
        (
            {"directory"},
            "application",
            ["User.Read.All", "GroupMember.Read.All", "MailboxSettings.ReadWrite", "Directory.ReadWrite.All"],
            {
                "User.Read.All": "granted",
                "GroupMember.Read.All": "granted",
                "MailboxSettings.Read": "granted",
                "Directory.ReadWrite.All": "not-needed",
            },
        ),
        (
            {"calendar", "own-account"},
            "delegated",
            ["profile", "Calendars.ReadWrite", "User.Read", "Mail.Read"],
            {
                "Calendars.ReadWrite": "granted",
                "MailboxSettings.Read": "missing",
                "User.Read": "granted",
                "Mail.Read": "not-needed",
            },
        ),
        (set(), "application", ["Mail.Send"], {"Mail.Send": "not-needed"}),
    ],
)
def test_the_checklist(features: set[str], kind: Kind, granted: list[str], expected: dict[str, str]) -> None:
    assert standings(features, kind, *granted) == expected


@pytest.mark.requirement("CONN-6")
def test_each_feature_has_something_mandatory_and_each_permission_its_source() -> None:
    features = {each.feature for each in PERMISSIONS}
    assert features == {each.feature for each in PERMISSIONS if each.mandatory}
    for each in PERMISSIONS:
        assert each.purpose.endswith(".")
        assert each.source.startswith("https://learn.microsoft.com/")


def token(claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"header.{payload}.signature"


@pytest.mark.requirement("CONN-6")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (token({"roles": ["Mail.Send", "User.Read.All"]}), {"Mail.Send", "User.Read.All"}),
        (token({"scp": "Mail.ReadWrite openid"}), {"Mail.ReadWrite", "openid"}),
        (token({}), set()),
        (token({"roles": "Mail.Send", "scp": 7}), set()),
        (token({"roles": ["Mail.Send", 7, None]}), {"Mail.Send"}),
        (token([]), None),
        ("opaque", None),
        ("a.b.c", None),
        ("a.####.c", None),
        ("", None),
    ],
)
def test_what_a_token_says_of_itself(given: str, expected: set[str] | None) -> None:
    assert find_grants(given) == expected
