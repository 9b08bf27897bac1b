"""Sites: where users are, and the mail domains by which a mail's sender gets one."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from shared.api import references
from shared.api.given import Rt
from shared.api.paging import Page
from shared.api.problems import documented
from shared.api.roles import Role, needs
from shared.api.structure import Calling, IfMatch, NamedQuery, page
from shared.api.values import Body, Changes, Guid, MailDomain, Name, Output, Time
from shared.desk import organizations, sites
from shared.errors import BadInput

router = APIRouter(prefix="/sites", tags=["sites"])

Domains = Annotated[
    list[MailDomain],
    Field(max_length=100, description="Senders who are not known yet get this site if their address has one of these."),
]


class SiteQuery(NamedQuery):
    """Which sites to list: those that fit everything that is named."""

    organization: Guid | None = Field(default=None, description="The id of their organization.")

    def fits_site(self, site: sites.Site) -> bool:
        """Whether a site is asked for."""
        return self.fits(site) and self.organization in (None, site.organization_id)


class NewSite(Body):
    """A site to make. No two of an organization have the same name, no two active ones have the same domain."""

    organization_id: Guid = Field(description="The id of an active organization.")
    name: Name
    domains: Domains = []


class SiteChange(Changes):
    """What to change; the rest stays as it is. ``domains``: all that it shall have from now on."""

    organization_id: Guid = Field(default="", description="The id of an active organization.")
    name: Name = ""
    domains: Domains = []
    active: bool = True


class Site(Output):
    """A site. ``source``: ``hand``, or the id of the connection whose directory made it."""

    site_id: str
    organization_id: str
    name: str
    domains: list[str]
    active: bool
    created_at: Time
    source: str


@router.get("", openapi_extra=needs(Role.READER))
def list_sites(rt: Rt, query: Annotated[SiteQuery, Query()]) -> Page[Site]:
    """List the sites that fit."""
    return page(rt, sites.KIND, query, Site, query.fits_site)


@router.post("", status_code=201, openapi_extra=needs(Role.ADMIN), responses=documented(409))
def create_site(call: Calling, new: NewSite) -> Site:
    """Make a site."""
    references.active(call.rt, organizations.KIND, "organization_id", new.organization_id)
    site_id, now = call.new()
    made = sites.Site(site_id, new.organization_id, new.name, _each_once(new.domains), created_at=now)
    return Site.model_validate(call.create(sites.KIND, made, new.model_dump()))


@router.get("/{site_id}", openapi_extra=needs(Role.READER), responses=documented(404))
def get_site(call: Calling, site_id: Guid) -> Site:
    """Read one site."""
    return Site.model_validate(call.read(sites.KIND, site_id).thing)


@router.patch("/{site_id}", openapi_extra=needs(Role.ADMIN), responses=documented(404, 409))
def change_site(call: Calling, site_id: Guid, change: SiteChange, if_match: IfMatch = None) -> Site:
    """Change what is named. Users stay at a site that is made inactive; mail finds it no more."""
    before, values = call.read(sites.KIND, site_id, if_match), change.model_dump(exclude_unset=True)
    told = {**values, **({"domains": _each_once(change.domains)} if "domains" in values else {})}
    after = replace(before.thing, **told)
    if "organization_id" in values or (after.active and not before.thing.active):
        references.active(call.rt, organizations.KIND, "organization_id", after.organization_id)
    return Site.model_validate(call.change(sites.KIND, before, after, values))


def _each_once(domains: Sequence[str]) -> tuple[str, ...]:
    if len({*domains}) < len(domains):
        raise BadInput("domains", "A domain is named twice.", "Name each once.")
    return tuple(domains)
