"""One person of a connection's directory: what a run would do about them now, and what the last ones did."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from shared.api.directory_runs import FieldChange, PlanEntry, Step, shown
from shared.api.given import Rt
from shared.api.problems import documented
from shared.api.roles import Role, needs
from shared.api.values import Guid, Output, Slug
from shared.connections import store as connections
from shared.directory import looking

router = APIRouter(prefix="/connections/{connection_id}/directory/people", tags=["directory"])

Person = Annotated[
    str,
    StringConstraints(
        pattern=r"^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[A-Za-z0-9._'!#^~+-]{1,64}@[A-Za-z0-9.-]{1,190})$"
    ),
    Field(examples=["ada@contoso.example"]),
]
"""An object id, or a user principal name: the characters that Entra allows there.
https://learn.microsoft.com/en-us/entra/identity/hybrid/connect/plan-connect-userprincipalname"""


class Outlook(Output):
    """What a run would do about a person now. ``steps``: everything that was looked at, and what came of it."""

    entry: PlanEntry
    steps: list[Step]
    properties: dict[str, str] = Field(description="What Entra says of them, as far as the rules ask for it.")
    groups: list[str] = Field(description="Object ids of the groups that they are in, nested ones among them.")


class Event(Output):
    """What one run did about a person."""

    run: str
    at: datetime
    outcome: str
    reason: str
    matched_by: str
    user_mapping: str
    agent_mapping: str
    changes: list[FieldChange]


class History(Output):
    """What is known of a person, and what came of them in the last runs that did anything, newest first."""

    object_id: str
    name: str
    outcome: str
    reason: str
    user_id: str
    agent_id: str
    events: list[Event]


@router.get("/{person}", openapi_extra=needs(Role.OPERATOR), responses=documented(404, 409, 502))
def get_directory_person(rt: Rt, connection_id: Slug, person: Person) -> Outlook:
    """Ask Entra for one person and say, step by step, what a run would do about them; nothing is changed."""
    connections.get(rt, connection_id)
    return outlook(looking.what_would_happen(rt, connection_id, person))


def outlook(found: looking.Outlook) -> Outlook:
    """What would happen to somebody, as the API shows it."""
    return Outlook(
        entry=shown(found.entry),
        steps=[Step.model_validate(each) for each in found.steps],
        properties={name: found.person.text(name) for name in sorted(found.person.properties) if "@" not in name},
        groups=sorted(found.person.all_groups),
    )


@router.get("/{object_id}/history", openapi_extra=needs(Role.OPERATOR), responses=documented(404))
def get_directory_history(rt: Rt, connection_id: Slug, object_id: Guid) -> History:
    """Say what runs did about one person, and why."""
    connections.get(rt, connection_id)
    known, events = looking.history(rt, connection_id, object_id)
    return History(
        object_id=known.object_id,
        name=known.name,
        outcome=known.outcome,
        reason=known.reason,
        user_id=known.user_id,
        agent_id=known.agent_id,
        events=[Event.model_validate(each) for each in events],
    )
