"""What Entra says of a person, as the desk's fields hold it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from shared.desk.people import DETAILS
from shared.directory.persons import Person
from shared.directory.rules import FieldMapping, Rules, SiteMapping

CUSTOM = "custom."
"""Before the name of a custom field, in a target."""
MANAGER, LINE_MANAGER, TEAM = "manager", "line_manager", "team"
USER_TARGETS = ("name", "address", MANAGER, *DETAILS)
"""What a user mapping may fill, besides custom fields (``custom.`` and the field's name)."""
AGENT_TARGETS = ("name", "address", LINE_MANAGER, TEAM, *DETAILS)
"""What an agent mapping may fill; ``team`` by the name of a team."""

_LONGEST = {"address": 254, "name": 256, "street": 1024}
_LONGEST_OTHERS = 256
_ADDRESS = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\".]+")
_UNSEEN = re.compile(
    r"[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""Characters that turn the direction of a text, that nobody sees, and halves of characters. The joiners stay: Persian
and the scripts of India need them."""


Values = Mapping[str, str]
"""What fields of the desk are to hold, by their targets."""


def default_rules() -> Rules:
    """The rules of a new connection: switched off, with the mappings that most desks want."""
    return Rules(
        user_fields=_mappings(_DEFAULTS, MANAGER),
        agent_fields=_mappings(_DEFAULTS, LINE_MANAGER),
        user_matching=("address",),
        agent_matching=("address",),
    )


_DEFAULTS = {
    "displayName": "name",
    "mail": "address",
    "givenName": "first_name",
    "surname": "last_name",
    "jobTitle": "title",
    "department": "department",
    "businessPhones": "phone",
    "mobilePhone": "mobile",
    "officeLocation": "office",
    "userPrincipalName": "login",
}


def _mappings(fields: Mapping[str, str], manager: str) -> tuple[FieldMapping, ...]:
    pairs = {**fields, "manager": manager}.items()
    return tuple(FieldMapping(source=source, target=target) for source, target in pairs)


def values_of(person: Person, fields: Sequence[FieldMapping]) -> Values:
    """What each field of the desk is to hold, as Entra says, but for managers.

    A property that is empty empties its field, but never a name, an address or a team.
    """
    told = {
        each.target: cleaned(each.target, person.text(each.source))
        for each in fields
        if each.target not in _BY_REFERENCE
    }
    return {target: value for target, value in told.items() if value or target not in _NEVER_EMPTIED}


_BY_REFERENCE = frozenset({MANAGER, LINE_MANAGER})
_NEVER_EMPTIED = frozenset({"name", "address", TEAM})


def with_set(values: Values, mapping: SiteMapping | None) -> Values:
    """The same with what a site mapping sets, which goes before what Entra says."""
    if mapping is None or not mapping.values:
        return values
    return {**values, **{target: cleaned(target, value) for target, value in mapping.values.items()}}


def reasons_of(fields: Sequence[FieldMapping], mapping: SiteMapping | None) -> dict[str, str]:
    """What gives each value, by its target."""
    told = {each.target: f"{each.source} in Entra" for each in fields}
    return told | {target: f"{mapping.title()} sets it" for target in (mapping.values if mapping else ()) if mapping}


def cleaned(target: str, text: str) -> str:
    """A value as the desk keeps it: one line, nothing unseen, not too long, and no address that cannot be one."""
    if not text.isprintable():  # few are not
        visible = _UNSEEN.sub("", text)
        text = "".join(" " if unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char for char in visible)
    short = " ".join(text.split())[: _LONGEST.get(target, _LONGEST_OTHERS)].strip()
    return _address(short) if target == "address" else short


def _address(text: str) -> str:
    return text.lower() if _ADDRESS.fullmatch(text) else ""


def fills_manager(fields: Sequence[FieldMapping]) -> bool:
    """Whether the manager is to be kept up to date."""
    return any(each.source == "manager" and each.target in {MANAGER, LINE_MANAGER} for each in fields)


def name_of(person: Person, values: Values) -> str:
    """What to call a newcomer, whatever is mapped: everybody has a name."""
    return values.get("name") or cleaned("name", person.name())


def filled(present: Mapping[str, str], values: Values, prefix: str = "") -> dict[str, str]:
    """Details, or custom fields (``prefix``), with the values that are mapped put in; empty ones go."""
    if prefix:
        ours = {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
    else:
        ours = {name: value for name, value in values.items() if name in _DETAILS}
    return {name: value for name, value in {**present, **ours}.items() if value}


_DETAILS = frozenset(DETAILS)
