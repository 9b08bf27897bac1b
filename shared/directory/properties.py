"""The properties of an Entra user that may be used, how they are asked for, and which of them delta watches.

https://learn.microsoft.com/en-us/graph/api/resources/user
https://learn.microsoft.com/en-us/graph/delta-query-overview
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from shared.directory.rules import BoardMapping, Group, RoleMapping, Rules, TeamMapping

_USER = "https://learn.microsoft.com/en-us/graph/api/resources/user"
_EXTENSIONS = "https://learn.microsoft.com/en-us/graph/api/resources/onpremisesextensionattributes"
_MANAGER = "https://learn.microsoft.com/en-us/graph/delta-query-overview#optional-query-parameters"
_NOT_WATCHED = "https://github.com/microsoftgraph/microsoft-graph-docs/issues/16690"


@dataclass(frozen=True, slots=True)
class Property:
    """A property by the name that rules use. ``select``: what is asked of Graph for it.

    ``watched``: whether a change of it alone makes the person appear in the next delta round.
    """

    name: str
    select: str
    watched: bool = True
    source: str = _USER


# fmt: off
_PLAIN = (
    "id", "displayName", "givenName", "surname", "mail", "userPrincipalName", "mailNickname", "otherMails",
    "proxyAddresses", "accountEnabled", "userType", "creationType", "externalUserState", "jobTitle",
    "department", "companyName", "employeeId", "employeeType", "officeLocation", "streetAddress", "city",
    "state", "postalCode", "country", "usageLocation", "preferredLanguage", "businessPhones", "mobilePhone",
    "faxNumber", "assignedLicenses", "onPremisesSamAccountName", "onPremisesImmutableId",
    "onPremisesSyncEnabled", "createdDateTime", "isResourceAccount",
)
# fmt: on
# One part of the extension attributes cannot be selected, only all of them.
_PARTS = [f"onPremisesExtensionAttributes.extensionAttribute{number}" for number in range(1, 16)]

PROPERTIES: dict[str, Property] = {
    **{name: Property(name, name) for name in _PLAIN},
    **{name: Property(name, name.partition(".")[0], source=_EXTENSIONS) for name in _PARTS},
    "manager": Property("manager", "manager", source=_MANAGER),
    "licenseAssignmentStates": Property(
        "licenseAssignmentStates", "licenseAssignmentStates", watched=False, source=_NOT_WATCHED
    ),
}
"""All that Graph keeps in its main store and lists for many users at once; what lies elsewhere (``aboutMe``,
``skills``, ``mailboxSettings``, ``signInActivity``) neither comes with them nor is watched."""

BASE = (
    "id",
    "displayName",
    "mail",
    "userPrincipalName",
    "accountEnabled",
    "userType",
    "creationType",
    "externalUserState",
    "assignedLicenses",
    "isResourceAccount",
    "manager",
)
"""What every plan looks at, whatever the rules are."""


@dataclass(frozen=True, slots=True)
class Unwatched:
    """A property in use that delta does not watch: its changes come along when something else changes."""

    name: str
    used_in: tuple[str, ...]


def selected(rules: Rules) -> tuple[str, ...]:
    """What to ``$select`` of each user, in order of the alphabet: all that is known, or what is in use."""
    names = PROPERTIES if rules.sync_method == "all" else {*BASE, *uses(rules)}
    return tuple(sorted({PROPERTIES[name].select for name in names if name in PROPERTIES}))


def unwatched(rules: Rules) -> list[Unwatched]:
    """The properties in use that delta does not watch, each with the places where it is used."""
    return [
        Unwatched(name, tuple(places))
        for name, places in sorted(uses(rules).items())
        if name in PROPERTIES and not PROPERTIES[name].watched
    ]


def uses(rules: Rules) -> dict[str, list[str]]:
    """Each property that the rules name, with the places where they do."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, place in _places(rules):
        found[name].append(place)
    return dict(found)


def _places(rules: Rules) -> Iterator[tuple[str, str]]:
    for kind, fields in (("user", rules.user_fields), ("agent", rules.agent_fields)):
        for each in fields:
            yield each.source, f"the {kind} field {each.target}"
    for mapping in rules.site_mappings:
        if mapping.kind == "organization" and mapping.field:
            yield mapping.field, f"the names of sites in {mapping.title()}"
        for criterion in mapping.criteria:
            yield criterion.field, f"a criterion of {mapping.title()}"


def groups_in_use(rules: Rules) -> dict[str, Group]:
    """The groups that the rules name, by their ids."""
    return {group.id: group for group, _ in _groups(rules)}


def uses_transitive(rules: Rules) -> bool:
    """Whether membership through nested groups counts anywhere."""
    return any(transitive for _, transitive in _groups(rules))


def _groups(rules: Rules) -> Iterator[tuple[Group, bool]]:
    for mapping in rules.site_mappings:
        if mapping.group is not None:
            yield mapping.group, mapping.transitive
    given: tuple[RoleMapping | TeamMapping | BoardMapping, ...]
    given = (*rules.agent_roles, *rules.user_roles, *rules.teams, *rules.boards)
    for each in given:
        yield each.group, each.transitive
