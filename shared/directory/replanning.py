"""Planning a person again whom the plan did not foresee: changed by hand meanwhile, or decided about later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shared.directory import mirror
from shared.directory.identifying import Placed
from shared.directory.pieces import Planned, effective
from shared.directory.place import Place
from shared.directory.planning import Planner
from shared.directory.runs import Run
from shared.directory.tenant import Seen, Tenant
from shared.directory.told import ancestors


def plan_again(place: Place, found: Sequence[Planned]) -> list[Planned]:
    """The plans of these people upon the desk as it is now, within what the run holds back."""
    planner = Planner(Tenant(place))
    planner.managers.placed |= _managers_of(found)
    fresh = planner.plan([_seen(each) for each in found])
    run, structure = _without_approved(place.run), planner.context.structure
    return [effective(_marked(*both), run, structure) for both in zip(found, fresh, strict=True)]


def _seen(planned: Planned) -> Seen:
    """A person as they were planned, to be looked at whatever is known of them."""
    known = planned.known
    person = replace(known.person(), all_groups=known.groups | planned.above)
    before = None if planned.is_new else replace(known, digest="", serial=known.serial - 1, gives=planned.gave)
    return Seen(person, before)


def _marked(planned: Planned, fresh: Planned) -> Planned:
    """The new plan with the digest of the old one, and what is in the way now."""
    digest = mirror.waiting_digest(mirror.bare_digest(planned.known.digest), fresh.entry.obstacles)
    return replace(fresh, known=replace(fresh.known, digest=digest))


def _without_approved(run: Run) -> Run:
    """The run as it binds: what it held back is done once it was approved."""
    return replace(run, holds=()) if run.status == "approved" else run


def _managers_of(found: Sequence[Planned]) -> dict[str, Placed]:
    """Who managers are at the desk, as the plan of everybody said: the mirror may not know a newcomer yet."""
    placed: dict[str, Placed] = {}
    for each in found:
        known, user, agent = placed.get(each.known.manager, Placed()), each.entry.user, each.entry.agent
        user_id = known.user_id or (user.manager if user else "")
        placed[each.known.manager] = Placed(user_id, known.agent_id or (agent.line_manager if agent else ""))
    return {key: each for key, each in placed.items() if key and each != Placed()}


def plan_known(place: Place, object_ids: Sequence[str]) -> tuple[Planner, list[Planned]]:
    """The plans of these people as the mirror knows them, upon the desk as it is now."""
    rt, connection_id = place.rt, place.connection_id
    groups = mirror.load_groups(rt, connection_id)
    above = ancestors({each.group_id: each.children for each in groups.values()})
    planner = Planner(Tenant(place, groups=groups, groups_before=groups, above=above))
    known = mirror.find_many(rt, connection_id, object_ids).values()
    seen = [Seen(planner.tenant.unchanged(each), replace(each, digest="")) for each in known]
    return planner, planner.plan(seen)
