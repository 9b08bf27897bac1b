"""Which accounts of a tenant are no people, and who is there from outside."""

from __future__ import annotations

from shared.directory.persons import Person
from shared.directory.reasons import Reason

_AI_AGENT = "microsoft.graph.agentuser"
"""The type of an AI agent's account among users. https://learn.microsoft.com/en-us/graph/api/resources/agentuser"""

_NOT_A_PERSONS = frozenset({"shared", "room", "equipment"})
"""What a mailbox may be for. https://learn.microsoft.com/en-us/graph/api/resources/mailboxsettings"""

_FROM_OUTSIDE = frozenset({"invitation", "selfservicesignup"})
"""Ways in which accounts of outsiders are made; ``EmailVerified`` is somebody of the tenant's own.
https://learn.microsoft.com/en-us/graph/api/resources/user#properties"""


def find_other_kind(person: Person) -> Reason | None:
    """What an account is if it is no person, so far as its properties tell; None for a person.

    ``mailboxSettings`` is not listed with users: it is looked up of who would come in (``purposes``).
    """
    if str(person.properties.get("@odata.type", "")).lstrip("#").lower() == _AI_AGENT:
        return Reason.AI_AGENT
    if person.properties.get("isResourceAccount") is True:
        return Reason.RESOURCE
    if person.text("mailboxSettings.userPurpose").lower() in _NOT_A_PERSONS:
        return Reason.MAILBOX
    return None


def is_external(person: Person) -> bool:
    """Whether somebody is from outside the tenant. A guest who was made a member stays one: each sign alone is enough.

    https://learn.microsoft.com/en-us/entra/external-id/user-properties
    """
    return (
        person.text("userType").lower() == "guest"
        or person.text("creationType").lower() in _FROM_OUTSIDE
        or bool(person.text("externalUserState"))
        or "#ext#" in person.text("userPrincipalName").lower()
    )


def is_let_in(person: Person, external: str) -> bool:
    """Whether a mapping that takes external users so (*no*, *all*, *licensed*) lets a person in."""
    if not is_external(person) or external == "all":
        return True
    return external == "licensed" and person.is_licensed()
