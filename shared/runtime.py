"""The composition root: everything that the features work with, built here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

from shared import log, settings
from shared.clock import Clock
from shared.sealing import Keys
from shared.storage import account

if TYPE_CHECKING:
    import requests

    from shared.graph.access_tokens import AccessTokens
    from shared.graph.client import GraphClients
    from shared.outgoing import Outgoing
    from shared.settings import Settings
    from shared.storage.blobs import Blobs
    from shared.storage.queues import Queues
    from shared.storage.tables import Tables
    from shared.storage.vault import Vault


@dataclass(frozen=True)
class Runtime:
    """One process's view of the world; storage and Graph are opened when first asked for.

    ``http`` carries all traffic to Microsoft Graph, Entra, Key Vault and those who take alerts, ``transport`` all to
    Azure Storage; left out, each makes its own.
    """

    settings: Settings
    clock: Clock = field(default_factory=Clock)
    http: requests.Session | None = None
    transport: Any = None
    memory: dict[str, Any] = field(default_factory=dict)
    """What this process remembers from one piece of work to the next, by the name of who remembers it."""

    @cached_property
    def keys(self) -> Keys:
        """What signs and seals."""
        found = self.settings
        return Keys(found.secret_key.get_secret_value(), found.former_secret_key.get_secret_value())

    @cached_property
    def queues(self) -> Queues:
        """The storage queues."""
        return account.open_queues(self.settings, self.transport)

    @cached_property
    def tables(self) -> Tables:
        """The storage tables."""
        return account.open_tables(self.settings, self.transport)

    @cached_property
    def blobs(self) -> Blobs:
        """The blob container."""
        return account.open_blobs(self.settings, self.transport)

    @cached_property
    def vault(self) -> Vault | None:
        """The key vault that secrets live in; None where none is configured."""
        return account.open_vault(self.settings, self.http)

    @cached_property
    def graph(self) -> GraphClients:
        """Microsoft Graph, one client a connection."""
        from shared.graph.client import GraphClients  # noqa: PLC0415 - requests and msal are not for the webhook

        return GraphClients(
            self.clock,
            http=self.http,
            local_cloud_url=self.settings.local_cloud_url,
            identity=self.settings.identity_client_id,
        )

    @cached_property
    def outgoing(self) -> Outgoing:
        """What posts to addresses that an admin has set."""
        from shared.outgoing import Outgoing  # noqa: PLC0415 - requests is not for the webhook

        return Outgoing(self.http)

    @cached_property
    def admin_tokens(self) -> AccessTokens:
        """What checks the access tokens that callers of the admin API send."""
        from shared.graph.access_tokens import AccessTokens  # noqa: PLC0415 - jwt and requests only where tokens come
        from shared.graph.clouds import get_cloud  # noqa: PLC0415 - the same

        found = self.settings
        authority = get_cloud(found.admin_cloud, found.local_cloud_url).authority
        who = {"tenant_id": found.admin_tenant_id, "audience": found.admin_client_id}
        return AccessTokens(authority, **who, clock=self.clock, http=self.http)


_lock = Lock()
_current: Runtime | None = None


def current() -> Runtime:
    """The runtime of this process, made from its settings at the first call; raises Misconfigured."""
    global _current  # noqa: PLW0603 - one runtime a process is the point
    with _lock:
        if _current is None:
            found = settings.current()
            log.set_level(found.log_level)
            _current = Runtime(found)
        return _current


def use(runtime: Runtime | None) -> None:
    """Put another runtime in place: for local runs and tests, which bring their own clock and transports."""
    global _current  # noqa: PLW0603 - the same
    with _lock:
        _current = runtime
