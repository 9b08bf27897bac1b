"""Organizations: what sites belong to."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query

from shared.api.given import Rt
from shared.api.paging import Page
from shared.api.problems import documented
from shared.api.roles import Role, needs
from shared.api.structure import Calling, IfMatch, NamedQuery, page
from shared.api.values import Body, Changes, Guid, Name, Output, Time
from shared.desk import in_use, organizations

router = APIRouter(prefix="/organizations", tags=["organizations"])


class NewOrganization(Body):
    """An organization to make. No two have the same name."""

    name: Name


class OrganizationChange(Changes):
    """What to change; the rest stays as it is."""

    name: Name = ""
    active: bool = True


class Organization(Output):
    """An organization."""

    organization_id: str
    name: str
    active: bool
    created_at: Time


@router.get("", openapi_extra=needs(Role.READER))
def list_organizations(rt: Rt, query: Annotated[NamedQuery, Query()]) -> Page[Organization]:
    """List the organizations that fit."""
    return page(rt, organizations.KIND, query, Organization, query.fits)


@router.post("", status_code=201, openapi_extra=needs(Role.ADMIN), responses=documented(409))
def create_organization(call: Calling, new: NewOrganization) -> Organization:
    """Make an organization."""
    organization_id, now = call.new()
    made = organizations.Organization(organization_id, new.name, created_at=now)
    return Organization.model_validate(call.create(organizations.KIND, made, new.model_dump()))


@router.get("/{organization_id}", openapi_extra=needs(Role.READER), responses=documented(404))
def get_organization(call: Calling, organization_id: Guid) -> Organization:
    """Read one organization."""
    return Organization.model_validate(call.read(organizations.KIND, organization_id).thing)


@router.patch("/{organization_id}", openapi_extra=needs(Role.ADMIN), responses=documented(404, 409))
def change_organization(
    call: Calling, organization_id: Guid, change: OrganizationChange, if_match: IfMatch = None
) -> Organization:
    """Change what is named. One that is in use cannot be made inactive."""
    before, values = call.read(organizations.KIND, organization_id, if_match), change.model_dump(exclude_unset=True)
    after = replace(before.thing, **values)
    if before.thing.active and not after.active:
        in_use.check_organization(call.rt, after)
    return Organization.model_validate(call.change(organizations.KIND, before, after, values))
