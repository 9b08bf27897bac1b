"""Users: who raises tickets. Found by mail address, made by hand, by a directory, or by a mail from somebody unknown.

A user is one row; another one by the digest of their address holds the little that a mail needs to know of them, so
that a known sender costs no second look.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from shared.desk import PARTITION, TABLE, keeping
from shared.desk.belonging import Held, Seat
from shared.desk.columns import columns, named_texts, texts, things
from shared.desk.findable import Findable
from shared.desk.keeping import Guard, Kind
from shared.runtime import Runtime
from shared.storage.keys import digest
from shared.storage.rows import fill
from shared.storage.tables import Change, Row

DetailName = Literal[
    "first_name",
    "last_name",
    "title",
    "department",
    "company",
    "phone",
    "mobile",
    "fax",
    "office",
    "street",
    "city",
    "state",
    "postal_code",
    "country",
    "language",
    "employee_number",
    "login",
    "user_type",
]
DETAILS: tuple[DetailName, ...] = DetailName.__args__  # type: ignore[attr-defined]  # a Literal has its values there
"""What may be known of a user or an agent besides; anything else needs a custom field."""

Former = Literal["drop", "keep", "not_theirs"]
"""What becomes of the address that a user had: nobody's; another address of theirs; it is somebody else's by now."""

_NAMESPACE = uuid.UUID("5f0a1d0e-8f6a-4f6e-9a38-3f3f8d1c6b11")
_REMEMBERED_SECONDS = 300
_REMEMBERED_UNKNOWN_SECONDS = 10
_MOST_REMEMBERED = 5_000


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who raises tickets.

    ``site``: the id of a site; ``source``: what made them known (``mail``, ``hand``, or the id of a connection);
    ``details``: by the names in DETAILS; ``custom``: by the names of custom fields; ``manager``: the id of a user;
    ``kept_active``: no directory makes them inactive; ``origin``: the record of an outside directory that they are,
    ``connection/object id``; ``deactivated_by``: ``hand`` or the id of a connection. Times are ISO 8601 in UTC.
    """

    user_id: str
    name: str
    address: str
    site: str = ""
    active: bool = True
    source: str = "mail"
    created_at: str = ""
    details: dict[str, str] = field(default_factory=dict)
    custom: dict[str, str] = field(default_factory=dict)
    manager: str = ""
    roles: tuple[Held, ...] = ()
    seats: tuple[Seat, ...] = ()
    licenses: tuple[str, ...] = ()
    kept_active: bool = False
    origin: str = ""
    deactivated_by: str = ""
    last_sign_in: str = ""


def of(row: Row) -> User:
    """The user that a row holds."""
    return fill(
        User,
        row,
        details=named_texts(row, "details"),
        custom=named_texts(row, "custom"),
        roles=things(Held, row, "roles"),
        seats=things(Seat, row, "seats"),
        licenses=texts(row, "licenses"),
    )


def find_user(rt: Runtime, user_id: str) -> User | None:
    """The user of this id, or None."""
    return keeping.find(rt, KIND, user_id)


def get_user(rt: Runtime, user_id: str) -> User:
    """The user of this id; raises NotFound."""
    return keeping.get(rt, KIND, user_id)


def iter_users(rt: Runtime) -> Iterator[User]:
    """All users, by id, fetched as they are taken."""
    return keeping.iter_all(rt, KIND)


def find_by_address(rt: Runtime, address: str) -> User | None:
    """The user with this mail address, remembered for minutes; None where nobody has it, remembered for seconds.

    Only what the row of the address tells of them: id, name, address, site, and whether they are active.
    """
    memory = _memory(rt)
    known = memory.get(address.lower())
    if known and known[1] > rt.clock.steady():
        return known[0]
    user = look_up(rt, address)
    if user is None:
        if memory.get(address.lower()) is known:  # nobody made the user meanwhile
            _remember(rt, address.lower(), None, _REMEMBERED_UNKNOWN_SECONDS)
        return None
    _remember(rt, address.lower(), user, _REMEMBERED_SECONDS)
    return user


def look_up(rt: Runtime, address: str) -> User | None:
    """The same, as it is at this moment: nothing is remembered."""
    owner = rt.tables[TABLE].find(PARTITION, address_key(address))
    return None if owner is None else _owner_of(rt, owner, address.lower())


def _owner_of(rt: Runtime, owner: Row, address: str) -> User:
    """Whom the row of an address names; of a further address of theirs it tells the id alone."""
    user_id = owner["user_id"]
    user = find_user(rt, user_id) if owner.get("further") else None
    if user:
        return User(user_id, user.name, user.address, user.site, user.active)
    return User(user_id, owner.get("name", ""), address, owner.get("site", ""), owner.get("active", True))


def new_user(name: str, address: str, created_at: str, *, site: str = "") -> User:
    """A user made from a mail's sender; the same address always gives the same id."""
    user_id = str(uuid.uuid5(_NAMESPACE, address.lower()))
    shown = name or address.split("@", maxsplit=1)[0]
    return User(user_id, shown, address.lower(), site, created_at=created_at)


def insertion(user: User) -> list[Change]:
    """The rows that make a user known, to go into the transaction of what made them known.

    Refused (RowExists) where somebody has the address already.
    """
    own = Change("upsert", keeping.row_of(KIND, user))
    return [*([Change("insert", _owner_row(user))] if user.address else []), own]


def changes(before: User | None, after: User, *, former: Former = "drop", etag: str = "") -> list[Change]:
    """The rows that make ``before`` into ``after``: none where they are equal, two at most while the address stays.

    For many users at once, by whoever knows all of them: another's address is taken without asking. ``former``: what
    becomes of an address that they leave; ``etag``: the version that ``before`` was read at, so that what people
    changed since is not lost (RowChanged). A new user's address is refused (RowExists) where somebody has it already.
    """
    if before is None:
        return insertion(after)
    if before == after:
        return []
    changed = [keeping.replacement(KIND, after, etag)]
    if after.address and _guards(before) != _guards(after):
        changed.append(Change("upsert", _owner_row(after)))
    left = before.address and before.address.lower() != after.address.lower()
    return [*changed, *_leaving(before, former)] if left else changed


def _leaving(user: User, former: Former) -> list[Change]:
    key = address_key(user.address)
    match former:
        case "drop":
            return [Change("delete", Row(PARTITION, key))]
        case "keep":
            return [Change("upsert", Row(PARTITION, key, {"user_id": user.user_id, "further": True}))]
        case "not_theirs":
            return []


def remember(rt: Runtime, user: User) -> None:
    """Spare the next mail of this user the look-up."""
    _remember(rt, user.address, user, _REMEMBERED_SECONDS)


def _remember(rt: Runtime, address: str, user: User | None, seconds: float) -> None:
    memory = _memory(rt)
    if len(memory) >= _MOST_REMEMBERED:
        memory.clear()
    memory[address] = (user, rt.clock.steady() + seconds)


def forget(rt: Runtime) -> None:
    """Look everybody up again: what was remembered turned out to be wrong, or was changed."""
    _memory(rt).clear()


def address_key(address: str) -> str:
    """The key of the row that says whose address this is."""
    return f"e~{digest(address.lower())}"


def _guards(user: User) -> dict[str, Guard]:
    if not user.address:
        return {}
    told = {"name": user.name, "site": user.site, "active": user.active, "further": False}
    return {address_key(user.address): Guard("address", user.address, told)}


def _owner_row(user: User) -> Row:
    [(key, guard)] = _guards(user).items()
    return Row(PARTITION, key, {"user_id": user.user_id, **guard.values})


def findable(user: User) -> Findable:
    """What users are found by, by its names in rules of matching; ``origin`` says whose they are."""
    custom = {f"custom.{name}": value for name, value in user.custom.items()}
    return {"name": user.name, "address": user.address, "origin": user.origin, **user.details, **custom}


def _memory(rt: Runtime) -> dict[str, tuple[User | None, float]]:
    memory: dict[str, tuple[User | None, float]] = rt.memory.setdefault("desk.people", {})
    return memory


KIND = Kind("user", "u~", columns, of, lambda each: each.user_id, _guards, "user_id", findable, forget)
