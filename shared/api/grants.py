"""Grants: whom a connection was given to. While that is nobody in particular, all see it whose role allows it."""

from dataclasses import asdict
from typing import Literal

from fastapi import APIRouter
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from shared.api import audit
from shared.api.given import Admitted, Rt
from shared.api.problems import documented
from shared.api.roles import Role, needs
from shared.api.values import Body, Guid, Label, Output, Slug
from shared.connections import grants, store
from shared.connections.grants import Grant

router = APIRouter(prefix="/connections", tags=["connections"])


class GivenTo(Body):
    """A person, or an app. ``name`` is a note for whoever reads the list; only the object id counts."""

    object_id: Guid = Field(description="Object ID in Entra; of an app, that of its enterprise application.")
    access: Literal["read", "modify", "set_up"] = Field(
        description="`read`: to look; `modify`: to do all that the role allows; `set_up`: for an operator, to change "
        "this connection, its secret and the rules of its directory, too."
    )
    name: Label = ""


class NewGrants(Body):
    """Whom to give a connection to; nobody in particular, and so all, where the list is empty."""

    items: list[GivenTo] = Field(max_length=200)

    @model_validator(mode="after")
    def _names_each_once(self) -> "NewGrants":
        if len({each.object_id for each in self.items}) < len(self.items):
            raise PydanticCustomError("twice", "Should name each object id once")
        return self


class ShownGrant(Output):
    """Somebody whom a connection was given to."""

    object_id: str
    access: str
    name: str


class Grants(Output):
    """Whom a connection was given to; empty: to all."""

    items: list[ShownGrant]


@router.get("/{connection_id}/grants", openapi_extra=needs(Role.ADMIN), responses=documented(404))
def list_grants(rt: Rt, connection_id: Slug) -> Grants:
    """List whom a connection was given to."""
    store.get(rt, connection_id)
    return _shown(grants.get(rt, connection_id))


@router.put("/{connection_id}/grants", openapi_extra=needs(Role.ADMIN), responses=documented(404))
def change_grants(rt: Rt, caller: Admitted, connection_id: Slug, new: NewGrants) -> Grants:
    """Give a connection to these, and to nobody else; administrators see it in any case."""
    store.get(rt, connection_id)
    wanted = [Grant(**each.model_dump()) for each in new.items]
    before, after = _told(grants.get(rt, connection_id)), _told(wanted)
    with audit.recorded(rt, caller, "connection.granted", connection_id, before=before, after=after):
        grants.put(rt, connection_id, wanted)
    return _shown(wanted)


def _told(found: list[Grant]) -> dict[str, object]:
    return {"items": [asdict(each) for each in found]}


def _shown(found: list[Grant]) -> Grants:
    return Grants(items=[ShownGrant.model_validate(each) for each in found])
