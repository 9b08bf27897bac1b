"""Giving and taking licenses: what is wanted is a row, a worker does it in Entra, and the row is the receipt.

The message is put before the row is written: who died between the two has promised nothing, and a message without a row
comes to nothing. The worker looks before it does anything, so that a repeat finds that all is so already.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Literal

from shared import log
from shared.clock import from_text, to_text
from shared.connections import store as connections
from shared.desk import keeping, licenses, people
from shared.desk.licenses import License
from shared.desk.people import User
from shared.directory import TABLE
from shared.directory.licensing import Licensed, Refusal, Wanted, find_refusal, is_for_users, license_of, licensed_of
from shared.directory.licensing import outstanding as left_of
from shared.directory.stock import GOOD_ENOUGH_TO_REFUSE, GOOD_FOR, stock_of
from shared.directory.store import get_rules
from shared.errors import Conflict, DeskbridgeError, Later, Misconfigured, NotFound
from shared.graph import directory as graph_directory
from shared.graph import licenses as graph
from shared.graph.client import GraphClient
from shared.graph.errors import AccessDenied, GraphBusy, GraphError, SignInFailed
from shared.runtime import Runtime
from shared.storage.keys import after as behind
from shared.storage.keys import digest, newest_first
from shared.storage.rows import Change, Row, fill
from shared.storage.tables import RowChanged
from shared.work import LONGEST_DELAY, ChangeLicense

PREFIX = "l~"
MOST_AT_ONCE = 50
"""Users whose licenses one call changes."""
PATIENCE = timedelta(days=1)
"""How long it is tried while Graph is busy or the connection rests."""
_ROW_DELAY, _MOST_LOOKS, _TAKEN_DELAY = 1, 5, 5
State = Literal["asked", "done", "refused"]
_PERMISSION = (
    "In Entra, give the app the application permission LicenseAssignment.ReadWrite.All (and User.ReadWrite.All if it "
    "is to set the usage location), and grant consent. Then ask again."
)


@dataclass(frozen=True, slots=True)
class LicenseChange:
    """What is wanted for one user, and what came of it. ``assign``, ``remove``: ids of products; ``by``: who asked.

    ``cause``, ``cure``: of a refusal, or why it was not done so far. Times are ISO 8601 in UTC, empty for not yet.
    """

    change_id: str
    user_id: str
    object_id: str
    name: str
    assign: tuple[str, ...]
    remove: tuple[str, ...]
    usage_location: str
    state: State
    by: str
    asked_at: str
    ended_at: str = ""
    cause: str = ""
    cure: str = ""
    etag: str = ""

    @property
    def wanted(self) -> Wanted:
        """The same as what is to be decided about."""
        return Wanted(self.assign, self.remove, self.usage_location)

    def row(self, connection_id: str) -> Row:
        """The row that holds it, at the version that it was read at."""
        values = {**asdict(self), "assign": json.dumps(self.assign), "remove": json.dumps(self.remove)}
        return Row(connection_id, PREFIX + values.pop("change_id"), values, values.pop("etag") or None)


def _change_of(row: Row) -> LicenseChange:
    lists = {name: tuple(json.loads(row[name])) for name in ("assign", "remove")}
    return fill(LicenseChange, row, change_id=row.key.removeprefix(PREFIX), etag=row.etag or "", **lists)


def ask(rt: Runtime, connection_id: str, users: Sequence[User], wanted: Wanted, by: str) -> list[LicenseChange]:
    """Want the same for some users, ``MOST_AT_ONCE`` at most, each of whom is of this connection."""
    now = rt.clock.now()
    asked = [
        LicenseChange(
            change_id=f"{newest_first(now)}~{digest(user.user_id)[:12]}",
            user_id=user.user_id,
            object_id=user.origin.partition("/")[2],
            name=user.name,
            assign=wanted.assign,
            remove=wanted.remove,
            usage_location=wanted.country,
            state="asked",
            by=by,
            asked_at=to_text(now),
        )
        for user in users
    ]
    for each in asked:
        rt.queues.put(ChangeLicense(connection_id=connection_id, change=each.change_id), _ROW_DELAY)
    rt.tables[TABLE].transact([Change("insert", each.row(connection_id)) for each in asked])
    return asked


def find_change(rt: Runtime, connection_id: str, change_id: str) -> LicenseChange | None:
    """The change of this id, or None."""
    row = rt.tables[TABLE].find(connection_id, PREFIX + change_id)
    return _change_of(row) if row else None


def list_changes(
    rt: Runtime, connection_id: str, *, past: str = "", limit: int = 50
) -> tuple[list[LicenseChange], str | None]:
    """The newest first, behind the change ``past``, and the one to go on behind (None at the end)."""
    rows = rt.tables[TABLE].range(
        connection_id, low=PREFIX, high=behind(PREFIX), after=PREFIX + past if past else "", limit=limit + 1
    )
    found = [_change_of(row) for row in rows]
    return found[:limit], found[limit - 1].change_id if len(found) > limit else None


def change_license(rt: Runtime, work: ChangeLicense) -> None:
    """Do what is wanted for one user; raises Later where that must wait."""
    change = find_change(rt, work.connection_id, work.change)
    if change is None and work.attempt < _MOST_LOOKS:
        raise Later("It is not written down yet what is wanted.", _TAKEN_DELAY)
    if change is None or change.state != "asked":
        log.info("license.nothing_to_do", state=change.state if change else "never asked")
        return
    try:
        refusal = _do(rt, work.connection_id, change)
    except (GraphBusy, SignInFailed, Conflict, Later) as reason:
        refusal = _put_off(rt, work, change, reason)
    except (GraphError, NotFound, Misconfigured) as reason:
        refusal = Refusal(reason.cause, _PERMISSION if isinstance(reason, AccessDenied) else reason.cure)
    _end(rt, work.connection_id, change, refusal)


def _do(rt: Runtime, connection_id: str, change: LicenseChange) -> Refusal | None:
    """Look, decide, do, and tell the desk; why not, where it is not done."""
    if connections.rests(rt, connection_id):
        raise Later("The connection rests.", LONGEST_DELAY, "See in the list of connections why, and mend it.")
    if not get_rules(rt, connection_id)[0].manage_licenses:
        return Refusal("Licenses of this connection are not managed from here any more.", "Set 'manage_licenses'.")
    client = connections.graph_client(rt, connection_id)
    present = _look(client, change)
    if present is None:
        return Refusal("The user is not in Entra any more.", "Wait for the next run of the directory, and look again.")
    left = left_of(change.wanted, present)
    refusal = _why_not(rt, client, connection_id, left, present) or _assign(client, change, left)
    if not refusal:
        stock_of(rt, connection_id).note(left.assign, left.remove)
    _tell_desk(rt, connection_id, change, present, Wanted() if refusal else left)
    return refusal


def _look(client: GraphClient, change: LicenseChange) -> Licensed | None:
    found = graph.find_licensed(client, change.object_id)
    return licensed_of(found) if found else None


def _why_not(rt: Runtime, client: GraphClient, connection_id: str, left: Wanted, present: Licensed) -> Refusal | None:
    """Why what is left cannot be done, as far as that can be known before it is tried."""
    if not (left.assign or left.remove):
        return None
    groups = {group for sku in left.remove for group in present.holdings[sku].groups}
    named, stock = graph_directory.find_group_names(client, sorted(groups)), stock_of(rt, connection_id)
    refusal: Refusal | None = None
    for older_than in (GOOD_FOR, GOOD_ENOUGH_TO_REFUSE):
        stock.look(rt.clock.steady(), older_than, lambda: _bought(client, connection_id))
        refusal = find_refusal(left, present, stock.free, stock.names | named)
        if refusal is None:
            break
    return refusal


def _bought(client: GraphClient, connection_id: str) -> list[License]:
    return [license_of(connection_id, "", each, "") for each in graph.list_skus(client) if is_for_users(each)]


def _assign(client: GraphClient, change: LicenseChange, left: Wanted) -> Refusal | None:
    """Do what is left. What Graph refuses may be so all the same by now: somebody else was faster."""
    if not (left.assign or left.remove):
        return None
    try:
        if left.country:
            graph.set_usage_location(client, change.object_id, left.country)
        graph.assign(client, change.object_id, left.assign, left.remove)
    except (GraphBusy, AccessDenied):
        raise
    except GraphError as refused:
        present = _look(client, change)
        still = left_of(change.wanted, present) if present else left
        return Refusal(refused.cause, refused.cure) if still.assign or still.remove else None
    return None


def _tell_desk(rt: Runtime, connection_id: str, change: LicenseChange, present: Licensed, done: Wanted) -> None:
    """What the user has by now: what was there, and what was done. Graph may be slow to tell of it itself."""
    skus = (present.held() | {*done.assign}) - {*done.remove}
    try:
        before = keeping.read(rt, people.KIND, change.user_id)
        after = replace(before.thing, licenses=licenses.linked(before.thing.licenses, connection_id, skus))
        keeping.change(rt, people.KIND, before, after)
    except NotFound:
        log.warning("license.no_such_user", user_id=change.user_id)
    except Conflict as reason:
        raise Later(reason.cause, _TAKEN_DELAY, reason.cure) from reason


def _put_off(rt: Runtime, work: ChangeLicense, change: LicenseChange, reason: DeskbridgeError) -> Refusal:
    """Try again later; after a day no more."""
    if rt.clock.now() - from_text(change.asked_at) > PATIENCE:
        return Refusal(f"It could not be done for a day: {reason.cause}", reason.cure)
    told = replace(change, cause=reason.cause[:1000], cure=reason.cure[:1000])
    _write(rt, work.connection_id, told)
    delay = reason.delay if isinstance(reason, Later) else LONGEST_DELAY
    raise Later(reason.cause, reason.retry_after if isinstance(reason, GraphBusy) else delay, reason.cure)


def _end(rt: Runtime, connection_id: str, change: LicenseChange, refusal: Refusal | None) -> None:
    """The receipt."""
    told = refusal or Refusal("", "")
    state: State = "refused" if refusal else "done"
    now = to_text(rt.clock.now())
    ended = replace(change, state=state, ended_at=now, cause=told.cause[:1000], cure=told.cure[:1000])
    _write(rt, connection_id, ended)
    log.info("license.ended", change=change.change_id, state=state)


def _write(rt: Runtime, connection_id: str, change: LicenseChange) -> None:
    try:
        rt.tables[TABLE].transact([Change("replace", change.row(connection_id))])
    except RowChanged:
        log.info("license.another_worker", change=change.change_id)  # it did, and wrote, the same
