"""Ids as Exchange makes them: long, base64url, case-sensitive, and meaningless to whoever holds one.

A message has two: the REST id, which names the place where it lies and therefore changes with every move, and the
immutable id, which stays (https://learn.microsoft.com/en-us/graph/outlook-immutable-id).
"""

import hashlib
import re
import uuid
from base64 import b64encode, urlsafe_b64encode

_SHAPE = re.compile(r"(AAMk|AAkA)[A-Za-z0-9_-]{50,250}={0,2}")
_NAMESPACE = uuid.UUID("6f0d1c1e-8a5b-4f62-9d1c-0d8f4f5f9a41")
WELL_KNOWN_FOLDERS = frozenset({  # https://learn.microsoft.com/en-us/graph/api/resources/mailfolder
    "archive", "clutter", "conflicts", "conversationhistory", "deleteditems", "drafts", "inbox", "junkemail",
    "localfailures", "msgfolderroot", "outbox", "recoverableitemsdeletions", "scheduled", "searchfolders", "sentitems",
    "serverfailures", "syncissues",
})  # fmt: skip


def user_id(tenant_id: str, address: str) -> str:
    """The object id of a user: the same in every run, so that a recording can be compared with the next one."""
    return str(uuid.uuid5(_NAMESPACE, f"{tenant_id}/{address.lower()}"))


def rest_id(mailbox_id: str, serial: int) -> str:
    """152 characters, the last one `=`."""
    return _id(b"\x00\x03\x24" + _drawn(mailbox_id, "mailbox", 33) + _drawn(mailbox_id, f"item {serial}", 77))


def immutable_id(mailbox_id: str, serial: int) -> str:
    """68 characters."""
    return _id(b"\x00\x09\x00\x2e\x00\x00\x00\x00\x00" + _drawn(mailbox_id, f"immutable {serial}", 42))


def folder_id(mailbox_id: str, serial: int) -> str:
    """120 characters, the last one `=`; a folder has no other id than this."""
    return _id(b"\x00\x03\x24" + _drawn(mailbox_id, "mailbox", 33) + _drawn(mailbox_id, f"folder {serial}", 53))


def conversation_id(mailbox_id: str, topic: str) -> str:
    """Mails of one topic share it, related or not (https://github.com/microsoftgraph/microsoft-graph-docs/issues/869)."""
    return _id(b"\x00\x04\x24" + _drawn(mailbox_id, "mailbox", 33) + _drawn(mailbox_id, f"topic {topic}", 19))


def change_key(mailbox_id: str, serial: int, changes: int) -> str:
    """The version of an item, different after every change."""
    head = b"\x09\x00\x00\x00\x16\x00\x00\x00" + _drawn(mailbox_id, "change", 16)
    return b64encode(head + serial.to_bytes(4) + changes.to_bytes(4)).decode()


def is_well_formed(key: str) -> bool:
    """Whether this looks like the id of an item or a folder at all."""
    return bool(_SHAPE.fullmatch(key))


def _drawn(mailbox_id: str, what: str, length: int) -> bytes:
    return hashlib.shake_128(f"{mailbox_id}/{what}".encode()).digest(length)


def _id(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode()
