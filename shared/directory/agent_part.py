"""What becomes of the agent that a person is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared.desk.agents import Agent
from shared.desk.belonging import Held
from shared.directory import entitlements
from shared.directory.differences import agent_changes
from shared.directory.entitlements import Settled
from shared.directory.identifying import Context, Identified, Managers
from shared.directory.mapping import LINE_MANAGER, TEAM, filled, fills_manager, name_of, reasons_of
from shared.directory.matching import origin_of
from shared.directory.parts import Case, Part, matched, removals_of
from shared.directory.plan import Removal, Step
from shared.directory.reasons import Reason
from shared.directory.standing import find_departure, stand, with_standing


def plan_agent(context: Context, known: Identified, before: Agent | None, managers: Managers) -> Part[Agent]:
    """What becomes of the agent; ``before``: as they are, None for a newcomer or for nobody."""
    if not known.agent.record_id:
        return Part(reason=known.why_no_agent)
    base = before or _newcomer(context, known)
    taken = known.choice.agent is not None
    standing = stand(base, _why_not(context, known, base), context.connection_id, taken=taken)
    case = Case(context, known, before, base, standing)
    told = with_standing(base, standing)
    if standing.removed:
        return _part(case, told, base, ("deactivation",), {})
    if standing.rests or not known.present:
        return Part(before, before, reason=standing.reason)
    return _entitled(case, _filled(case, told, managers) if taken else told)


def _newcomer(context: Context, known: Identified) -> Agent:
    origin = origin_of(context.connection_id, known.person.object_id)
    name = name_of(known.person, known.agent_values)
    return Agent(known.agent.record_id, known.user.record_id, name, "", origin=origin, created_at=context.at)


def _why_not(context: Context, known: Identified, agent: Agent) -> Reason | None:
    """Why the agent should not be active: they left, sign-in is blocked, or nothing gives them a role.

    https://learn.microsoft.com/en-us/graph/api/resources/user (accountEnabled)
    """
    absence = Reason.UNMAPPED if known.choice.taken else known.choice.reason
    absence = None if known.choice.agent else absence
    departure = find_departure(known.person, context.rules, absence)
    if departure or not known.present:
        return departure
    return Reason.BLOCKED if known.person.is_disabled() else _why_roles_forbid(context, known, agent)


def _why_roles_forbid(context: Context, known: Identified, agent: Agent) -> Reason | None:
    rules = context.rules
    if rules.full_role_management and not entitlements.agent_roles(known.person, rules, known.choice.agent):
        return Reason.NO_ROLE
    has_inactive = entitlements.has_inactive_role(rules, _roles(context, known, agent).after)
    return Reason.INACTIVE_ROLE if has_inactive else None


def _roles(context: Context, known: Identified, agent: Agent) -> Settled[Held]:
    wanted = entitlements.agent_roles(known.person, context.rules, known.choice.agent)
    full = context.rules.full_role_management
    givable = context.structure.givable["agent"]
    return entitlements.settle_roles(agent.roles, wanted, givable, context.connection_id, full=full)


def _filled(case: Case[Agent], agent: Agent, managers: Managers) -> Agent:
    """With everything that is mapped. An address that the user cannot have is not the agent's either."""
    known, values = case.known, case.known.agent_values
    address = "" if known.addressing.reason else values.get("address", "")
    return replace(
        agent,
        origin=origin_of(case.context.connection_id, known.person.object_id),
        name=values.get("name", agent.name),
        address=address or agent.address,
        details=filled(agent.details, values),
        default_team=_team_called(case) or agent.default_team,
        line_manager=_line_manager(case, managers),
    )


def _team_called(case: Case[Agent]) -> str:
    """The team that is called as Entra says, empty where there is none: the default then stays as it is."""
    name = case.known.agent_values.get(TEAM, "")
    found = case.context.structure.find_team_called(name) if name else None
    return found.team_id if found else ""


def _line_manager(case: Case[Agent], managers: Managers) -> str:
    """The agent who is their manager, and came in from Entra, too; nobody is their own."""
    if not fills_manager(case.context.rules.agent_fields):
        return case.base.line_manager
    placed = managers.get(case.known.person.manager)
    return placed.agent_id if placed and placed.agent_id != case.base.agent_id else ""


def _entitled(case: Case[Agent], agent: Agent) -> Part[Agent]:
    """With the roles, the teams and the license that groups and mappings give."""
    context, known = case.context, case.known
    of_groups = entitlements.teams(known.person, context.rules)
    roles = _roles(context, known, agent)
    teams = entitlements.settle_teams(
        agent.teams,
        of_groups,
        context.structure.givable["team"],
        context.connection_id,
        default=_default_given(case, agent),
        removing=context.rules.remove_from_teams,
    )
    removals = removals_of("role", roles.removed) + removals_of("team", teams.removed)
    after, why = _licensed(case, replace(agent, roles=roles.after, teams=teams.after))
    held, _ = _licensed(case, replace(agent, roles=roles.held, teams=teams.held))
    of_roles = entitlements.agent_roles(known.person, context.rules, known.choice.agent)
    return _part(case, after, held, removals, {agent.default_team: _BY_NAME, **of_groups, **of_roles, "license": why})


_BY_NAME = "it is the default team"


def _default_given(case: Case[Agent], agent: Agent) -> str:
    """The default team where a field of Entra decides it, now or before: its membership is given with it."""
    given = {each.team_id for each in agent.teams if each.given_by == case.context.connection_id}
    mapped = any(each.target == TEAM for each in case.context.rules.agent_fields)
    return agent.default_team if _team_called(case) or (mapped and agent.default_team in given) else ""


def _licensed(case: Case[Agent], agent: Agent) -> tuple[Agent, str]:
    rules, mapping = case.context.rules, case.known.choice.agent
    kind, why = entitlements.license_of(rules, mapping, agent.license, agent.roles)
    return replace(agent, license=kind), why or "new agents share licenses"


def _part(
    case: Case[Agent], after: Agent, held: Agent, removals: tuple[Removal, ...], because: Mapping[str, str]
) -> Part[Agent]:
    if after == case.before:
        return Part(after, after, reason=case.standing.reason, steps=_steps(case))
    told = reasons_of(case.context.rules.agent_fields, case.known.choice.agent)
    changes = agent_changes(case.before, after, {**told, **_reasons(case), **because}, case.context.structure)
    return Part(case.before, after, held if removals else None, case.standing.reason, changes, removals, _steps(case))


def _reasons(case: Case[Agent]) -> dict[str, str]:
    """What gives the values that are not mapped one by one."""
    told = reasons_of(case.context.rules.agent_fields, case.known.choice.agent)
    return {
        "active": case.why_active(),
        "origin": matched(case.known.agent.by),
        "user": "the user that they are",
        "default_team": told.get(TEAM, ""),
        LINE_MANAGER: "manager in Entra",
    }


def _steps(case: Case[Agent]) -> tuple[Step, ...]:
    name = case.known.agent_values.get(TEAM, "")
    if not name or _team_called(case):
        return ()
    return (Step("the default team", f"no team is called '{name}': it stays as it is"),)
