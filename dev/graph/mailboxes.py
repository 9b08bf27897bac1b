"""The state of one mailbox: folders, messages, and the log of every change, which delta rounds are read from."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from dev.graph import identifiers
from dev.graph.clock import Clock
from dev.graph.mime_reading import Content, Headers, read_content, read_headers, with_message_id
from dev.graph.wire import GraphError, Json

_TREE = (  # (well-known name, display name, hidden)
    ("archive", "Archive", False),
    ("conversationhistory", "Conversation History", False),
    ("deleteditems", "Deleted Items", False),
    ("drafts", "Drafts", False),
    ("inbox", "Inbox", False),
    ("junkemail", "Junk Email", False),
    ("outbox", "Outbox", False),
    ("sentitems", "Sent Items", False),
    ("recoverableitemsdeletions", "Deletions", True),
)
_BODY_KEPT_BELOW = 65_536


class StoredMessage:
    """One message in one folder. The MIME bytes are kept once and read only when somebody asks."""

    def __init__(self, mailbox_id: str, serial: int, raw: bytes, received: datetime, folder_id: str) -> None:
        self._mailbox_id, self.serial = mailbox_id, serial
        self.raw, self.internet_message_id = with_message_id(raw)
        self.immutable_id = identifiers.immutable_id(mailbox_id, serial)
        self.rest_id = identifiers.rest_id(mailbox_id, serial)
        self.folder_id = folder_id
        self.received_date_time = self.created = self.modified = received
        self.is_read = self.is_draft = False
        self.categories: list[str] = []
        self.flag: Json = {"flagStatus": "notFlagged"}
        self.importance_set: str | None = None
        self.inference = "focused"
        self.changes = 0

    @cached_property
    def headers(self) -> Headers:
        """What the head of the mail says."""
        return read_headers(self.raw)

    @property
    def content(self) -> Content:
        """Body, and whether there are attachments; kept only if the body is small."""
        if "_content" not in self.__dict__:
            found = read_content(self.raw)
            if len(found.text) + len(found.html) > _BODY_KEPT_BELOW:
                return found
            self._content = found
        return self._content

    @cached_property
    def summary(self) -> tuple[str, bool]:
        """The preview of the body, and whether there are attachments."""
        content = self.content
        return content.preview, content.has_attachments

    @property
    def subject(self) -> str:
        """The subject as Exchange shows it."""
        return self.headers.subject

    @property
    def conversation_id(self) -> str:
        """By topic, as Exchange does."""
        return identifiers.conversation_id(self._mailbox_id, self.headers.topic)

    @property
    def change_key(self) -> str:
        """Different after every change."""
        return identifiers.change_key(self._mailbox_id, self.serial, self.changes)

    @property
    def etag(self) -> str:
        """The weak entity tag that Graph writes into JSON."""
        return f'W/"{self.change_key}"'

    def id(self, immutable: bool) -> str:
        """The id in the form that the request asked for."""
        return self.immutable_id if immutable else self.rest_id


@dataclass(frozen=True)
class Change:
    """One line of a folder's log: a message came, changed, or left."""

    kind: str
    folder_id: str
    message: StoredMessage
    rest_id: str


@dataclass
class Folder:
    """One folder with its messages (by immutable id) and its log."""

    id: str
    name: str
    parent_id: str
    well_known: str = ""
    hidden: bool = False
    messages: dict[str, StoredMessage] = field(default_factory=dict)
    log: list[Change] = field(default_factory=list)

    @property
    def unread(self) -> int:
        """How many messages nobody has read."""
        return sum(not message.is_read for message in self.messages.values())


class Mailbox:
    """One mailbox; hold `lock` while reading or changing more than one thing."""

    def __init__(
        self, mailbox_id: str, address: str, clock: Clock, on_change: Callable[["Mailbox", Change], None]
    ) -> None:
        self.id, self.address = mailbox_id, address
        self.lock = threading.RLock()
        self.delta_epoch = 0
        self._clock, self._on_change = clock, on_change
        self._serial = 0
        self._latest = clock.now()
        self._by_rest: dict[str, StoredMessage] = {}
        self._by_immutable: dict[str, StoredMessage] = {}
        self.folders: dict[str, Folder] = {}
        self.root = self._put_folder("Top of Information Store", "", "msgfolderroot", hidden=True)
        for well_known, name, hidden in _TREE:
            self._put_folder(name, self.root.id, well_known, hidden=hidden)

    # ---- folders
    def folder(self, key: str) -> Folder:
        """By id or by well-known name; refused as Graph refuses."""
        found = self.folders.get(key) or self._well_known(key)
        if found:
            return found
        if not identifiers.is_well_formed(key) and key.lower() not in identifiers.WELL_KNOWN_FOLDERS:
            raise GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")
        raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")

    def find_folder(self, name: str) -> Folder | None:
        """For people and tests: by well-known name, id or display name."""
        for folder in list(self.folders.values()):
            if name in (folder.id, folder.well_known) or name.lower() == folder.name.lower():
                return folder
        return None

    def ensure_folder(self, name: str) -> Folder:
        """The same, and a name that is new makes a folder."""
        with self.lock:
            return self.find_folder(name) or self.create_folder(self.root, name)

    def children(self, parent: Folder, *, with_hidden: bool = False) -> list[Folder]:
        """The folders directly below one, by name."""
        below = [f for f in self.folders.values() if f.parent_id == parent.id and (with_hidden or not f.hidden)]
        return sorted(below, key=lambda folder: folder.name.lower())

    def create_folder(self, parent: Folder, name: str, *, hidden: bool = False) -> Folder:
        """A new folder; a name that is taken, in any case, is refused."""
        with self.lock:
            if any(f.name.lower() == name.lower() for f in self.children(parent, with_hidden=True)):
                raise GraphError(409, "ErrorFolderExists", "A folder with the specified name already exists.")
            return self._put_folder(name, parent.id, hidden=hidden)

    def _well_known(self, key: str) -> Folder | None:
        name = key.lower()
        return next((f for f in self.folders.values() if f.well_known == name), None) if name else None

    def _put_folder(self, name: str, parent_id: str, well_known: str = "", *, hidden: bool = False) -> Folder:
        key = identifiers.folder_id(self.id, len(self.folders))
        self.folders[key] = Folder(key, name, parent_id, well_known, hidden)
        return self.folders[key]

    # ---- messages
    def messages(self) -> list[StoredMessage]:
        """Every message outside the recoverable items."""
        return [m for f in self.folders.values() if not f.hidden for m in f.messages.values()]

    def message(self, key: str, *, immutable: bool) -> StoredMessage:
        """By the kind of id that the request prefers; the other kind is not found."""
        found = (self._by_immutable if immutable else self._by_rest).get(key)
        if found:
            return found
        if not identifiers.is_well_formed(key):
            raise GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")
        raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")

    def deliver(self, raw: bytes, folder: Folder) -> StoredMessage:
        """A mail arrives; no two arrive at the same moment."""
        with self.lock:
            self._latest = max(self._clock.now(), self._latest + timedelta(microseconds=1))
            message = StoredMessage(self.id, self._next_serial(), raw, self._latest, folder.id)
            self._file(message, folder)
            return message

    def changed(self, message: StoredMessage) -> None:
        """Write down that something about this message has been changed."""
        with self.lock:
            message.changes += 1
            message.modified = self._clock.now()
            self._log("updated", message, message.folder_id)

    def move(self, message: StoredMessage, target: Folder) -> StoredMessage:
        """Into another folder: a new REST id, the same immutable id."""
        with self.lock:
            self._take_out(message)
            message.rest_id = identifiers.rest_id(self.id, self._next_serial())
            message.folder_id = target.id
            message.changes += 1
            message.modified = self._clock.now()
            self._file(message, target)
            return message

    def copy(self, message: StoredMessage, target: Folder) -> StoredMessage:
        """A second message with the same content, read or not as the first."""
        with self.lock:
            twin = StoredMessage(self.id, self._next_serial(), message.raw, message.received_date_time, target.id)
            twin.is_read, twin.categories = message.is_read, list(message.categories)
            twin.created = twin.modified = self._clock.now()
            self._file(twin, target)
            return twin

    def delete(self, message: StoredMessage) -> None:
        """To Deleted Items; from there to the recoverable items; from there nobody can delete it this way."""
        with self.lock:
            here = self.folders[message.folder_id].well_known
            if here == "recoverableitemsdeletions":
                raise GraphError(403, "ErrorCannotDeleteObject", "Object cannot be deleted.")
            self.move(message, self.folder("recoverableitemsdeletions" if here == "deleteditems" else "deleteditems"))

    def delete_for_good(self, message: StoredMessage) -> None:
        """Out of the mailbox."""
        with self.lock:
            self._take_out(message)
            del self._by_immutable[message.immutable_id]

    def _file(self, message: StoredMessage, folder: Folder) -> None:
        folder.messages[message.immutable_id] = message
        self._by_rest[message.rest_id] = message
        self._by_immutable[message.immutable_id] = message
        self._log("created", message, folder.id)

    def _take_out(self, message: StoredMessage) -> None:
        del self.folders[message.folder_id].messages[message.immutable_id]
        del self._by_rest[message.rest_id]
        self._log("deleted", message, message.folder_id)

    def _log(self, kind: str, message: StoredMessage, folder_id: str) -> None:
        change = Change(kind, folder_id, message, message.rest_id)
        self.folders[folder_id].log.append(change)
        self._on_change(self, change)

    def _next_serial(self) -> int:
        self._serial += 1
        return self._serial
