"""What is wrong with rules, before they are kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from shared.directory.choosing import in_order
from shared.directory.criteria import find_fault
from shared.directory.mapping import AGENT_TARGETS, CUSTOM, LINE_MANAGER, MANAGER, USER_TARGETS
from shared.directory.properties import PROPERTIES
from shared.directory.rules import AGENT_SITE, FieldMapping, Group, RoleMapping, Rules, SiteMapping
from shared.directory.structure import Givable, Structure

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_IDENTITY = ("name", "address")
"""What is Entra's alone: no two people of a mapping have the same."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that cannot be kept. ``field``: where it is, such as ``site_mappings.2.group.id``."""

    field: str
    cause: str
    cure: str


Problems = Iterator[Problem]


def check(rules: Rules, structure: Structure) -> list[Problem]:
    """Everything that is wrong, in the order of the rules; an empty list for rules that can be kept."""
    return [
        *_fields("user_fields", rules.user_fields, user_targets(structure), MANAGER),
        *_fields("agent_fields", rules.agent_fields, AGENT_TARGETS, LINE_MANAGER),
        *_site_mappings(rules.site_mappings, structure),
        *_role_mappings("agent_roles", rules.agent_roles, "agent", structure),
        *_role_mappings("user_roles", rules.user_roles, "user", structure),
        *_teams(rules, structure),
        *_boards(rules, structure),
        *_roles_named(rules, structure),
        *_matching("user_matching", rules.user_matching, (*_IDENTITY, *user_targets(structure)), rules.user_fields),
        *_matching("agent_matching", rules.agent_matching, AGENT_TARGETS, rules.agent_fields),
        *_organization("licenses_organization", rules.licenses_organization, structure, optional=True),
        *_managed_licenses(rules),
    ]


def user_targets(structure: Structure) -> tuple[str, ...]:
    """What a user mapping may fill, the custom fields of this desk among it."""
    return (*USER_TARGETS, *(f"{CUSTOM}{name}" for name in sorted(structure.custom_fields)))


def _fields(place: str, fields: Sequence[FieldMapping], targets: Sequence[str], manager: str) -> Problems:
    yield from _twice(place, [each.target for each in fields], "target", "Let each field be filled by one property.")
    for number, each in enumerate(fields):
        here = f"{place}.{number}"
        if each.source not in PROPERTIES:
            yield _unknown_property(f"{here}.source", each.source)
        if each.target not in targets:
            yield _unknown_target(f"{here}.target", each.target, targets)
        if (each.source == "manager") != (each.target == manager):
            cause = f"'manager' fills '{manager}' and nothing else, and nothing else fills '{manager}'."
            yield Problem(here, cause, f"Map 'manager' to '{manager}', or choose other fields.")


def _unknown_property(field: str, name: str) -> Problem:
    cause = f"'{name}' is no property of Entra users that can be read for all of them."
    return Problem(field, cause, f"Choose one of: {', '.join(sorted(PROPERTIES))}.")


def _unknown_target(field: str, name: str, targets: Iterable[str]) -> Problem:
    if name.startswith(CUSTOM):
        return Problem(
            field, f"There is no custom field '{name.removeprefix(CUSTOM)}'.", "Make it first (/custom-fields)."
        )
    return Problem(field, f"'{name}' is no field that can be filled.", f"Choose one of: {', '.join(targets)}.")


def _twice(place: str, names: Sequence[str], what: str, cure: str) -> Problems:
    counts = Counter(names)
    for number, name in enumerate(names):
        if counts[name] > 1 and names.index(name) < number:
            yield Problem(f"{place}.{number}.{what}", f"The {what} '{name}' is there already.", cure)


def _site_mappings(mappings: tuple[SiteMapping, ...], structure: Structure) -> Problems:
    yield from _twice("site_mappings", [each.mapping_id for each in mappings], "mapping_id", "Give each its own id.")
    sequences = [str(each.sequence) for each in mappings]
    yield from _twice("site_mappings", sequences, "sequence", "Give each its own place in the sequence.")
    for number, mapping in enumerate(mappings):
        here = f"site_mappings.{number}"
        if mapping.group:
            yield from _group(f"{here}.group", mapping.group)
        for which, criterion in enumerate(mapping.criteria):
            if criterion.field not in PROPERTIES:
                yield _unknown_property(f"{here}.criteria.{which}.field", criterion.field)
            yield from _comparison(f"{here}.criteria.{which}", criterion.operator, criterion.value)
        yield from _destination(here, mapping, structure)
        yield from _what_is_given(here, mapping, structure)


def _comparison(here: str, operator: str, value: str) -> Problems:
    fault = find_fault(value) if operator == "matches" else ""
    if fault:
        cure = "Write it as RE2 takes it: https://github.com/google/re2/wiki/Syntax"
        yield Problem(f"{here}.value", f"That is no regular expression: {fault}.", cure)
    if operator not in {"empty", "not_empty", "matches"} and not value.strip():
        yield Problem(f"{here}.value", "There is nothing to compare with.", "Give a value, or use 'empty'.")


def _destination(here: str, mapping: SiteMapping, structure: Structure) -> Problems:
    match mapping.kind:
        case "site":
            if not mapping.makes_agents:
                yield from _site(f"{here}.site_id", mapping.site_id, structure)
        case "organization":
            yield from _organization(f"{here}.organization_id", mapping.organization_id, structure)
            if mapping.field not in PROPERTIES or mapping.field == "manager":
                yield _unknown_property(f"{here}.field", mapping.field)
        case "match":
            targets = [each for each in user_targets(structure) if each != MANAGER]
            if mapping.user_field not in targets:
                yield _unknown_target(f"{here}.user_field", mapping.user_field, targets)
            if mapping.default_site:
                yield from _site(f"{here}.default_site", mapping.default_site, structure)


def _site(field: str, site_id: str, structure: Structure) -> Problems:
    if structure.find_site(site_id) is None:
        cure = f"Choose an active site of an active organization, or '{AGENT_SITE}' where agents are meant."
        yield Problem(field, f"There is no active site '{site_id}'.", cure)


def _organization(field: str, organization_id: str, structure: Structure, *, optional: bool = False) -> Problems:
    if not structure.has_organization(organization_id) and not (optional and not organization_id):
        yield Problem(field, f"There is no active organization '{organization_id}'.", "Choose an active organization.")


def _what_is_given(here: str, mapping: SiteMapping, structure: Structure) -> Problems:
    if mapping.user_role:
        yield from _given(f"{here}.user_role", mapping.user_role, "user", structure)
    for number, role in enumerate(mapping.agent_roles):
        yield from _given(f"{here}.agent_roles.{number}", role, "agent", structure)
    targets = AGENT_TARGETS if mapping.makes_agents else user_targets(structure)
    allowed = [each for each in targets if each not in {*_IDENTITY, MANAGER, LINE_MANAGER}]
    for target in mapping.values:
        if target not in allowed:
            yield _unknown_target(f"{here}.values.{target}", target, allowed)
    if mapping.makes_agents and mapping.user_role:
        cause = "A mapping that makes agents gives no user role."
        yield Problem(f"{here}.user_role", cause, "Give it in the mapping that takes them as users, or by a group.")
    if not mapping.makes_agents and (mapping.agent_roles or mapping.agent_license != "no_change"):
        cause = "Only a mapping that makes agents gives agent roles or a license."
        yield Problem(f"{here}.agent_roles", cause, f"Choose the site '{AGENT_SITE}', or leave them out.")


_KINDS: dict[Givable, tuple[str, str]] = {
    "agent": ("agent role", "/roles"),
    "user": ("user role", "/roles"),
    "team": ("team", "/teams"),
    "board": ("board", "/boards"),
}


def _given(field: str, id_: str, kind: Givable, structure: Structure) -> Problems:
    name, route = _KINDS[kind]
    if id_ not in structure.givable.get(kind, frozenset()):
        yield Problem(field, f"There is no active {name} '{id_}'.", f"Choose one of {route}.")


def _group(field: str, group: Group) -> Problems:
    if not _GUID.fullmatch(group.id):
        cure = "Choose the group from the list; its object id stands in Entra under Groups."
        yield Problem(f"{field}.id", f"'{group.id}' is not the object id of a group.", cure)


def _role_mappings(place: str, mappings: Sequence[RoleMapping], kind: Givable, structure: Structure) -> Problems:
    for number, each in enumerate(mappings):
        yield from _group(f"{place}.{number}.group", each.group)
        yield from _given(f"{place}.{number}.role_id", each.role_id, kind, structure)


def _teams(rules: Rules, structure: Structure) -> Problems:
    for number, each in enumerate(rules.teams):
        yield from _group(f"teams.{number}.group", each.group)
        yield from _given(f"teams.{number}.team_id", each.team_id, "team", structure)


def _boards(rules: Rules, structure: Structure) -> Problems:
    for number, each in enumerate(rules.boards):
        here, board = f"boards.{number}", structure.boards.get(each.board_id)
        yield from _group(f"{here}.group", each.group)
        yield from _given(f"{here}.board_id", each.board_id, "board", structure)
        if board and each.seat_role and each.seat_role not in board.seat_roles:
            cure = f"Choose one of: {', '.join(board.seat_roles) or 'none, the board has no roles'}."
            yield Problem(f"{here}.seat_role", f"The board '{board.name}' has no role '{each.seat_role}'.", cure)


def _roles_named(rules: Rules, structure: Structure) -> Problems:
    if rules.role_without_manager:
        yield from _given("role_without_manager", rules.role_without_manager, "user", structure)
    for name in ("inactive_roles", "named_roles"):
        for number, role in enumerate(getattr(rules.agent_licenses, name)):
            yield from _given(f"agent_licenses.{name}.{number}", role, "agent", structure)
    gives = any(each.agent_roles for each in in_order(rules.site_mappings)) or rules.agent_roles
    if rules.full_role_management and not gives:
        cause = "Roles are to be managed by Entra, but no mapping gives an agent role: every agent would be inactive."
        yield Problem("full_role_management", cause, "Add agent role mappings first.")


def _managed_licenses(rules: Rules) -> Problems:
    if rules.manage_licenses and not rules.licenses_organization:
        cause = "Licenses are to be managed from here, but none are imported."
        yield Problem("manage_licenses", cause, "Set 'licenses_organization', too.")


def _matching(place: str, names: Sequence[str], targets: Sequence[str], fields: Sequence[FieldMapping]) -> Problems:
    filled = {each.target for each in fields}
    for number, name in enumerate(names):
        if name not in targets or name in {MANAGER, LINE_MANAGER, "team"}:
            yield _unknown_target(f"{place}.{number}", name, targets)
        elif name not in filled:
            cause = f"Nobody can be found by '{name}': no property of Entra is mapped to it."
            yield Problem(f"{place}.{number}", cause, f"Map a property to '{name}', or match on another field.")
        if names.index(name) < number:
            yield Problem(f"{place}.{number}", f"'{name}' is there already.", "Name each field once.")
