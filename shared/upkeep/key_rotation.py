"""After SECRET_KEY was changed: what the former key sealed is sealed anew, row by row, as often as it is asked for.

Where there is a key vault by now, the secrets of connections move into it and are sealed no more.

Sign-ins that were begun are left out: they end within ten minutes, and the former key opens them until then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from shared import log
from shared.connections import agent_sign_ins, safekeeping, store, tokens
from shared.runtime import Runtime
from shared.sealing import Opener
from shared.storage.rows import Row
from shared.storage.tables import RowChanged
from shared.upkeep import vault_moving


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed value of a connection and the key that opens it; None: it is lost.

    ``what``: its *secret*, its *sign-in*, or the *sign-in of* one of its agents.
    """

    connection_id: str
    what: str
    opener: Opener | None

    @property
    def cure(self) -> str:
        """What brings it back where it is lost."""
        again = "sign in again" if self.what.startswith("sign-in") else "enter the connection's secret again"
        return f"Set FORMER_SECRET_KEY to the key that sealed it and ask again, or {again}."


@dataclass(frozen=True, slots=True)
class Rotation:
    """What became of all sealed values: moved into the key vault, sealed anew just now, sealed with the present key
    before, opened by no key.
    """

    key_id: str
    moved_to_vault: int
    sealed_anew: int
    sealed_before: int
    lost: tuple[Sealed, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """A column that holds sealed values. The keys of its rows are the ids of connections; or, where the partition is
    a connection, the addresses of its agents.
    """

    table: str
    partition: str
    column: str
    what: str
    context_of: Callable[[str], str]
    of_agents: bool = False

    def describe(self, row: Row, opener: Opener | None) -> Sealed:
        """A value of this column, and which key opens it."""
        if self.of_agents:
            return Sealed(self.partition, f"{self.what} of {row.key}", opener)
        return Sealed(row.key, self.what, opener)


_PLACES = (
    _Place(store.TABLE, store.PARTITION, "sealed_secret", "secret", safekeeping.context_of),
    _Place(tokens.TABLE, tokens.PARTITION, "sealed_tokens", "sign-in", tokens.context_of),
)


def list_sealed(rt: Runtime) -> list[Sealed]:
    """Every sealed value, and which key opens it; of the many agents only those that another key sealed."""
    others = f" and sealed_by ne '{rt.keys.key_id}'"
    return [_look_at(rt, place, row) for place, row in _iter_rows(rt, others)]


def rotate(rt: Runtime) -> Rotation:
    """Seal with the present key what the former one sealed, and move secrets into the vault.

    It may end anywhere, and be begun again. Raises VaultRefused, VaultAway, with everything sealed anew.
    """
    looked_at = [(_look_at(rt, place, row), _seal_anew(rt, place, row)) for place, row in _iter_rows(rt)]
    store.forget(rt)
    moved = vault_moving.move_all(rt)
    anew = sum(before.opener != after.opener for before, after in looked_at)
    lost = tuple(after for _, after in looked_at if after.opener is None)
    found = Rotation(rt.keys.key_id, moved, anew, len(looked_at) - anew - len(lost), lost)
    log.info("keys.rotated", key_id=found.key_id, moved=moved, sealed_anew=anew, lost=len(lost))
    return found


def _iter_rows(rt: Runtime, agents_where: str = "") -> Iterator[tuple[_Place, Row]]:
    for place in (*_PLACES, *_places_of_agents(rt)):
        where = f"{place.column} ne ''{agents_where}" if place.of_agents else ""
        for row in rt.tables[place.table].range(place.partition, select=[place.column], where=where):
            if row.get(place.column):  # else it lies in the vault
                yield place, row


def _places_of_agents(rt: Runtime) -> Iterator[_Place]:
    for each in store.list_all(rt):
        if each.method == store.AGENTS:
            context_of = partial(agent_sign_ins.context_of, each.connection_id)
            yield _Place(agent_sign_ins.TABLE, each.connection_id, "sealed_tokens", "sign-in", context_of, True)


def _look_at(rt: Runtime, place: _Place, row: Row) -> Sealed:
    opener = rt.keys.find_opener(row.get(place.column, ""), context=place.context_of(row.key))
    return place.describe(row, opener)


def _seal_anew(rt: Runtime, place: _Place, row: Row) -> Sealed:
    """Who changed the row meanwhile may have sealed it themselves: it is looked at again."""
    found = _look_at(rt, place, row)
    if found.opener != "former":
        return found
    table, context = rt.tables[place.table], place.context_of(row.key)
    sealed = rt.keys.seal(rt.keys.unseal(row[place.column], context=context), context=context)
    try:
        marked = {"sealed_by": rt.keys.key_id} if place.of_agents else {}
        table.merge(Row(place.partition, row.key, {place.column: sealed, **marked}, row.etag))
    except RowChanged:
        changed = table.find(place.partition, row.key)
        return _seal_anew(rt, place, changed) if changed and changed.get(place.column) else found
    return replace(found, opener="present")
