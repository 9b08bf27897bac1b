"""Whether somebody is active at the desk, and whose word that is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.desk.agents import Agent
from shared.desk.people import User
from shared.directory.persons import Person
from shared.directory.reasons import Reason
from shared.directory.rules import Rules


@dataclass(frozen=True, slots=True)
class Standing:
    """``removed``: it is this run that makes them inactive; ``reason``: what there is to say, None for nothing.

    ``rests``: nothing else about them is touched, since they are not to be active.
    """

    active: bool
    deactivated_by: str = ""
    reason: Reason | None = None
    removed: bool = False
    rests: bool = False


def find_departure(person: Person, rules: Rules, absence: Reason | None) -> Reason | None:
    """Why somebody leaves the desk, as the rules say, None if they do not. ``absence``: why no mapping takes them."""
    if person.gone:
        return absence if rules.leaving != "never" else None
    return absence if rules.leaving == "deleted_or_unmapped" else None


def with_standing[Half: (User, Agent)](known: Half, standing: Standing) -> Half:
    """Somebody as they stand from now on."""
    if (known.active, known.deactivated_by) == (standing.active, standing.deactivated_by):
        return known
    return replace(known, active=standing.active, deactivated_by=standing.deactivated_by)


def stand(known: User | Agent, why_not: Reason | None, connection_id: str, *, taken: bool) -> Standing:
    """Whether somebody is active from now on; ``why_not``: why they should not be; ``taken``: a mapping takes them.

    Who is kept active stays so. Only who this connection made inactive is made active by it.
    """
    if known.active and not (why_not and not known.kept_active):
        return Standing(True, reason=Reason.KEPT_ACTIVE if why_not else None)
    if known.active:
        return Standing(False, connection_id, why_not, removed=True, rests=True)
    if known.deactivated_by != connection_id:
        return Standing(False, known.deactivated_by, why_not or Reason.BY_HAND, rests=why_not is not None)
    if taken and not why_not:
        return Standing(True, reason=Reason.RETURNED)
    return Standing(False, connection_id, why_not, rests=True)
