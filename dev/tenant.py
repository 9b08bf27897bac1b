"""The Microsoft 365 tenant that a local run is connected to, and the control plane of the emulator that holds it."""

from pathlib import Path
from typing import Any

import requests

TENANT = "11111111-1111-4111-8111-111111111111"
CLIENT = "22222222-2222-4222-8222-222222222222"
CLIENT_SECRET = "a-secret-of-the-emulator-only"  # noqa: S105 - it opens nothing but the emulator on this machine
SUPPORT = "support@contoso.example"
_SECONDS = 120


class TenantError(RuntimeError):
    """The emulator refused, or is not there."""


class ControlPlane:
    """What people and postmen do to the emulated tenant, from another process. `authority`: the CA file to trust."""

    def __init__(self, url: str, authority: Path) -> None:
        self._base = f"{url}/_control/"
        self._session = requests.Session()
        self._session.trust_env = False  # neither a proxy nor a CA file of the environment fits the emulator
        self._session.verify = str(authority)

    def add_mailbox(self, address: str) -> None:
        """A shared mailbox, unless there is one of this address."""
        if self._knows(address):
            return
        mailbox = {"address": address, "display_name": address.partition("@")[0], "kind": "shared"}
        self._call("POST", "seed", json={"tenants": [{"id": TENANT, "mailboxes": [mailbox]}]})

    def deliver(self, address: str, raw: bytes) -> Any:
        """A mail arrives; returns `id` (immutable) and `receivedDateTime` among others."""
        return self._call("POST", "deliver", params={"address": address}, data=raw)

    def _knows(self, address: str) -> bool:
        return self._send("GET", "folders", params={"address": address}).ok

    def _call(self, method: str, action: str, **given: Any) -> Any:
        answer = self._send(method, action, **given)
        if not answer.ok:
            raise TenantError(f"The Graph emulator refused {action}: {answer.text[:300]}")
        return answer.json()

    def _send(self, method: str, action: str, **given: Any) -> requests.Response:
        try:
            return self._session.request(method, self._base + action, timeout=_SECONDS, **given)
        except requests.RequestException as error:
            raise TenantError(f"The Graph emulator at {self._base} does not answer: {error}") from error
