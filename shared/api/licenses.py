"""Licenses: which there are, how many are in use, and who has which through what."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from shared.api import audit
from shared.api.given import Admitted, Rt
from shared.api.paging import Everything, Page
from shared.api.problems import documented
from shared.api.reach import Within
from shared.api.roles import Role, needs
from shared.api.structure import NamedQuery, page
from shared.api.values import Guid, Output, Slug, Time
from shared.connections import store as connections
from shared.desk import licenses, people
from shared.desk.licenses import id_of
from shared.directory import license_import
from shared.directory.licensing import Licensed, licensed_of
from shared.errors import Conflict, NotFound
from shared.graph import directory as graph_directory
from shared.graph import licenses as graph
from shared.runtime import Runtime

router = APIRouter(tags=["licenses"])

LicenseId = Annotated[
    str,
    StringConstraints(pattern="^[a-z0-9-]{1,64}~[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"),
    Field(examples=["contoso~6fd2c87f-b296-42f0-b197-1e91e994b900"]),
]
"""The id of a license: its connection, and the id of the product in Entra."""


class LicenseQuery(NamedQuery):
    """Which licenses to list: those that fit everything that is named."""

    organization: Guid | None = Field(default=None, description="The id of the organization that bought them.")
    connection: Slug | None = Field(default=None, description="The id of the connection that they come from.")

    def fits_license(self, license_: licenses.License) -> bool:
        """Whether a license is asked for."""
        of_it = self.organization in (None, license_.organization_id)
        return of_it and self.connection in (None, license_.connection_id) and self.fits(license_)


class License(Output):
    """A product of an organization. ``total``: units that may be given; ``used``: those that are."""

    license_id: str
    organization_id: str
    name: str
    sku: str
    total: int
    used: int
    connection_id: str
    active: bool
    updated_at: Time


class Group(Output):
    """A group of Entra."""

    id: str
    name: str


class HeldLicense(Output):
    """A license of a user. ``direct``: it is their own; ``groups``: those that give it, and can alone take it away.

    ``active``: they may use it; where not, ``error`` is Entra's word for why.
    """

    license_id: str
    name: str
    direct: bool
    groups: list[Group]
    active: bool
    error: str


class UserLicenses(Output):
    """What a user has at this moment. ``usage_location``: the country they are in; without one nothing can be given."""

    usage_location: str
    items: list[HeldLicense]


@router.get("/licenses", openapi_extra=needs(Role.READER))
def list_licenses(rt: Rt, reach: Within, query: Annotated[LicenseQuery, Query()]) -> Page[License]:
    """List the licenses that fit."""

    def fits(license_: licenses.License) -> bool:
        return license_.connection_id not in reach.hidden and query.fits_license(license_)

    return page(rt, licenses.KIND, query, License, fits, filtered=bool(reach.hidden))


@router.post(
    "/connections/{connection_id}/licenses/import", openapi_extra=needs(Role.OPERATOR), responses=documented(404, 409)
)
def import_connection_licenses(rt: Rt, caller: Admitted, connection_id: Slug) -> Everything[License]:
    """Look now which licenses the tenant has; it is done once a day anyway."""
    connections.get(rt, connection_id)
    with audit.recorded(rt, caller, "licenses.imported", connection_id):
        found = license_import.import_licenses(rt, connection_id)
    return Everything(items=[License.model_validate(each) for each in found])


@router.get("/users/{user_id}/licenses", openapi_extra=needs(Role.OPERATOR), responses=documented(404, 409))
def list_user_licenses(rt: Rt, reach: Within, user_id: Guid) -> UserLicenses:
    """Ask Entra what a user has at this moment, and through which groups."""
    connection_id, _, object_id = people.get_user(rt, user_id).origin.partition("/")
    if connection_id in reach.hidden or not object_id:
        raise Conflict("This user comes from no connection that you see.", "Choose a user whose 'origin' is in Entra.")
    client = connections.graph_client(rt, connection_id)
    found = graph.find_licensed(client, object_id)
    if found is None:
        raise NotFound("The user is not in Entra any more.", "Wait for the next run of the directory.")
    present = licensed_of(found)
    groups = {group for each in present.holdings.values() for group in each.groups}
    names = graph_directory.find_group_names(client, sorted(groups))
    return UserLicenses(usage_location=present.country, items=_shown(rt, connection_id, present, names))


def _shown(rt: Runtime, connection_id: str, present: Licensed, names: dict[str, str]) -> list[HeldLicense]:
    known = licenses.load_of(rt, connection_id)
    found = []
    for each in present.holdings.values():
        license_id = id_of(connection_id, each.sku)
        shown = HeldLicense(
            license_id=license_id,
            name=known[license_id].name if license_id in known else each.sku,
            direct=each.direct,
            groups=[Group(id=group, name=names.get(group, group)) for group in each.groups],
            active=each.active,
            error=each.error,
        )
        found.append(shown)
    return found
