"""What is known of the tenant: one row a person, one a group, as Graph last told of them.

With it a delta round is enough to make a whole plan, and whoever has not changed costs nothing: the ``digest`` in the
row of a person stands for all that their plan was made of.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

from shared import side_by_side
from shared.directory import TABLE
from shared.directory.packing import IDS_A_COLUMN, pack, unpack
from shared.directory.persons import Gone, Person
from shared.directory.runs import NOTHING, Totals
from shared.runtime import Runtime
from shared.storage.keys import after as behind
from shared.storage.rows import Change, Row

PEOPLE, GROUPS = "p~", "g~"
REMEMBERED_RUNS = 10
MOST_COMPARED = 10
"""Values that a filter compares with, beside the limits of the range: a query takes fifteen comparisons.
https://learn.microsoft.com/en-us/rest/api/storageservices/querying-tables-and-entities"""
LONGEST_JSON = 30_000
"""Characters, as UTF-16 counts them, that a column takes as text; what is longer is compressed."""


@dataclass(frozen=True, slots=True)
class Known:
    """A person's row. ``digest``: stands for what the last plan was made of, with a mark before it where that is not
    all (``waiting_digest``); ``outcome``, ``reason``: of that plan.

    ``gives``: what the desk has through this connection; ``serial``: how often it was written.
    ``user_id``, ``agent_id``: who they are at the desk.
    """

    object_id: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    manager: str = ""
    groups: frozenset[str] = frozenset()
    gone: Gone = ""
    digest: str = ""
    user_id: str = ""
    agent_id: str = ""
    gives: Totals = NOTHING
    serial: int = 0
    name: str = ""
    outcome: str = ""
    reason: str = ""

    def person(self) -> Person:
        """Whom Graph told of, but for the groups that theirs are in."""
        properties = {**self.properties, "id": self.object_id}
        return Person(self.object_id, properties, self.manager, self.groups, self.groups, self.gone)

    @property
    def is_waiting(self) -> bool:
        """Whether something was in the way when they were planned last: they are looked at when it may be gone."""
        return self.digest.startswith(_WAITS)

    @property
    def is_held(self) -> bool:
        """Whether something of them waits for somebody's approval."""
        return self.digest.startswith(_HELD)


_WAITS, _HELD = "waits for ", "held "


@dataclass(frozen=True, slots=True)
class Group:
    """A group's row. ``gone_at``: since when it is not told of any more, though a mapping uses it."""

    group_id: str
    name: str = ""
    children: frozenset[str] = frozenset()
    gone_at: str = ""


def known_of(row: Row) -> Known:
    """The person that a row holds; a listing of brief rows leaves out the rest."""
    return Known(
        object_id=row.key.removeprefix(PEOPLE),
        properties=_json_of(row, "properties"),
        manager=row.get("manager", ""),
        groups=_ids_of(row, "groups"),
        gone=row.get("gone", ""),
        digest=row.get("digest", ""),
        user_id=row.get("user_id", ""),
        agent_id=row.get("agent_id", ""),
        gives=gives_of(str(row.get("gives", "0,0,0,0"))),
        serial=row.get("serial", 0),
        name=row.get("name", ""),
        outcome=row.get("outcome", ""),
        reason=row.get("reason", ""),
    )


def columns_of(known: Known, told: Mapping[str, Any]) -> dict[str, Any]:
    """A person as columns, with what is to be remembered of this run (``told``) in the place of the oldest one."""
    return {
        **_json_columns("properties", known.properties),
        **_id_columns("groups", known.groups),
        **{name: getattr(known, name) for name in _TEXTS},
        "gives": gives_text(known.gives),
        "serial": known.serial,
        f"h{known.serial % REMEMBERED_RUNS}": json.dumps(told, ensure_ascii=False, separators=(",", ":"))[
            :LONGEST_JSON
        ],
    }


_TEXTS = ("manager", "gone", "digest", "user_id", "agent_id", "name", "outcome", "reason")


def writing(connection_id: str, object_id: str, columns: Mapping[str, Any], *, is_new: bool) -> Change:
    """The change that keeps a person; what is remembered of earlier runs stays."""
    return Change("upsert" if is_new else "merge", Row(connection_id, PEOPLE + object_id, dict(columns)))


def history_of(row: Row) -> list[dict[str, Any]]:
    """What came of this person in the last runs that did anything about them, the newest first."""
    texts = (row.get(f"h{slot}") for slot in range(REMEMBERED_RUNS))
    found = [json.loads(text) for text in texts if text and text.endswith("}")]
    return sorted(found, key=lambda each: str(each.get("at", "")), reverse=True)


def find_row(rt: Runtime, connection_id: str, object_id: str) -> Row | None:
    """The row of a person, or None."""
    return rt.tables[TABLE].find(connection_id, PEOPLE + object_id)


def find_many(rt: Runtime, connection_id: str, object_ids: Iterable[str]) -> dict[str, Known]:
    """Those of these people that are known, a point read each."""
    ids = list(object_ids)
    rows = side_by_side.each(partial(find_row, rt, connection_id), ids)
    return {each: known_of(row) for each, row in zip(ids, rows, strict=True) if row is not None}


def iter_known(rt: Runtime, connection_id: str, select: Sequence[str] | None = None) -> Iterator[Known]:
    """Everybody, by object id, fetched as they are taken."""
    rows = rt.tables[TABLE].range(connection_id, low=PEOPLE, high=behind(PEOPLE), select=select)
    return map(known_of, rows)


def find_reports(rt: Runtime, connection_id: str, managers: Collection[str]) -> list[str]:
    """The object ids of all whose manager is one of these. Who asks for few lets the table look through everybody."""
    if len(managers) > MOST_COMPARED:
        listed = iter_known(rt, connection_id, ["manager"])
        return [each.object_id for each in listed if each.manager in managers]
    values = {f"manager{number}": each for number, each in enumerate(managers)}
    where = " or ".join(f"manager eq @{name}" for name in values)
    rows = rt.tables[TABLE].range(connection_id, low=PEOPLE, high=behind(PEOPLE), where=where, values=values, select=[])
    return [row.key.removeprefix(PEOPLE) for row in rows]


def load_groups(rt: Runtime, connection_id: str) -> dict[str, Group]:
    """All groups that are known."""
    rows = rt.tables[TABLE].range(connection_id, low=GROUPS, high=behind(GROUPS))
    return {each.group_id: each for each in map(_group_of, rows)}


def _group_of(row: Row) -> Group:
    group_id = row.key.removeprefix(GROUPS)
    return Group(group_id, row.get("name", ""), _ids_of(row, "children"), row.get("gone_at", ""))


def writing_group(connection_id: str, group: Group) -> Change:
    """The change that keeps a group."""
    values = {"name": group.name, "gone_at": group.gone_at, **_id_columns("children", group.children)}
    return Change("upsert", Row(connection_id, GROUPS + group.group_id, values))


def removing_group(connection_id: str, group_id: str) -> Change:
    """The change that forgets a group."""
    return Change("delete", Row(connection_id, GROUPS + group_id))


def digest_of(version: str, person: Person, standing_of_manager: str) -> str:
    """Stands for all that a person's plan is made of, but for the people of the desk.

    ``version``: of the rules and of the desk's structure.
    """
    parts = [
        version,
        json.dumps(person.properties, sort_keys=True, default=str),
        person.manager,
        standing_of_manager,
        *sorted(person.groups),
        "|",
        *sorted(person.all_groups - person.groups),
        person.gone,
    ]
    return hashlib.blake2b("\n".join(parts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def waiting_digest(digest: str, obstacles: Sequence[str]) -> str:
    """A digest that no person comes to: whoever has it is planned at every look, and written where that differs."""
    return f"{_WAITS}{','.join(obstacles)} {digest}" if obstacles else digest


def held_digest(digest: str) -> str:
    """A digest that no person comes to, either: what was held is planned at the next look at them."""
    return f"{_HELD}{digest}"


def bare_digest(digest: str) -> str:
    """The digest without any mark: nobody looks again until something about the person changes."""
    return digest.rpartition(" ")[2]


def _json_columns(name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    if len(text.encode("utf-16-le", "surrogatepass")) <= 2 * LONGEST_JSON:
        return {name: text, f"{name}_packed": b""}
    return {name: "", f"{name}_packed": zlib.compress(text.encode("utf-8", "surrogatepass"))}


def _json_of(row: Row, name: str) -> dict[str, Any]:
    short = row.get(f"{name}_packed", b"")
    text = zlib.decompress(short).decode("utf-8", "surrogatepass") if short else row.get(name, "")
    found: dict[str, Any] = json.loads(text) if text else {}
    return found


def _id_columns(name: str, ids: Iterable[str]) -> dict[str, bytes]:
    """Two columns: nobody is in more than eight thousand groups."""
    ordered = sorted(ids)
    return {name: pack(ordered[:IDS_A_COLUMN]), f"{name}_more": pack(ordered[IDS_A_COLUMN : 2 * IDS_A_COLUMN])}


def _ids_of(row: Row, name: str) -> frozenset[str]:
    return frozenset(unpack(bytes(row.get(name, b"")) + bytes(row.get(f"{name}_more", b""))))


def gives_text(gives: Totals) -> str:
    """As a column holds it."""
    return f"{gives.active},{gives.roles},{gives.teams},{gives.seats}"


@lru_cache(1_000)
def gives_of(text: str) -> Totals:
    """The same again."""
    return Totals(*map(int, text.split(",")))
