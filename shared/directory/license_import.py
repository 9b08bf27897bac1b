"""What each connected tenant has bought becomes licenses of an organization: once a day, and when somebody asks.

A step of its own beside the runs. Who has which product comes with the people, see ``user_part``.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import batched

from shared import log
from shared.clock import to_text
from shared.connections import store as connections
from shared.desk import TABLE, licenses
from shared.desk.keeping import row_of
from shared.desk.licenses import License
from shared.directory import reports
from shared.directory.licensing import is_for_users, license_of
from shared.directory.store import get_rules
from shared.errors import Conflict, DeskbridgeError
from shared.graph import licenses as graph
from shared.graph.errors import AccessDenied
from shared.runtime import Runtime
from shared.storage.rows import Change
from shared.storage.tables import LARGEST_TRANSACTION

_PERMISSION = "In Entra, give the app the application permission LicenseAssignment.ReadWrite.All, and grant consent."


def import_all(rt: Runtime) -> int:
    """Import the licenses of every connection that wants them and does not rest. Returns how many went well."""
    went_well = 0
    for connection_id in [each.connection_id for each in connections.list_all(rt)]:
        try:
            rules, _ = get_rules(rt, connection_id)
            if rules.enabled and rules.licenses_organization and not connections.rests(rt, connection_id):
                import_licenses(rt, connection_id)
                went_well += 1
        except DeskbridgeError as failure:  # told in the health of the connection; the others go on
            log.warning("licenses.not_imported", connection_id=connection_id, reason=failure.cause)
    return went_well


def import_licenses(rt: Runtime, connection_id: str) -> list[License]:
    """Bring the licenses of a connection up to date; all of them. Raises Conflict, GraphError, SignInFailed."""
    rules, _ = get_rules(rt, connection_id)
    if not rules.licenses_organization:
        raise Conflict("No licenses are imported from this connection.", "Set 'licenses_organization' in its rules.")
    try:
        found = _import(rt, connection_id, rules.licenses_organization)
    except DeskbridgeError as failure:
        if isinstance(failure, AccessDenied):
            failure.cure = _PERMISSION
        reports.note_failure(rt, connection_id, "licenses", failure)
        raise
    reports.note_success(rt, connection_id, "licenses")
    return found


def _import(rt: Runtime, connection_id: str, organization_id: str) -> list[License]:
    told = [each for each in graph.list_skus(connections.graph_client(rt, connection_id)) if is_for_users(each)]
    now, before = to_text(rt.clock.now()), licenses.load_of(rt, connection_id)
    after = {each.license_id: each for each in (license_of(connection_id, organization_id, sku, now) for sku in told)}
    gone = [replace(each, total=0, used=0, active=False, updated_at=now) for each in before.values()]
    after = {each.license_id: each for each in gone} | after
    changed = [each for each in after.values() if _differs(before.get(each.license_id), each)]
    for chunk in batched(changed, LARGEST_TRANSACTION, strict=False):
        rt.tables[TABLE].transact([Change("upsert", row_of(licenses.KIND, each)) for each in chunk])
    log.info("licenses.imported", connection_id=connection_id, licenses=len(told), changed=len(changed))
    return sorted(after.values(), key=lambda each: each.name)


def _differs(before: License | None, after: License) -> bool:
    return before is None or replace(before, updated_at=after.updated_at) != after
