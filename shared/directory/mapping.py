"""What Entra says of a person, as the desk's fields hold it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Given:
    """A value for a field of the desk, and what gives it."""

    value: str
    because: str


Values = Mapping[str, Given]


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


def values_of(person: Person, fields: Sequence[FieldMapping], site_mapping: SiteMapping | None = None) -> Values:
    """What each field of the desk is to hold, but for managers; what a site mapping sets goes before what Entra says.

    A property that is empty empties its field, but never a name or an address.
    """
    set_values = site_mapping.values if site_mapping else {}
    told = {
        each.target: Given(cleaned(each.target, person.text(each.source)), f"{each.source} in Entra")
        for each in fields
        if each.target not in {MANAGER, LINE_MANAGER}
    }
    fixed = {target: Given(cleaned(target, value), _set_by(site_mapping)) for target, value in set_values.items()}
    return {target: given for target, given in {**told, **fixed}.items() if _fills(target, given)}


def _set_by(mapping: SiteMapping | None) -> str:
    return f"{mapping.title()} sets it" if mapping else ""


def _fills(target: str, given: Given) -> bool:
    return bool(given.value) or target not in {"name", "address", TEAM}


def cleaned(target: str, text: str) -> str:
    """A value as the desk keeps it: one line, nothing unseen, not too long, and no address that cannot be one."""
    visible = _UNSEEN.sub("", text)
    spaced = "".join(" " if unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char for char in visible)
    short = " ".join(spaced.split())[: _LONGEST.get(target, _LONGEST_OTHERS)].strip()
    return _address(short) if target == "address" else short


def _address(text: str) -> str:
    return text.lower() if _ADDRESS.fullmatch(text) else ""


def fills_manager(fields: Sequence[FieldMapping]) -> bool:
    """Whether the manager is to be kept up to date."""
    return any(each.source == "manager" and each.target in {MANAGER, LINE_MANAGER} for each in fields)


def name_of(person: Person, values: Values) -> Given:
    """What to call a newcomer, whatever is mapped: everybody has a name."""
    return values.get("name") or Given(cleaned("name", person.name()), "nothing else names them")


def filled(present: Mapping[str, str], values: Values, prefix: str = "") -> dict[str, str]:
    """Details, or custom fields (``prefix``), with the values that are mapped put in; empty ones go."""
    names = {target: target.removeprefix(prefix) for target in values if target.startswith(prefix)}
    ours = {name: values[target].value for target, name in names.items() if prefix or name in DETAILS}
    return {name: value for name, value in {**present, **ours}.items() if value}


def reasons_of(values: Values) -> dict[str, str]:
    """What gives each value, by its field."""
    return {target: given.because for target, given in values.items()}
