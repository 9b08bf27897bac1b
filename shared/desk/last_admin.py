"""The desk keeps an agent who may do everything: the last one stays active and keeps the role.

Two who each take the role from one of the last two would both see the other. So whatever makes one admin fewer also
writes one row of the desk at the version that was read before looking: of the two, one is refused.
"""

from __future__ import annotations

from shared.clock import to_text
from shared.desk import PARTITION, TABLE, agents, keeping, roles
from shared.desk.agents import Agent, is_admin
from shared.desk.roles import Role
from shared.errors import BadInput
from shared.runtime import Runtime
from shared.storage.tables import Change, Row

KEY = "!admins"


def check_agent(rt: Runtime, before: Agent, after: Agent) -> list[Change]:
    """What must go along with this change of an agent; raises BadInput where it would leave the desk without admin."""
    admin = _admin_roles(rt)
    if not is_admin(before, admin) or is_admin(after, admin):
        return []
    turn = _turn(rt)
    others = (each for each in agents.iter_agents(rt) if each.agent_id != before.agent_id)
    if not any(is_admin(each, admin) for each in others):
        raise _last("roles" if after.active else "active")
    return [turn]


def check_role(rt: Runtime, before: Role, after: Role) -> list[Change]:
    """The same for a change of a role. While no agent has an admin role there is none to lose."""
    admin = _admin_roles(rt)
    if before.role_id not in admin or (after.admin and after.active):
        return []
    turn = _turn(rt)
    admins = [each for each in agents.iter_agents(rt) if is_admin(each, admin)]
    if admins and not any(is_admin(each, admin - {before.role_id}) for each in admins):
        raise _last("admin" if after.active else "active")
    return [turn]


def _admin_roles(rt: Runtime) -> frozenset[str]:
    found = keeping.iter_all(rt, roles.KIND)
    return frozenset(role.role_id for role in found if role.admin and role.active and role.kind == "agent")


def _turn(rt: Runtime) -> Change:
    row = rt.tables[TABLE].find(PARTITION, KEY)
    written = Row(PARTITION, KEY, {"at": to_text(rt.clock.now())}, row.etag if row else None)
    return Change("replace" if row else "insert", written)


def _last(field: str) -> BadInput:
    return BadInput(field, "No active agent would have an admin role any more.", "Give one to another agent first.")
