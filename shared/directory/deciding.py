"""What is to be done about one person, and why: an entry of the plan, made of its two halves, user and agent."""

from __future__ import annotations

from dataclasses import replace

from shared.desk.agents import Agent
from shared.desk.people import User
from shared.desk.sites import Site
from shared.directory.agent_part import plan_agent
from shared.directory.identifying import Context, Identified, Managers
from shared.directory.mapping import cleaned
from shared.directory.parts import Part
from shared.directory.plan import Entry, Outcome, Step
from shared.directory.reasons import IN_THE_WAY, MEANINGS, Reason
from shared.directory.user_part import plan_user


def plan_person(
    context: Context,
    known: Identified,
    user_before: User | None,
    agent_before: Agent | None,
    managers: Managers,
) -> Entry:
    """What is to be done about a person. ``user_before``, ``agent_before``: the present rows of ``known.placed``.

    The same rows, rules and person give the same entry; of an entry that was applied the next one is *unchanged*.
    """
    user = plan_user(context, known, user_before, managers)
    agent = plan_agent(context, known, agent_before, managers)
    outcome = _outcome(known, user, agent)
    return Entry(
        object_id=known.person.object_id,
        name=_name(known, user, agent),
        outcome=outcome,
        reason=_reason(known, user, agent, outcome),
        matched_by=known.user.by or known.agent.by,
        user_mapping=known.choice.user.mapping_id if known.choice.user else "",
        agent_mapping=known.choice.agent.mapping_id if known.choice.agent else "",
        user_before=user.before,
        user=user.after,
        agent_before=agent.before,
        agent=agent.after,
        user_held=user.held,
        agent_held=agent.held,
        removals=(*user.removals, *agent.removals),
        changes=(*user.changes, *agent.changes),
        steps=_steps(known, user, agent),
        site_to_make=_site_to_make(context, known, user),
        address_from=known.addressing.former if _takes_address(user) else "",
    )


def _outcome(known: Identified, user: Part[User], agent: Part[Agent]) -> Outcome:
    if user.after is None and agent.after is None:
        return "refuse" if (known.trouble or known.choice.reason) in IN_THE_WAY else "skip"
    if user.made:
        return "create"
    if user.deactivated or agent.deactivated:
        return "deactivate"
    return "update" if user.changed or agent.changed else "unchanged"


def _reason(known: Identified, user: Part[User], agent: Part[Agent], outcome: Outcome) -> Reason:
    match outcome:
        case "create":
            return Reason.NEW
        case "deactivate":
            return (user.reason if user.deactivated else agent.reason) or Reason.CHANGED
        case "update":
            special = Reason.ADOPTED if _is_adopted(user, agent) else user.reason or agent.reason
            return special or known.trouble or Reason.CHANGED
        case _:
            return known.trouble or user.reason or agent.reason or known.choice.reason or Reason.SAME


def _is_adopted(user: Part[User], agent: Part[Agent]) -> bool:
    return any(
        part.before is not None and part.after is not None and part.before.origin != part.after.origin
        for part in (user, agent)
    )


def _name(known: Identified, user: Part[User], agent: Part[Agent]) -> str:
    there = user.after or agent.after
    return there.name if there else cleaned("name", known.person.name())


def _takes_address(user: Part[User]) -> bool:
    return user.after is not None and user.after.address != (user.before.address if user.before else "")


def _site_to_make(context: Context, known: Identified, user: Part[User]) -> Site | None:
    site = known.choice.site
    if site is None or not known.choice.made or user.after is None or user.after.site != site.site_id:
        return None
    return replace(site, source=context.connection_id, created_at=context.at)


def _steps(known: Identified, user: Part[User], agent: Part[Agent]) -> tuple[Step, ...]:
    """Everything that was looked at, in order: mappings, who they are, what is in the way."""
    found = [("the user", known.user.by), ("the agent", known.agent.by)]
    who = tuple(Step(what, f"found by {by}" if by != "new" else "nobody yet") for what, by in found if by)
    reasons = dict.fromkeys((known.trouble, user.reason, agent.reason, known.why_no_agent))
    told = tuple(Step(str(each), MEANINGS[each].text) for each in reasons if each)
    return (*known.choice.steps, *who, *told, *user.steps, *agent.steps)
