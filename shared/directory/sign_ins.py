"""When people of a tenant last signed in: read at night, a page at a time, never faster than Graph allows.

Where the reading stands is a row, written after each page; a worker that dies leaves a page to be read again. The
worker never waits: where the minute's requests are spent, the work goes back on the queue until the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import batched
from typing import Any

from shared import log, side_by_side
from shared.clock import from_text, to_text
from shared.connections import store as connections
from shared.desk import PARTITION as DESK
from shared.desk import TABLE as DESK_TABLE
from shared.desk import people
from shared.directory import TABLE, mirror, reports
from shared.directory.rules import Rules
from shared.directory.store import get_rules
from shared.errors import Conflict, DeskbridgeError, Later, Misconfigured, NotFound
from shared.graph import directory as graph
from shared.graph.errors import AccessDenied, GraphBusy, GraphError, SignInFailed
from shared.graph.limits import SIGN_IN_REQUESTS, SIGN_IN_WINDOW
from shared.runtime import Runtime
from shared.storage.rows import Change, Row, fill
from shared.storage.tables import LARGEST_TRANSACTION, RowChanged, RowExists
from shared.work import ReadSignIns

KEY = "!sign-ins"
_LONGEST = timedelta(hours=20)
"""A reading that is older was left lying: the next night's begins anew."""
_CURE = "In Entra, give the app the application permission AuditLog.Read.All, and grant consent."


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a reading stands. ``cursor``: Graph's link of the next page; ``began_at``: empty while none is under way.

    ``minute_at``, ``asked``: how many requests were sent since when, in the present minute.
    """

    began_at: str = ""
    cursor: str = ""
    pages: int = 0
    changed: int = 0
    minute_at: str = ""
    asked: int = 0
    etag: str = ""


def begin_all(rt: Runtime) -> int:
    """Put the work of every connection that wants it and does not rest. Returns how many."""
    begun = 0
    for connection_id in [each.connection_id for each in connections.list_all(rt)]:
        try:
            if _is_wanted(get_rules(rt, connection_id)[0]) and not connections.rests(rt, connection_id):
                rt.queues.put(ReadSignIns(connection_id=connection_id, cause="scan"))
                begun += 1
        except DeskbridgeError as failure:
            log.warning("sign_ins.not_begun", connection_id=connection_id, reason=failure.cause)
    return begun


def _is_wanted(rules: Rules) -> bool:
    return rules.enabled and rules.last_sign_in


def read_sign_ins(rt: Runtime, work: ReadSignIns) -> None:
    """Read on until all is read, or the minute's requests are spent; raises Later."""
    connection_id = work.connection_id
    try:
        if not _is_wanted(get_rules(rt, connection_id)[0]) or connections.rests(rt, connection_id):
            return
        reading = _begun(rt, connection_id, work)
        while reading.began_at:
            reading = _read_page(rt, connection_id, _counted(rt, connection_id, reading))
    except (RowChanged, RowExists):
        log.info("sign_ins.another_worker")
    except (NotFound, GraphError, SignInFailed, Misconfigured, Conflict) as failure:
        if isinstance(failure, GraphBusy):
            raise Later(failure.cause, max(failure.retry_after, 1), failure.cure) from failure
        _give_up(rt, connection_id, failure)


def _begun(rt: Runtime, connection_id: str, work: ReadSignIns) -> Reading:
    """The reading that is under way, a new one at night, or none."""
    row = rt.tables[TABLE].find(connection_id, KEY)
    found = fill(Reading, row, etag=row.etag or "") if row else Reading()
    now = rt.clock.now()
    is_stale = bool(found.began_at) and now - from_text(found.began_at) > _LONGEST
    if work.cause == "scan" and work.attempt == 0 and (is_stale or not found.began_at):
        fresh = Reading(to_text(now), minute_at=found.minute_at, asked=found.asked, etag=found.etag)
        return _save(rt, connection_id, fresh)
    return found


def _counted(rt: Runtime, connection_id: str, reading: Reading) -> Reading:
    """One more request, written down before it is sent; raises Later where this minute has had all it may have."""
    now = rt.clock.now()
    ends = from_text(reading.minute_at) + SIGN_IN_WINDOW if reading.minute_at else now
    if ends <= now:
        reading = replace(reading, minute_at=to_text(now), asked=0)
    elif reading.asked >= SIGN_IN_REQUESTS:
        raise Later("Graph tells of sign-ins so often a minute, and no more.", (ends - now).total_seconds() + 1)
    return _save(rt, connection_id, replace(reading, asked=reading.asked + 1))


def _read_page(rt: Runtime, connection_id: str, reading: Reading) -> Reading:
    """Read a page, keep what is new of it, and write down how far it is."""
    client = connections.graph_client(rt, connection_id)
    items, link = graph.list_sign_ins(client, reading.cursor)
    changed = _keep(rt, connection_id, {str(each["id"]): latest_of(each) for each in items})
    reading = replace(reading, cursor=link, pages=reading.pages + 1, changed=reading.changed + changed)
    if not link:
        log.info("sign_ins.read", connection_id=connection_id, pages=reading.pages, changed=reading.changed)
        reports.note_success(rt, connection_id, "sign_ins")
        reading = replace(reading, began_at="")
    return _save(rt, connection_id, reading)


def latest_of(user: Mapping[str, Any]) -> str:
    """When somebody last signed in, ISO 8601 in UTC; empty for never, or where Entra does not tell.

    The last success; for who has had none since that is told of, the last attempt.
    https://learn.microsoft.com/en-us/graph/api/resources/signinactivity
    """
    activity = user.get("signInActivity") or {}
    found = activity.get("lastSuccessfulSignInDateTime") or activity.get("lastSignInDateTime") or ""
    return to_text(from_text(str(found))) if found else ""


def _keep(rt: Runtime, connection_id: str, told: Mapping[str, str]) -> int:
    """Write down for whom it is another day than the desk knows; how many those are."""
    known = mirror.find_many(rt, connection_id, [object_id for object_id, at in told.items() if at])
    wanted = {person.user_id: told[object_id] for object_id, person in known.items() if person.user_id}
    users = side_by_side.each(partial(people.find_user, rt), wanted)
    due = [each.user_id for each in users if each and each.last_sign_in[:10] != wanted[each.user_id][:10]]
    for chunk in batched(due, LARGEST_TRANSACTION, strict=False):
        rt.tables[DESK_TABLE].transact(_changes(chunk, wanted))
    return len(due)


def _changes(user_ids: Sequence[str], wanted: Mapping[str, str]) -> list[Change]:
    """One column of each: what else is changed about them at the same time stays."""
    return [Change("merge", Row(DESK, people.KIND.prefix + each, {"last_sign_in": wanted[each]})) for each in user_ids]


def _give_up(rt: Runtime, connection_id: str, failure: DeskbridgeError) -> None:
    """Tell why, and let the next night begin anew; runs go on without."""
    if isinstance(failure, AccessDenied):
        failure.cure = _CURE
    log.error("sign_ins.failed", connection_id=connection_id, reason=failure.cause)
    reports.note_failure(rt, connection_id, "sign_ins", failure)
    row = rt.tables[TABLE].find(connection_id, KEY)
    if row:
        known = fill(Reading, row, etag=row.etag or "")
        _save(rt, connection_id, replace(known, began_at="", cursor=""))


def _save(rt: Runtime, connection_id: str, reading: Reading) -> Reading:
    """Write where it stands at the version that was read; raises RowChanged, RowExists where another worker did."""
    row = Row(connection_id, KEY, asdict(reading), reading.etag or None)
    row.values.pop("etag")
    rt.tables[TABLE].transact([Change("replace" if reading.etag else "insert", row)])
    return replace(reading, etag=row.etag or "")
