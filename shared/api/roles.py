"""What callers may do: three roles, each of which may do all that the one before it may; and one beside them, for those
who connect tenants and administer nothing else.

They are *app roles* of the app registration, and reach us as the claim ``roles`` of a token.
https://learn.microsoft.com/en-us/entra/identity-platform/howto-add-app-roles-in-apps
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from shared.errors import Forbidden

_EXTENSION, _SET_UP = "x-role", "x-set-up"
_LONGEST_NAME = 100


class Role(IntEnum):
    """READER looks, OPERATOR does the day's work, ADMIN changes what is set up and what is secret."""

    READER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def claim(self) -> str:
        """Its name in Entra, such as ``Deskbridge.Admin``."""
        return f"Deskbridge.{self.name.title()}"


CONNECTOR = "Deskbridge.Connector"
"""An operator who makes connections, too, and sets up those that they see."""
_BY_CLAIM = {**{role.claim: role for role in Role}, CONNECTOR: Role.OPERATOR}


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who may use the API; ``object_id`` is Entra's, empty for who came by key. ``name`` is only for people:
    whoever bears it can change it. ``connects``: whether they make and set up connections, whatever their role is.
    """

    name: str
    role: Role
    object_id: str = ""
    connects: bool = False


def entitle(name: object, object_id: str, claims: Iterable[object]) -> Caller:
    """The caller with the highest of these roles; raises Forbidden where none of them is one of ours."""
    ours = [each for each in claims if isinstance(each, str) and each in _BY_CLAIM]
    if not ours:
        raise Forbidden(
            "None of the roles of this API was given to you.",
            f"Have an administrator assign you {Role.READER.claim} or a higher role in Entra, and sign in anew.",
        )
    shown = "".join(char for char in str(name) if char.isprintable())[:_LONGEST_NAME]
    role = max(_BY_CLAIM[each] for each in ours)
    return Caller(shown or object_id, role, object_id.lower(), connects=CONNECTOR in ours)


def needs(role: Role) -> dict[str, Any]:
    """The least role for a route, as its ``openapi_extra``: what is documented is what is enforced."""
    return {_EXTENSION: role.claim}


def sets_up() -> dict[str, Any]:
    """The same for a route that makes or sets up a connection: for administrators, for connectors, and for operators to
    whom that connection was given to set it up.
    """
    return {**needs(Role.ADMIN), _SET_UP: True}


def find_needed(extra: dict[str, Any] | None) -> Role | None:
    """The least role that a route's ``openapi_extra`` names; None where it names none."""
    return _BY_CLAIM.get((extra or {}).get(_EXTENSION, ""))


def is_set_up(extra: dict[str, Any] | None) -> bool:
    """Whether a route's ``openapi_extra`` is that of ``sets_up``."""
    return bool((extra or {}).get(_SET_UP))
