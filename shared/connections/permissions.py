"""Which permissions of Microsoft Graph each feature needs, and how a connection's compare with what was granted.

https://learn.microsoft.com/en-us/graph/permissions-reference
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

Feature = Literal[
    "mail",
    "mail-send",
    "alert-mail",
    "directory",
    "calendar",
    "contacts",
    "licenses",
    "sign-ins",
    "followers",
    "own-account",
]
Kind = Literal["application", "delegated"]
Standing = Literal["granted", "missing", "undecided", "not-needed"]
"""``undecided``: not in the token, but Exchange may have granted it all the same; then only a probe can tell."""

_REFERENCE = "https://learn.microsoft.com/en-us/graph/permissions-reference"
_SCOPE_PAGE = "https://learn.microsoft.com/en-us/exchange/permissions-exo/application-rbac"

SIGNING_IN = frozenset({"openid", "profile", "email", "offline_access"})
"""What every sign-in of an account brings along: no permission to any data.
https://learn.microsoft.com/en-us/entra/identity-platform/scopes-oidc"""


@dataclass(frozen=True, slots=True)
class Permission:
    """A permission that a feature needs. ``covered_by``: broader ones that do as well; ``kinds``: ways to sign in.

    ``by_exchange``: Exchange can grant it for some mailboxes only, past the token (RBAC for Applications).
    """

    name: str
    feature: Feature
    purpose: str
    mandatory: bool = True
    kinds: tuple[Kind, ...] = ("application", "delegated")
    covered_by: tuple[str, ...] = ()
    by_exchange: bool = False
    source: str = _REFERENCE


MAILBOX_SETTINGS = "MailboxSettings.Read"
_DIRECTORY = ("Directory.Read.All", "Directory.ReadWrite.All")
_READ_USERS = ("User.ReadWrite.All", *_DIRECTORY)

PERMISSIONS = (
    Permission(
        "Mail.ReadWrite",
        "mail",
        "Read new mail, and move, mark or delete what became a ticket.",
        by_exchange=True,
        source=_SCOPE_PAGE,
    ),
    Permission(
        "Mail.ReadWrite.Shared",
        "mail",
        "The same in mailboxes that are shared with the account.",
        mandatory=False,
        kinds=("delegated",),
    ),
    Permission(
        "User.Read.All", "mail", "Choose mailboxes from a list.", False, ("application", "delegated"), _READ_USERS
    ),
    Permission("Mail.Send", "mail-send", "Send replies from the mailbox.", by_exchange=True, source=_SCOPE_PAGE),
    Permission(
        "Mail.Send.Shared",
        "mail-send",
        "Send from mailboxes that are shared with the account.",
        mandatory=False,
        kinds=("delegated",),
    ),
    Permission(
        "Mail.ReadWrite",
        "alert-mail",
        "Make the draft of an alert, and see whether it was sent.",
        kinds=("application",),
        by_exchange=True,
        source="https://learn.microsoft.com/en-us/graph/api/user-post-messages",
    ),
    Permission(
        "Mail.Send",
        "alert-mail",
        "Send alerts from the mailbox in ALERT_MAIL_FROM.",
        kinds=("application",),
        by_exchange=True,
        source="https://learn.microsoft.com/en-us/graph/api/message-send",
    ),
    Permission("User.Read.All", "directory", "Read people.", covered_by=_READ_USERS),
    Permission(
        "GroupMember.Read.All",
        "directory",
        "Read groups and who is in them.",
        covered_by=("Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"),
    ),
    Permission(
        MAILBOX_SETTINGS,
        "directory",
        "Keep out shared mailboxes, rooms and equipment whose sign-in is not blocked.",
        mandatory=False,
        kinds=("application",),
        covered_by=("MailboxSettings.ReadWrite",),
        source="https://learn.microsoft.com/en-us/graph/api/user-get-mailboxsettings",
    ),
    Permission(
        "Calendars.ReadWrite",
        "calendar",
        "Read and write appointments.",
        by_exchange=True,
        source=_SCOPE_PAGE,
    ),
    Permission(
        MAILBOX_SETTINGS,
        "calendar",
        "Know time zones and working hours.",
        mandatory=False,
        covered_by=("MailboxSettings.ReadWrite",),
        by_exchange=True,
        source=_SCOPE_PAGE,
    ),
    Permission(
        "Contacts.Read",
        "contacts",
        "Read the contacts of a mailbox.",
        covered_by=("Contacts.ReadWrite",),
        by_exchange=True,
        source=_SCOPE_PAGE,
    ),
    Permission(
        "User.Read",
        "own-account",
        "See whether it is the agent's own account that signed in.",
        kinds=("delegated",),
        covered_by=("User.ReadWrite", "User.Read.All", *_READ_USERS),
        source="https://learn.microsoft.com/en-us/graph/api/user-get#permissions",
    ),
    Permission(
        "AuditLog.Read.All",
        "sign-ins",
        "Read when people last signed in.",
        source="https://learn.microsoft.com/en-us/graph/api/resources/signinactivity",
    ),
    Permission(
        "GroupMember.Read.All",
        "followers",
        "Find groups, their addresses and who is in them.",
        covered_by=("Group.Read.All", "Group.ReadWrite.All", *_DIRECTORY),
        source="https://learn.microsoft.com/en-us/graph/api/group-list-transitivemembers",
    ),
    Permission(
        "User.ReadBasic.All",
        "followers",
        "Read the addresses of members.",
        covered_by=("User.Read.All", *_READ_USERS),
    ),
    Permission(
        "LicenseAssignment.ReadWrite.All",
        "licenses",
        "See which licenses there are, give them and take them back.",
        covered_by=("Directory.ReadWrite.All",),
        source="https://learn.microsoft.com/en-us/graph/api/user-assignlicense",
    ),
    Permission("User.Read.All", "licenses", "See who has which, and through which group.", covered_by=_READ_USERS),
    Permission(
        "Organization.Read.All",
        "licenses",
        "See which licenses there are, where none are given or taken from here.",
        mandatory=False,
        covered_by=("LicenseAssignment.ReadWrite.All", "Organization.ReadWrite.All", *_DIRECTORY),
        source="https://learn.microsoft.com/en-us/graph/api/subscribedsku-list",
    ),
    Permission(
        "User.ReadWrite.All",
        "licenses",
        "Set the usage location of who has none.",
        mandatory=False,
        covered_by=("Directory.ReadWrite.All",),
        source="https://learn.microsoft.com/en-us/graph/api/user-update",
    ),
)
"""For a desk that only sends, ``mail-send`` alone is the whole set."""


@dataclass(frozen=True, slots=True)
class Line:
    """One permission of the checklist, and how it stands. ``feature`` is empty for what nothing needs."""

    permission: str
    kind: Kind
    feature: str
    purpose: str
    mandatory: bool
    standing: Standing
    source: str


def compare(features: Collection[str], kind: Kind, granted: frozenset[str]) -> list[Line]:
    """The checklist of a connection: what its features need, how each stands, and what was granted for nothing."""
    needed = [each for each in PERMISSIONS if each.feature in features and kind in each.kinds]
    return [*(_line(each, kind, granted) for each in needed), *_not_needed(needed, kind, granted)]


def to_delegate(features: Collection[str]) -> tuple[str, ...]:
    """What an account is asked to delegate for these features: all that is mandatory, and mailboxes shared with it."""
    needed = [each for each in PERMISSIONS if each.feature in features and "delegated" in each.kinds]
    return tuple(dict.fromkeys(each.name for each in needed if each.mandatory or each.name.endswith(".Shared")))


def granted_by_exchange(features: Collection[str]) -> list[str]:
    """What these features need that Exchange can grant for some mailboxes only."""
    return list(dict.fromkeys(each.name for each in PERMISSIONS if each.by_exchange and each.feature in features))


def _line(needed: Permission, kind: Kind, granted: frozenset[str]) -> Line:
    standing: Standing = "missing"
    if granted & {needed.name, *needed.covered_by}:
        standing = "granted"
    elif needed.by_exchange and kind == "application":
        standing = "undecided"
    return Line(needed.name, kind, needed.feature, needed.purpose, needed.mandatory, standing, needed.source)


def _not_needed(needed: Collection[Permission], kind: Kind, granted: frozenset[str]) -> Iterator[Line]:
    """Whatever is granted and serves no feature; a broader permission serves if the narrow one was not granted."""
    serving = {name for each in needed for name in _serving(each, granted)}
    for name in sorted(granted - serving - SIGNING_IN):
        yield Line(
            name, kind, "", "Nothing that is switched on uses it: take it away.", False, "not-needed", _REFERENCE
        )


def _serving(needed: Permission, granted: frozenset[str]) -> Collection[str]:
    return {needed.name} if needed.name in granted else granted & {*needed.covered_by}
