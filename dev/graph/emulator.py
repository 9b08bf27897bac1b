"""The emulator as tests and the local run use it: the things that administrators and people do to a tenant."""

from datetime import datetime
from pathlib import Path

from dev.graph import identifiers
from dev.graph.authorizing import Person
from dev.graph.clock import Clock
from dev.graph.control import PREFIX, control
from dev.graph.directory.population import populate
from dev.graph.directory.state import Directory
from dev.graph.faults import Faults
from dev.graph.gateway import Gateway
from dev.graph.mailboxes import StoredMessage
from dev.graph.notifications import Send, lifecycle_item
from dev.graph.recording import Statistics
from dev.graph.resource_units import ResourceUnits
from dev.graph.subscribing import precise
from dev.graph.subscriptions import Subscription
from dev.graph.vault_secrets import Vault, VaultRole
from dev.graph.wire import Json, Request, Response
from dev.graph.world import DEFAULT_ROLES, App, User

LIFECYCLE_EVENTS = ("reauthorizationRequired", "subscriptionRemoved", "missed")


class Emulator:
    """Microsoft Graph and Entra in one object. `send` is how calls to the app leave; by default over HTTP.

    `send(url, headers, body)` answers with status and text, and with headers as a third value if it wants the content
    type of a validation to be checked.
    """

    def __init__(self, send: Send | None = None) -> None:
        self.gateway = Gateway(send)

    def handle(self, request: Request) -> Response:
        """Answer one request as Graph or Entra would, or do what the control plane is asked for."""
        if request.path.startswith(PREFIX):
            return control(self, request).finished()
        return self.gateway.handle(request)

    def reset(self) -> None:
        """Everything as it was at the start."""
        self.gateway.reset()

    # ---- administrators
    def add_app(
        self,
        tenant_id: str,
        client_id: str,
        secret: str,
        roles: tuple[str, ...] = DEFAULT_ROLES,
        *,
        secret_expires: datetime | None = None,
        mailboxes: tuple[str, ...] | None = None,
        certificates: tuple[str, ...] = (),
        redirect_uris: tuple[str, ...] = (),
        scopes: tuple[str, ...] = (),
    ) -> App:
        """Register an app with consent for `roles`; `mailboxes` limits its mail as Exchange RBAC does.

        `certificates` are the public ones that it may prove itself with, in PEM.
        """
        scope = None if mailboxes is None else frozenset(address.lower() for address in mailboxes)
        app = App(client_id, secret, tuple(roles), secret_expires, scope, tuple(certificates))
        app.redirect_uris, app.scopes = frozenset(redirect_uris), frozenset(scopes)
        self.gateway.world.ensure_tenant(tenant_id).apps[client_id.lower()] = app
        return app

    def place_tenant(self, tenant_id: str, cloud: str) -> None:
        """Which of Microsoft's clouds a tenant lives in; one that was not placed is in whichever is asked for it."""
        self.gateway.world.ensure_tenant(tenant_id).cloud = cloud

    def add_identity(self, tenant_id: str, client_id: str, *, trusted_by: App | None = None) -> None:
        """A managed identity of the machine that the app runs on; `trusted_by`: a federated credential of that app."""
        principal = identifiers.user_id(tenant_id, client_id)
        identity = self.gateway.entra.proofs.add_identity(tenant_id, client_id, principal)
        if trusted_by is not None:
            trusted_by.federated |= {identity}

    def change_roles(self, tenant_id: str, client_id: str, *roles: str) -> None:
        """What an app is granted from now on. Tokens that say otherwise are refused, so that it asks for new ones."""
        self.gateway.world.ensure_tenant(tenant_id).apps[client_id.lower()].roles = roles
        self.expire_tokens()

    def add_vault(self, host: str, tenant_id: str) -> Vault:
        """A key vault of a tenant, such as `desk.vault.azure.net`; nobody has a role on it."""
        return self.gateway.vaults.add(host, tenant_id)

    def assign(self, vault: Vault, client_id: str, role: VaultRole | None) -> None:
        """Give a managed identity its role on a vault, or take it away."""
        vault.roles.pop(self.gateway.entra.proofs.principal_of(client_id), None)
        if role is not None:
            vault.roles[self.gateway.entra.proofs.principal_of(client_id)] = role

    def remove_app(self, tenant_id: str, client_id: str) -> None:
        """Take the registration away; its tokens fail at once."""
        self.gateway.world.ensure_tenant(tenant_id).apps.pop(client_id.lower(), None)

    def add_mailbox(self, tenant_id: str, address: str, display_name: str = "", kind: str = "user") -> User:
        """Of kind `user`, `shared`, `room`, `equipment`, `guest` or `unlicensed`; the last two have no mailbox."""
        return self.gateway.world.add_user(tenant_id, address, display_name, kind)

    def add_alias(self, address: str, alias: str) -> None:
        """Give a user's mailbox a further address, which nobody signs in with."""
        user = self.gateway.world.user_at(address)
        user.entry.values["proxyAddresses"] = [*user.entry.values["proxyAddresses"], f"smtp:{alias}"]

    def directory(self, tenant_id: str) -> Directory:
        """Users and groups of a tenant, and all that an administrator does to them."""
        return self.gateway.world.ensure_tenant(tenant_id).directory

    def populate(self, tenant_id: str, seed: int, users: int, groups: int = 40) -> Directory:
        """Fill a tenant with believable people and groups: the same number, the same tenant."""
        populate(self.directory(tenant_id), seed, users, groups)
        return self.directory(tenant_id)

    def sign(self, claims: Json) -> str:
        """A token with exactly these claims, as if Entra had issued it: for APIs other than Graph."""
        return self.gateway.entra.signer.sign(claims)

    def expire_tokens(self) -> None:
        """Every access token given out so far is refused from now on."""
        self.gateway.entra.expire_tokens()

    def expire_delta(self, address: str | None = None) -> None:
        """Every delta and skip token of a mailbox, or of all and of the directory, is answered with 410 from now on."""
        for tenant in self.gateway.world.tenants.values():
            if address is None:
                tenant.directory.expire_delta()
            for user in tenant.users.values():
                if user.mailbox and (address is None or user.address.lower() == address.lower()):
                    user.mailbox.delta_epoch += 1

    def give_access(self, mailbox: str, address: str) -> None:
        """Let a user into somebody else's mailbox."""
        world = self.gateway.world
        world.user_at(mailbox).delegates.add(world.user_at(address).id)

    def revoke_sessions(self, address: str, number: int = 50173) -> None:
        """Refuse the refresh tokens that a user's sign-ins have left so far, with this AADSTS number."""
        self.gateway.entra.granting.revoke(self.gateway.world.user_at(address), number)

    def restore_sessions(self, address: str) -> None:
        """Take that back."""
        self.gateway.entra.granting.restore(self.gateway.world.user_at(address))

    # ---- people
    def sit_down(self, address: str, *, consents: bool = True, refusal: int = 0) -> None:
        """Who signs in when a browser comes to Entra's page; `refusal`: the AADSTS number of the policy in the way."""
        self.gateway.entra.authorizing.person = Person(address, consents, refusal)

    def deliver(self, address: str, raw: bytes, folder: str = "inbox") -> str:
        """A mail arrives; the answer is its immutable id."""
        mailbox = self.gateway.world.mailbox_at(address)
        return mailbox.deliver(raw, mailbox.ensure_folder(folder)).immutable_id

    def messages(self, address: str, folder: str = "inbox") -> list[StoredMessage]:
        """What lies in a folder, oldest first; nothing if there is no such folder."""
        mailbox = self.gateway.world.mailbox_at(address)
        with mailbox.lock:
            there = mailbox.find_folder(folder)
            found = list(there.messages.values()) if there else []
        return sorted(found, key=lambda message: message.received_date_time)

    def folders(self, address: str) -> list[str]:
        """The display names of all folders that can be seen."""
        folders = list(self.gateway.world.mailbox_at(address).folders.values())
        return [folder.name for folder in folders if not folder.hidden]

    def message(self, address: str, immutable_id: str) -> StoredMessage:
        """One message wherever it lies."""
        return self.gateway.world.mailbox_at(address).message(immutable_id, immutable=True)

    def mark_read(self, address: str, immutable_id: str, read: bool = True) -> None:
        """A person reads it."""
        mailbox, message = self.gateway.world.mailbox_at(address), self.message(address, immutable_id)
        with mailbox.lock:
            if message.is_read != read:
                message.is_read = read
                mailbox.changed(message)

    def move(self, address: str, immutable_id: str, folder: str) -> None:
        """A person moves it; a folder that is not there is made."""
        mailbox = self.gateway.world.mailbox_at(address)
        mailbox.move(self.message(address, immutable_id), mailbox.ensure_folder(folder))

    def delete(self, address: str, immutable_id: str) -> None:
        """A person deletes it, into Deleted Items."""
        self.gateway.world.mailbox_at(address).delete(self.message(address, immutable_id))

    def remove_folder(self, address: str, name: str) -> None:
        """A person deletes a folder with all that is in it."""
        mailbox = self.gateway.world.mailbox_at(address)
        folder = mailbox.ensure_folder(name)
        with mailbox.lock:
            for message in list(folder.messages.values()):
                mailbox.delete_for_good(message)
            del mailbox.folders[folder.id]

    # ---- subscriptions
    def subscriptions(self) -> list[Subscription]:
        """Those that are alive."""
        return self.gateway.subscriptions.live()

    def remove_subscription(self, key: str, silently: bool = True) -> None:
        """Graph loses one; unless silently, it says so by a lifecycle notification."""
        if not silently:
            self.send_lifecycle(key, "subscriptionRemoved")
        self.gateway.subscriptions.remove(key)

    def send_lifecycle(self, key: str, event: str) -> None:
        """Send a lifecycle notification; nothing happens without a lifecycle URL."""
        if event not in LIFECYCLE_EVENTS:
            raise ValueError(event)
        found = self.gateway.subscriptions.find(key)
        if found is None:
            raise KeyError(key)
        if found.lifecycle_url:
            self.gateway.dispatcher.put(found.lifecycle_url, lifecycle_item(found, event, precise(found.expires)))

    def settle(self, timeout: float = 5) -> bool:
        """Wait until the notifications that are due have been delivered; False if that took too long."""
        return self.gateway.dispatcher.settle(timeout)

    # ---- the test bench
    @property
    def clock(self) -> Clock:
        """The emulator's time."""
        return self.gateway.clock

    @property
    def faults(self) -> Faults:
        """What is set to go wrong."""
        return self.gateway.faults

    @property
    def exchanges(self) -> list[Json]:
        """Every exchange so far, in the contract checker's form."""
        return self.gateway.recorder.exchanges

    @property
    def recording(self) -> bool:
        """Whether exchanges are kept; benchmarks switch it off."""
        return self.gateway.recorder.on

    @recording.setter
    def recording(self, on: bool) -> None:
        self.gateway.recorder.on = on

    @property
    def statistics(self) -> Statistics:
        """What has been counted."""
        return self.gateway.recorder.counted

    def write_exchanges(self, path: str | Path) -> None:
        """All exchanges as JSON lines."""
        self.gateway.recorder.write(Path(path))

    def raise_request_limit(self, requests_per_ten_minutes: int) -> None:
        """More than 10,000 requests in ten minutes, for a load test; four at a time stay four."""
        self.gateway.throttle.requests_per_window = requests_per_ten_minutes

    @property
    def units(self) -> ResourceUnits:
        """What apps spend on the directory; set `generosity` for a load test."""
        return self.gateway.units

    def close(self) -> None:
        """Forget the notifications that have not been sent."""
        self.gateway.dispatcher.clear()
