"""What lies in one key vault: secrets with their versions, of which the newest answers for the name, and deleted ones.

https://learn.microsoft.com/en-us/azure/key-vault/secrets/about-secrets
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from dev.graph.wire import Json

if TYPE_CHECKING:
    from dev.graph.clock import Clock

type VaultRole = Literal["Key Vault Secrets User", "Key Vault Secrets Officer"]
"""https://learn.microsoft.com/en-us/azure/key-vault/general/rbac-guide: a user reads, an officer also writes."""

KEPT_DAYS = 90
"""Days for which a deleted secret can be had back.
https://learn.microsoft.com/en-us/azure/key-vault/general/soft-delete-overview"""


class VaultRefusal(Exception):
    """An answer that refuses; ``inner``: the more exact code that Key Vault adds to some."""

    def __init__(self, status: int, code: str, message: str, inner: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.inner = status, code, message, inner
        self.headers: dict[str, str] = {}


@dataclass
class Version:
    """One value of a secret. ``of_certificate``: Key Vault made it, for the certificate of the same name."""

    name: str
    id: str
    value: str
    created: datetime
    updated: datetime
    content_type: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    enabled: bool = True
    of_certificate: bool = False

    def bundle(self, origin: str, *, with_value: bool) -> Json:
        """As the REST API shows it."""
        attributes = {
            "enabled": self.enabled,
            "created": int(self.created.timestamp()),
            "updated": int(self.updated.timestamp()),
            "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": KEPT_DAYS,
        }
        shown: Json = {"id": f"{origin}/secrets/{self.name}/{self.id}", "attributes": attributes}
        shown |= {"value": self.value} if with_value else {}
        shown |= {"contentType": self.content_type} if self.content_type else {}
        shown |= {"tags": self.tags} if self.tags else {}
        return shown | ({"managed": True} if self.of_certificate else {})


class Vault:
    """One vault of a tenant; names do not tell capitals from small letters."""

    def __init__(self, tenant_id: str, clock: Clock) -> None:
        self.tenant_id = tenant_id
        self.roles: dict[str, VaultRole] = {}
        self._clock = clock
        self._present: dict[str, list[Version]] = {}
        self._deleted: dict[str, list[Version]] = {}
        self._lock = threading.Lock()

    def put(self, name: str, value: str, content_type: str = "", tags: dict[str, str] | None = None) -> Version:
        """Another version of a secret."""
        with self._lock:
            if name.lower() in self._deleted:
                words = f"Secret {name} is currently in a deleted but recoverable state, and its name cannot be reused."
                raise VaultRefusal(409, "Conflict", words, "ObjectIsDeletedButRecoverable")
            now = self._clock.now()
            made = Version(name, secrets.token_hex(16), value, now, now, content_type, dict(tags or {}))
            self._present.setdefault(name.lower(), []).append(made)
            return made

    def put_certificate(self, name: str, value: str, content_type: str) -> Version:
        """A certificate is made or renewed: its key and itself are to be had as the secret of its name.

        https://learn.microsoft.com/en-us/azure/key-vault/certificates/about-certificates#composition-of-a-certificate
        """
        made = self.put(name, value, content_type)
        made.of_certificate = True
        return made

    def find(self, name: str, version: str = "") -> Version:
        """A version, or the newest; refused where there is none."""
        with self._lock:
            there = self._present.get(name.lower(), [])
            found = next((each for each in reversed(there) if not version or each.id == version), None)
        if found is None:
            words = f"A secret with (name/id) {name}{'/' if version else ''}{version} was not found in this key vault."
            raise VaultRefusal(404, "SecretNotFound", words)
        return found

    def read(self, name: str, version: str = "") -> Version:
        """The same, where its value may be read: of a disabled version it may not."""
        found = self.find(name, version)
        if not found.enabled:
            words = "Operation get is not allowed on a disabled secret."
            raise VaultRefusal(403, "Forbidden", words, "SecretDisabled")
        return found

    def change(self, name: str, version: str, *, enabled: bool | None) -> Version:
        """Change the attributes of a version."""
        found = self.find(name, version)
        found.enabled = found.enabled if enabled is None else enabled
        found.updated = self._clock.now()
        return found

    def delete(self, name: str) -> None:
        """Somebody deletes a secret with all its versions; for some months it can be had back."""
        with self._lock:
            self._deleted[name.lower()] = self._present.pop(name.lower())

    def recover(self, name: str) -> None:
        """Somebody has it back."""
        with self._lock:
            self._present[name.lower()] = self._deleted.pop(name.lower())

    def names(self) -> list[str]:
        """The names of all secrets that are not deleted."""
        with self._lock:
            return sorted(versions[0].name for versions in self._present.values())

    def versions(self, name: str) -> list[Version]:
        """All versions of a secret, the newest last."""
        with self._lock:
            return list(self._present.get(name.lower(), []))
