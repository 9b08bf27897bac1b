"""Which site mapping takes a person as a user, and which as an agent."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from shared.desk.keeping import name_key
from shared.desk.sites import Site
from shared.directory.criteria import described, passes
from shared.directory.mapping import Values, cleaned
from shared.directory.not_people import is_let_in
from shared.directory.persons import Person
from shared.directory.plan import Step
from shared.directory.reasons import Reason
from shared.directory.rules import SiteMapping
from shared.directory.structure import Structure

_NAMESPACE = uuid.UUID("0b6b7a56-1c7e-4b8f-9d1b-57a3c3a0e2c4")
Failure = Literal["", "group", "external", "criteria", "no name"]
"""What a person failed at; *no name*: the field that names the site is empty."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What takes a person. ``site``: where the user goes, None where no mapping says; ``made``: it is not there yet.

    ``reason``: why nothing takes them (UNMAPPED, EXTERNAL, ...), or why the mapping that does knows no site for them.
    """

    user: SiteMapping | None = None
    agent: SiteMapping | None = None
    site: Site | None = None
    made: bool = False
    reason: Reason | None = None
    steps: tuple[Step, ...] = ()

    @property
    def taken(self) -> bool:
        """Whether any mapping takes them."""
        return self.user is not None or self.agent is not None


@dataclass(frozen=True, slots=True)
class _Placing:
    site: Site | None
    made: bool = False
    reason: Reason | None = None


def choose(person: Person, mappings: tuple[SiteMapping, ...], structure: Structure, values: Values) -> Choice:
    """Go through the mappings in their sequence: the first that takes a person decides, for users and agents apart.

    ``values``: what the user's fields are to hold, for mappings that go by one of them.
    """
    taken: dict[bool, SiteMapping] = {}
    steps: list[Step] = []
    failures: set[Failure] = set()
    for mapping in in_order(mappings):
        if mapping.makes_agents in taken:
            continue
        failure, told = _look(mapping, person)
        steps.append(Step(mapping.title(), told, mapping.mapping_id))
        failures.add(failure)
        if not failure:
            taken[mapping.makes_agents] = mapping
    user, agent = taken.get(False), taken.get(True)
    if user is None:
        reason = None if agent else Reason.EXTERNAL if "external" in failures else Reason.UNMAPPED
        return Choice(None, agent, reason=reason, steps=tuple(steps))
    placing = _place(user, person, structure, values)
    return Choice(user, agent, placing.site, placing.made, placing.reason, (*steps, _placed(user, placing)))


def in_order(mappings: tuple[SiteMapping, ...]) -> list[SiteMapping]:
    """Site mappings as they are looked at: by their sequence, then as they stand."""
    return sorted(mappings, key=lambda each: each.sequence)


def _look(mapping: SiteMapping, person: Person) -> tuple[Failure, str]:
    """What a person fails at, and that in words. External users are looked at last, so that it is the only reason."""
    for failure, told in _failures(mapping, person):
        return failure, told
    return "", "takes the agent" if mapping.makes_agents else "takes the user"


def _failures(mapping: SiteMapping, person: Person) -> Iterator[tuple[Failure, str]]:
    group = mapping.group
    if group and not person.is_in(group.id, transitive=mapping.transitive):
        yield "group", f"not a {'' if mapping.transitive else 'direct '}member of the group '{group.name or group.id}'"
    for criterion in mapping.criteria:
        if not passes(criterion, person):
            yield "criteria", f"fails at: {described(criterion)}; it is '{', '.join(person.texts(criterion.field))}'"
    if mapping.kind == "organization" and not cleaned("name", person.text(mapping.field)):
        yield "no name", f"{mapping.field}, which names the site, is empty"
    if not is_let_in(person, mapping.external):
        yield "external", _NOT_LET_IN[mapping.external]


_NOT_LET_IN = {"no": "external users are left out", "licensed": "external, and has no license"}


def _place(mapping: SiteMapping, person: Person, structure: Structure, values: Values) -> _Placing:
    match mapping.kind:
        case "site":
            return _existing(mapping.site_id, structure)
        case "organization":
            return _named(mapping.organization_id, cleaned("name", person.text(mapping.field)), structure)
        case "match":
            return _matched(mapping, structure, values)


def _existing(site_id: str, structure: Structure) -> _Placing:
    site = structure.find_site(site_id)
    return _Placing(site) if site else _Placing(None, reason=Reason.SITE_GONE)


def _named(organization_id: str, name: str, structure: Structure) -> _Placing:
    """The site of this name, to be made if need be: its id follows from its name, so that all who need it agree.

    One that was made so and was given another name since is still the one.
    """
    site_id = str(uuid.uuid5(_NAMESPACE, f"{organization_id}/{name_key(name)}"))
    site = structure.find_site_called(organization_id, name) or structure.sites.get(site_id)
    if site:
        return _existing(site.site_id, structure)
    if not structure.has_organization(organization_id):
        return _Placing(None, reason=Reason.SITE_GONE)
    return _Placing(Site(site_id, organization_id, name), made=True)


def _matched(mapping: SiteMapping, structure: Structure, values: Values) -> _Placing:
    value = values.get(mapping.user_field, "")
    found = structure.sites_with(mapping.site_field, value) if value else ()
    if len(found) == 1:
        return _Placing(found[0])
    if found:
        return _Placing(None, reason=Reason.SEVERAL_SITES)
    if mapping.default_site:
        return _existing(mapping.default_site, structure)
    return _Placing(None, reason=Reason.NO_SITE)


def _placed(mapping: SiteMapping, placing: _Placing) -> Step:
    if placing.site is None:
        return Step("the site", f"none: {placing.reason}", mapping.mapping_id)
    return Step("the site", f"'{placing.site.name}'{', to be made' if placing.made else ''}", mapping.mapping_id)
