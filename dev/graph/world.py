"""Tenants with their app registrations, users and mailboxes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from dev.graph.clock import Clock
from dev.graph.directory.entries import Entry
from dev.graph.directory.state import Directory
from dev.graph.mailboxes import Change, Mailbox
from dev.graph.wire import GraphError, Json

DEFAULT_ROLES = ("Mail.ReadWrite", "Mail.Send", "User.Read.All")


@dataclass
class App:
    """An app registration with the application permissions that an administrator consented to.

    `mailboxes` plays RBAC for Applications in Exchange: mail is then granted for these addresses only, and the token
    shows no `Mail.*` role (https://learn.microsoft.com/en-us/exchange/permissions-exo/application-rbac).
    `certificates` are public ones in PEM, `federated` the pairs of issuer and subject whose tokens are trusted.
    `redirect_uris`: where people may be sent back to after they signed in (platform *Web*); `scopes`: what an
    administrator granted for everybody; `consents`: what users granted for themselves, by their ids.
    """

    client_id: str
    secret: str
    roles: tuple[str, ...] = DEFAULT_ROLES
    secret_expires: datetime | None = None
    mailboxes: frozenset[str] | None = None
    certificates: tuple[str, ...] = ()
    federated: frozenset[tuple[str, str]] = frozenset()
    redirect_uris: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    consents: dict[str, set[str]] = field(default_factory=dict)


NOBODYS = ("shared", "room", "equipment")
"""Kinds of mailboxes that nobody signs in to: Exchange blocks their accounts when it makes them.
https://learn.microsoft.com/en-us/microsoft-365/admin/email/about-shared-mailboxes"""


@dataclass
class User:
    """A user of the directory as mail and sign-in see them; `mailbox` is None for a guest or an unlicensed user.

    `delegates`: ids of the users who were given access to the whole mailbox.
    """

    entry: Entry
    kind: str
    mailbox: Mailbox | None = None
    delegates: set[str] = field(default_factory=set)

    @property
    def id(self) -> str:
        """The object id."""
        return self.entry.id

    @property
    def address(self) -> str:
        """The user principal name, under which people sign in."""
        return self.entry.name

    @property
    def display_name(self) -> str:
        """The name that people read."""
        return str(self.entry.values["displayName"])


@dataclass
class Tenant:
    """One organization; `people_consent`: whether its users may consent to what an app asks of them.

    `cloud`: in which of Microsoft's it lives (`hosts.INSTANCES`), or empty for wherever it is asked for.
    `users` are those that mail or sign-in had to do with; all there are is for the directory to say.
    """

    id: str
    directory: Directory
    domain: str = ""
    apps: dict[str, App] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    people_consent: bool = True
    cloud: str = ""

    def find_user(self, key: str) -> User | None:
        """By object id or user principal name, in any case."""
        entry = self.directory.find_user(key)
        if entry is None:
            return None
        kind = "guest" if entry.values.get("userType") == "Guest" else "unlicensed"
        return self.users.setdefault(entry.id, User(entry, kind))

    def mailbox(self, key: str) -> Mailbox:
        """The mailbox of a user, refused as Exchange refuses."""
        user = self.find_user(key)
        if user is None:
            raise GraphError(404, "ErrorInvalidUser", f"The requested user '{key}' is invalid.")
        if user.mailbox is None:
            raise GraphError(
                404,
                "MailboxNotEnabledForRESTAPI",
                "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
            )
        return user.mailbox


class World:
    """Every tenant there is."""

    def __init__(self, clock: Clock, on_change: Callable[[Mailbox, Change], None]) -> None:
        self.clock = clock
        self.tenants: dict[str, Tenant] = {}
        self._on_change = on_change

    def tenant(self, key: str) -> Tenant | None:
        """By id or by the domain of its addresses."""
        low = key.lower()
        return self.tenants.get(low) or next((t for t in self.tenants.values() if t.domain and t.domain == low), None)

    def ensure_tenant(self, tenant_id: str) -> Tenant:
        """The tenant of this id, made if it is new."""
        return self.tenants.setdefault(
            tenant_id.lower(), Tenant(tenant_id.lower(), Directory(tenant_id.lower(), self.clock))
        )

    def add_user(self, tenant_id: str, address: str, display_name: str, kind: str) -> User:
        """A user, or one that the directory has; every kind but `guest` and `unlicensed` gets a mailbox."""
        tenant = self.ensure_tenant(tenant_id)
        tenant.domain = tenant.domain or address.rpartition("@")[2].lower()
        entry = tenant.directory.find_user(address)
        if entry is None:
            entry = tenant.directory.add_user(address, **_first_properties(address, display_name, kind))
        has_mailbox = kind not in ("guest", "unlicensed")
        mailbox = Mailbox(entry.id, address, self.clock, self._on_change) if has_mailbox else None
        tenant.users[entry.id] = User(entry, kind, mailbox)
        return tenant.users[entry.id]

    def user_at(self, address: str) -> User:
        """The user with this address or id, in any tenant; KeyError if there is none."""
        found = next((user for tenant in self.tenants.values() if (user := tenant.find_user(address))), None)
        if found is None:
            raise KeyError(address)
        return found

    def mailbox_at(self, address: str) -> Mailbox:
        """The mailbox with this address, in any tenant; KeyError if there is none."""
        mailbox = self.user_at(address).mailbox
        if mailbox is None:
            raise KeyError(address)
        return mailbox

    def tenant_of(self, mailbox: Mailbox) -> Tenant:
        """The tenant that a mailbox belongs to."""
        return next(tenant for tenant in self.tenants.values() if mailbox.id in tenant.users)


def _first_properties(address: str, display_name: str, kind: str) -> Json:
    """What the directory knows of somebody who was added with a mailbox."""
    known: Json = {"displayName": display_name or address, "accountEnabled": kind not in NOBODYS}
    known["userType"] = "Guest" if kind == "guest" else "Member"
    if kind == "user":
        given, _, surname = (display_name or address).partition(" ")
        known |= {"givenName": given, **({"surname": surname} if surname else {})}
    if kind not in ("guest", "unlicensed"):
        known["proxyAddresses"] = [f"SMTP:{address}"]
    return known
