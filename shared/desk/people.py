"""Users: who raises tickets. Found by mail address, made when a mail comes from somebody unknown."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass

from shared.desk import PARTITION, TABLE
from shared.runtime import Runtime
from shared.storage.keys import digest
from shared.storage.tables import Change, Row

_NAMESPACE = uuid.UUID("5f0a1d0e-8f6a-4f6e-9a38-3f3f8d1c6b11")
_REMEMBERED_SECONDS = 300
_REMEMBERED_UNKNOWN_SECONDS = 10
_MOST_REMEMBERED = 5_000


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who raises tickets. ``source``: what made them known, so far always ``mail``."""

    user_id: str
    name: str
    address: str
    site: str = ""
    active: bool = True
    source: str = "mail"
    created_at: str = ""


def find_by_address(rt: Runtime, address: str) -> User | None:
    """The user with this mail address, remembered for minutes; None where nobody has it, remembered for seconds."""
    memory = _memory(rt)
    known = memory.get(address.lower())
    if known and known[1] > rt.clock.steady():
        return known[0]
    owner = rt.tables[TABLE].find(PARTITION, address_key(address))
    if owner is None:
        if memory.get(address.lower()) is known:  # nobody made the user meanwhile
            _remember(rt, address.lower(), None, _REMEMBERED_UNKNOWN_SECONDS)
        return None
    user = User(owner["user_id"], owner.get("name", ""), address.lower(), owner.get("site", ""))
    remember(rt, user)
    return user


def new_user(name: str, address: str, created_at: str) -> User:
    """A user made from a mail's sender; the same address always gives the same id."""
    user_id = str(uuid.uuid5(_NAMESPACE, address.lower()))
    return User(user_id, name or address.split("@", maxsplit=1)[0], address.lower(), created_at=created_at)


def insertion(user: User) -> list[Change]:
    """The rows that make a user known, to go into the transaction of what made them known."""
    owner = {"user_id": user.user_id, "name": user.name, "site": user.site}
    return [
        Change("insert", Row(PARTITION, address_key(user.address), owner)),
        Change("upsert", Row(PARTITION, f"u~{user.user_id}", asdict(user))),
    ]


def remember(rt: Runtime, user: User) -> None:
    """Spare the next mail of this user the look-up."""
    _remember(rt, user.address, user, _REMEMBERED_SECONDS)


def _remember(rt: Runtime, address: str, user: User | None, seconds: float) -> None:
    memory = _memory(rt)
    if len(memory) >= _MOST_REMEMBERED:
        memory.clear()
    memory[address] = (user, rt.clock.steady() + seconds)


def forget(rt: Runtime) -> None:
    """Look everybody up again: what was remembered turned out to be wrong."""
    _memory(rt).clear()


def address_key(address: str) -> str:
    """The key of the row that says whose address this is."""
    return f"e~{digest(address.lower())}"


def _memory(rt: Runtime) -> dict[str, tuple[User | None, float]]:
    memory: dict[str, tuple[User | None, float]] = rt.memory.setdefault("desk.people", {})
    return memory
