"""The ``clientState`` of a subscription: whose it is, with our signature, so that no look-up is needed to believe it.

Graph sends it back with each notification; who does not know it cannot knock in somebody's name.
https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks
"""

from shared.sealing import Keys

_SIGNATURE_LENGTH = 40


def make(keys: Keys, mailbox_id: str) -> str:
    """At most 128 characters, as Graph takes: the mailbox, a dot, 160 bits of signature."""
    return f"{mailbox_id}.{_shown(keys.sign('client-state', mailbox_id))}"


def read(keys: Keys, client_state: object) -> str | None:
    """The mailbox that a genuine ``clientState`` names, else None; compared in constant time."""
    if not isinstance(client_state, str) or not client_state.isascii():
        return None
    mailbox_id, _, signature = client_state.rpartition(".")
    genuine = keys.is_genuine("client-state", mailbox_id, signature, _shown)
    return mailbox_id if genuine and mailbox_id else None


def _shown(signature: bytes) -> str:
    return signature.hex()[:_SIGNATURE_LENGTH]
