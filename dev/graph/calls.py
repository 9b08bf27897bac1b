"""One Graph request with everything that its operation needs to know, and the table of operations."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from dev.graph.entra import Claims
from dev.graph.faults import Kind
from dev.graph.mailboxes import Mailbox
from dev.graph.message_shapes import View
from dev.graph.wire import GraphError, Json, Request, Response
from dev.graph.world import App, Tenant

if TYPE_CHECKING:
    from dev.graph.gateway import Gateway

MAIL_READ = ("Mail.Read", "Mail.ReadWrite")
MAIL_WRITE = ("Mail.ReadWrite",)
MAIL_SEND = ("Mail.Send",)
DIRECTORY_READ = ("Directory.Read.All", "Directory.ReadWrite.All")
USERS_READ = ("User.Read.All", "User.ReadWrite.All", *DIRECTORY_READ)
GROUPS_READ = ("Group.Read.All", "Group.ReadWrite.All", *DIRECTORY_READ)
MEMBERS_READ = ("GroupMember.Read.All", "GroupMember.ReadWrite.All", *GROUPS_READ)
OWN_READ = ("User.Read", "User.ReadWrite")
_OUTLOOK = ("/mailFolders", "/messages", "/calendars", "/mailboxSettings")


@dataclass
class Call:
    """A request of a known app, matched to an operation; `keys` are the parts of the path that the template names.

    `afterwards`: what it leads to outside of its mailbox, which is locked until then.
    `told`: headers that go with the answer, whatever it says.
    """

    gateway: "Gateway"
    request: Request
    claims: Claims
    app: App
    tenant: Tenant
    keys: dict[str, str]
    found_mailbox: Mailbox | None = None
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    view: View = field(init=False)

    def __post_init__(self) -> None:
        wishes = self.request.preferences()
        immutable = wishes.get("idtype", "").lower() == "immutableid"
        self.view = View(immutable, wishes.get("outlook.body-content-type", "").lower() == "text")
        self.wishes = wishes

    @property
    def mailbox(self) -> Mailbox:
        """The mailbox that the path names; only for operations of Outlook."""
        if self.found_mailbox is None:
            raise AssertionError("this operation has no mailbox")
        return self.found_mailbox

    def strikes(self, kind: Kind) -> bool:
        """Whether a fault of this kind is set for this request and strikes now."""
        request = self.request
        target = f"{request.path}?{request.query}"
        who = f"{self.found_mailbox.address} {self.found_mailbox.id}" if self.found_mailbox else ""
        return self.gateway.faults.strike(kind, request.method, target, who) is not None

    def context(self, tail: str) -> str:
        """The absolute `@odata.context` of an answer."""
        return f"{self.request.origin}/v1.0/$metadata#{tail}"

    def user_context(self, tail: str) -> str:
        """The part of the context that names the mailbox's user."""
        return f"users('{quote(self.keys['user'], safe='')}')/{tail}"

    def answer(self, status: int, body: Json | None = None) -> Response:
        """A JSON answer that says which preferences were met."""
        met = []
        if self.view.immutable and self.found_mailbox is not None:
            met.append('IdType="ImmutableId"')
        if self.view.text_body and self.found_mailbox is not None:
            met.append('outlook.body-content-type="text"')
        return Response(status, body, headers={"Preference-Applied": ", ".join(met)} if met else {})


@dataclass(frozen=True)
class Operation:
    """What Graph does at one method and path. `roles`: any one of them is enough; `own_roles`: so is any one of these
    where a person asks for what is theirs.

    `units`: what a request to the directory costs to begin with, in resource units; 0 for what is not the directory.
    """

    method: str
    template: str
    run: Callable[[Call], Response]
    roles: tuple[str, ...] = ()
    own_roles: tuple[str, ...] = ()
    units: int = 0

    @property
    def name(self) -> str:
        """For the statistics."""
        return f"{self.method} {self.template}"

    @property
    def of_outlook(self) -> bool:
        """Whether it works in a mailbox, whose limits then apply."""
        return any(part in self.template for part in _OUTLOOK)


class Operations:
    """Finds the operation for a request."""

    def __init__(self, operations: list[Operation]) -> None:
        self._by_length: dict[int, list[tuple[list[str], Operation]]] = {}
        for operation in operations:
            parts = operation.template.split("/")
            self._by_length.setdefault(len(parts), []).append((parts, operation))

    def find(self, method: str, segments: list[str]) -> tuple[Operation, dict[str, str]]:
        """The operation and the keys of its path; an unknown path and a method that is not offered are refused."""
        offered = False
        for parts, operation in self._by_length.get(len(segments), []):
            keys = _match(parts, segments)
            if keys is not None and operation.method == method:
                return operation, keys
            offered = offered or keys is not None
        if offered:
            raise GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
        raise GraphError(400, "BadRequest", f"Resource not found for the segment '{segments[-1] if segments else ''}'.")


def _plain(segment: str) -> str:
    """`microsoft.graph.delta()` and `delta()` are `delta`."""
    return segment.removeprefix("microsoft.graph.").removesuffix("()")


def _match(parts: list[str], segments: list[str]) -> dict[str, str] | None:
    keys: dict[str, str] = {}
    for part, segment in zip(parts, segments, strict=True):
        if part.startswith("{"):
            if not _plain(segment):
                return None
            keys[part[1:-1]] = _plain(segment)
        elif part.lower() not in (segment.lower(), _plain(segment).lower()):
            return None
    return keys
