"""Roles of agents and users on the desk; those of callers of this API are given in Entra."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from shared.api.given import Rt
from shared.api.paging import Page
from shared.api.problems import documented
from shared.api.roles import Role, needs
from shared.api.structure import Calling, IfMatch, NamedQuery, page
from shared.api.values import Body, Changes, Guid, Name, Output, Time
from shared.desk import in_use, last_admin, roles
from shared.desk.roles import RoleKind
from shared.errors import BadInput

router = APIRouter(prefix="/roles", tags=["roles"])


class DeskRoleQuery(NamedQuery):
    """Which roles to list: those that fit everything that is named."""

    kind: RoleKind | None = None

    def fits_role(self, role: roles.Role) -> bool:
        """Whether a role is asked for."""
        return self.fits(role) and self.kind in (None, role.kind)


class NewDeskRole(Body):
    """A role to make. No two of a kind have the same name."""

    name: Name
    kind: RoleKind = Field(description="Whose role it is: that of agents, or of users.")
    admin: bool = Field(default=False, description="It opens all of the desk; for agents only.")


class DeskRoleChange(Changes):
    """What to change; the rest stays as it is."""

    name: Name = ""
    admin: bool = False
    active: bool = True


class DeskRole(Output):
    """A role of agents, or of users."""

    role_id: str
    name: str
    kind: str
    admin: bool
    active: bool
    created_at: Time


@router.get("", openapi_extra=needs(Role.READER))
def list_desk_roles(rt: Rt, query: Annotated[DeskRoleQuery, Query()]) -> Page[DeskRole]:
    """List the roles that fit."""
    return page(rt, roles.KIND, query, DeskRole, query.fits_role)


@router.post("", status_code=201, openapi_extra=needs(Role.ADMIN), responses=documented(409))
def create_desk_role(call: Calling, new: NewDeskRole) -> DeskRole:
    """Make a role."""
    role_id, now = call.new()
    made = roles.Role(role_id, new.name, new.kind, new.admin, created_at=now)
    _check_admin(made)
    return DeskRole.model_validate(call.create(roles.KIND, made, new.model_dump()))


@router.get("/{role_id}", openapi_extra=needs(Role.READER), responses=documented(404))
def get_desk_role(call: Calling, role_id: Guid) -> DeskRole:
    """Read one role."""
    return DeskRole.model_validate(call.read(roles.KIND, role_id).thing)


@router.patch("/{role_id}", openapi_extra=needs(Role.ADMIN), responses=documented(404, 409))
def change_desk_role(call: Calling, role_id: Guid, change: DeskRoleChange, if_match: IfMatch = None) -> DeskRole:
    """Change what is named. One that active agents have cannot be made inactive; one admin must remain."""
    before, values = call.read(roles.KIND, role_id, if_match), change.model_dump(exclude_unset=True)
    after = replace(before.thing, **values)
    _check_admin(after)
    if before.thing.active and not after.active:
        in_use.check_role(call.rt, after)
    also = last_admin.check_role(call.rt, before.thing, after)
    return DeskRole.model_validate(call.change(roles.KIND, before, after, values, also))


def _check_admin(role: roles.Role) -> None:
    if role.admin and role.kind == "user":
        raise BadInput("admin", "Users are never admins of the desk.", "Make a role of the kind agent.")
