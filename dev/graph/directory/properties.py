"""What users and groups have: the properties, their types, which come by default, which a filter may name.

https://learn.microsoft.com/en-us/graph/api/resources/user and https://learn.microsoft.com/en-us/graph/api/resources/group
"""

from dataclasses import dataclass, field

_TEXT, _FLAG, _MOMENT, _LIST, _OBJECT = "string", "boolean", "moment", "list", "object"


@dataclass(frozen=True)
class Kind:
    """One kind of object. `relation` is the navigation that its delta tracks; `foreign` lies outside the main store."""

    name: str
    collection: str
    relation: str
    properties: dict[str, str]
    default: tuple[str, ...]
    unfiltered: frozenset[str] = frozenset()
    untracked: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()
    filterable: dict[str, str] = field(init=False)
    blanks: dict[str, object] = field(init=False)

    def __post_init__(self) -> None:
        plain = (_TEXT, _FLAG, _MOMENT)
        named = {n: t for n, t in self.properties.items() if t in plain and n not in self.unfiltered}
        object.__setattr__(self, "filterable", named)
        blanks: dict[str, object] = {n: [] if t == _LIST else None for n, t in self.properties.items()}
        object.__setattr__(self, "blanks", blanks)


SIGN_IN = "signInActivity"

USER = Kind(
    "user",
    "users",
    "manager",
    {
        **dict.fromkeys(
            (
                "id", "displayName", "givenName", "surname", "mail", "userPrincipalName", "mailNickname", "userType",
                "creationType", "externalUserState", "jobTitle", "department", "companyName", "employeeId",
                "employeeType", "officeLocation", "streetAddress", "city", "state", "postalCode", "country",
                "usageLocation", "preferredLanguage", "mobilePhone", "faxNumber", "onPremisesSamAccountName",
                "onPremisesImmutableId", "securityIdentifier",
            ),
            _TEXT,
        ),
        **dict.fromkeys(("accountEnabled", "isResourceAccount", "onPremisesSyncEnabled"), _FLAG),
        **dict.fromkeys(("createdDateTime", "deletedDateTime"), _MOMENT),
        **dict.fromkeys(
            ("businessPhones", "otherMails", "proxyAddresses", "assignedLicenses", "licenseAssignmentStates"), _LIST
        ),
        **dict.fromkeys(("onPremisesExtensionAttributes", SIGN_IN), _OBJECT),
    },
    (
        "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation",
        "preferredLanguage", "surname", "userPrincipalName", "id",
    ),
    unfiltered=frozenset({"isResourceAccount", "deletedDateTime", "securityIdentifier"}),
    # https://learn.microsoft.com/en-us/graph/api/user-delta says so of licenseAssignmentStates
    untracked=frozenset({"licenseAssignmentStates", "deletedDateTime"}),
    # https://learn.microsoft.com/en-us/graph/api/user-list: only of a single user, in a list they are answered with 501
    foreign=frozenset(
        {
            "aboutMe", "birthday", "hireDate", "interests", "mySite", "pastProjects", "preferredName",
            "responsibilities", "schools", "skills", "mailboxSettings",
        }
    ),
)  # fmt: skip

GROUP = Kind(
    "group",
    "groups",
    "members",
    {
        **dict.fromkeys(("id", "displayName", "mail", "mailNickname", "description", "visibility"), _TEXT),
        **dict.fromkeys(("mailEnabled", "securityEnabled", "onPremisesSyncEnabled"), _FLAG),
        **dict.fromkeys(("createdDateTime", "deletedDateTime"), _MOMENT),
        **dict.fromkeys(("groupTypes", "proxyAddresses", "assignedLicenses"), _LIST),
    },
    (
        "id", "deletedDateTime", "createdDateTime", "description", "displayName", "groupTypes", "mail", "mailEnabled",
        "mailNickname", "onPremisesSyncEnabled", "proxyAddresses", "securityEnabled", "visibility",
    ),
    untracked=frozenset({"deletedDateTime"}),
)  # fmt: skip

KINDS = {kind.name: kind for kind in (USER, GROUP)}

BASIC = frozenset({"id", "displayName", "givenName", "surname", "mail", "userPrincipalName", "securityIdentifier"})
"""All that User.ReadBasic.All shows, https://learn.microsoft.com/en-us/graph/permissions-reference#userreadbasicall."""
