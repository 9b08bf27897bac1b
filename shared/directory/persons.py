"""A person of the tenant as Entra told of them, whatever the desk makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Gone = Literal["", "deleted", "missing"]
"""*deleted*: Entra says so; *missing*: a whole round that came to its end did not name them."""


@dataclass(frozen=True, slots=True)
class Person:
    """``properties``: what was asked of Entra, by Graph's names; absent, null and empty mean the same.

    ``manager``: the object id of the manager. ``groups``: ids of the groups that the person is in directly;
    ``all_groups``: those and, through nested groups, all others.
    """

    object_id: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    manager: str = ""
    groups: frozenset[str] = frozenset()
    all_groups: frozenset[str] = frozenset()
    gone: Gone = ""

    def texts(self, name: str) -> tuple[str, ...]:
        """All values of a property as texts, none for an empty one. ``a.b`` is the part ``b`` of the property ``a``."""
        value = self.properties.get(name)
        if isinstance(value, str):  # most are
            return (value.strip(),) if value.strip() else ()
        if name == "manager":
            return (self.manager,) if self.manager else ()
        if "." in name:
            value = self._part(name)
        values = value if isinstance(value, list | tuple) else (value,)
        return tuple(text for text in map(_text, values) if text)

    def _part(self, name: str) -> object:
        value: Any = self.properties
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def text(self, name: str) -> str:
        """A property as text; several values (business phones) become the first one, true and false their words."""
        value = self.properties.get(name)
        if isinstance(value, str):
            return value.strip()
        return next(iter(self.texts(name)), "")

    def is_disabled(self) -> bool:
        """Whether Entra says that the account is blocked; what it does not say is not believed."""
        return self.properties.get("accountEnabled") is False

    def is_licensed(self) -> bool:
        """Whether a license is assigned, by hand or through a group."""
        return bool(self.properties.get("assignedLicenses"))

    def is_in(self, group_id: str, *, transitive: bool) -> bool:
        """Whether the person is in a group, directly or, ``transitive``, through others."""
        return group_id in (self.all_groups if transitive else self.groups)

    def name(self) -> str:
        """What to call them where nothing of the desk does."""
        return self.text("displayName") or self.text("userPrincipalName") or self.object_id


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):  # an assigned license
        value = value.get("skuId")
    return "" if value is None else str(value).strip()
