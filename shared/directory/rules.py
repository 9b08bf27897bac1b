"""What an admin wishes of a connection's directory: who comes in, as what, and what happens to those who leave.

Entra's groups are named by their object id, with the name they had when they were chosen; everything of the desk by its
id. All lists keep their order. ``values`` and ``target`` name fields of the desk (``mapping.USER_TARGETS`` and
``mapping.AGENT_TARGETS``), ``source`` and ``field`` properties of Entra (``properties``).
"""

from __future__ import annotations

import hashlib
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Operator = Literal[
    "equals",
    "not_equals",
    "contains",
    "not_contains",
    "starts_with",
    "not_starts_with",
    "empty",
    "not_empty",
    "matches",
]
"""How a property is compared; ``matches`` takes a regular expression, and all ignore case but that one."""
External = Literal["no", "all", "licensed"]
AgentLicense = Literal["named", "concurrent", "no_change"]
SyncMethod = Literal["all", "in_use"]
Leaving = Literal["never", "deleted", "deleted_or_unmapped"]
AGENT_SITE = "*agent*"
"""The site of a mapping that makes agents."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Group(_Frozen):
    """A group of Entra; ``name`` is only for people."""

    id: str
    name: str = ""


class FieldMapping(_Frozen):
    """A property of Entra that fills a field of the desk."""

    source: str
    target: str


class Criterion(_Frozen):
    """A comparison that a person must pass."""

    field: str
    operator: Operator
    value: str = ""


class SiteMapping(_Frozen):
    """Some people of the tenant, and where they go. The first mapping that takes a person decides.

    ``kind`` *site*: to ``site_id`` (``AGENT_SITE`` makes agents, of the license type ``agent_license``);
    *organization*: to a site of ``organization_id`` that is called as ``field`` says, made if need be;
    *match*: to the site whose ``site_field`` (name, domain) equals the user's field ``user_field``, else to
    ``default_site``, else (empty) nowhere: the person is refused.
    """

    mapping_id: str
    name: str = ""
    sequence: int = 0
    kind: Literal["site", "organization", "match"]
    site_id: str = ""
    organization_id: str = ""
    field: str = ""
    site_field: Literal["name", "domain"] = "name"
    user_field: str = ""
    default_site: str = ""
    group: Group | None = None
    transitive: bool = False
    criteria: tuple[Criterion, ...] = ()
    external: External = "no"
    user_role: str = ""
    agent_license: AgentLicense = "no_change"
    agent_roles: tuple[str, ...] = ()
    values: dict[str, str] = Field(default_factory=dict)

    @property
    def makes_agents(self) -> bool:
        """Whether it takes people as agents."""
        return self.kind == "site" and self.site_id == AGENT_SITE

    def title(self) -> str:
        """What to call it in a sentence."""
        return f"the site mapping '{self.name or self.mapping_id}'"


class RoleMapping(_Frozen):
    """Members of a group have a role."""

    group: Group
    role_id: str
    transitive: bool = False


class TeamMapping(_Frozen):
    """Agents in a group are in a team."""

    group: Group
    team_id: str
    transitive: bool = False


class BoardMapping(_Frozen):
    """Users in a group sit on a board (CAB), with this role there."""

    group: Group
    board_id: str
    seat_role: str = ""
    transitive: bool = False


class AgentLicenses(_Frozen):
    """What an agent's roles decide: ``inactive_roles`` switch off, ``named_roles`` give a named license."""

    enabled: bool = False
    inactive_roles: tuple[str, ...] = ()
    named_roles: tuple[str, ...] = ()


class Cap(_Frozen):
    """How much one run may take away without asking: the larger of a number and a share (per cent) of all."""

    least: int = Field(default=10, ge=0)
    percent: float = Field(default=5.0, ge=0, le=100)


_NOT_PLANNED = {
    "enabled",
    "every_hours",
    "full_every_hours",
    "cap",
    "delta",
    "sync_method",
    "reassign_tickets",
    "last_sign_in",
    "manage_licenses",
    "groups_as_followers",
}
"""When, how much and how a run reads; what it would do about somebody does not hang on it."""


class Rules(_Frozen):
    """All of it. ``kinds``: whom the run brings in; ``every_hours``: how often it begins by itself, 0 never;
    ``full_every_hours``: after how many hours a run reads everything all the same, 0 never (``schedule.is_full_due``).

    ``role_without_manager``: a user role for who has no manager. ``full_role_management``: roles given by hand are
    taken from agents, and who has none left is inactive. ``remove_from_teams``: who left a group leaves its team.
    ``leaving``: who is deactivated. ``disabled_users``: whether a blocked account makes a user inactive, and keeps new
    ones out (of agents it always does). ``people_only``: shared, room, equipment and resource accounts and AI agents
    stay out. ``user_matching``, ``agent_matching``: fields of the desk by which somebody known is found, in order.
    """

    enabled: bool = False
    kinds: tuple[Literal["users", "agents"], ...] = ("users", "agents")
    every_hours: int = Field(default=1, ge=0, le=168)
    full_every_hours: int = Field(default=24, ge=0, le=168)
    user_fields: tuple[FieldMapping, ...] = ()
    agent_fields: tuple[FieldMapping, ...] = ()
    site_mappings: tuple[SiteMapping, ...] = ()
    agent_roles: tuple[RoleMapping, ...] = ()
    user_roles: tuple[RoleMapping, ...] = ()
    teams: tuple[TeamMapping, ...] = ()
    boards: tuple[BoardMapping, ...] = ()
    role_without_manager: str = ""
    full_role_management: bool = False
    remove_from_teams: bool = True
    agent_licenses: AgentLicenses = AgentLicenses()
    user_matching: tuple[str, ...] = ()
    agent_matching: tuple[str, ...] = ()
    people_only: bool = True
    disabled_users: Literal["deactivate", "keep"] = "deactivate"
    leaving: Leaving = "never"
    reassign_tickets: bool = False
    delta: bool = True
    sync_method: SyncMethod = "in_use"
    cap: Cap = Field(default_factory=Cap)
    last_sign_in: bool = False
    licenses_organization: str = ""
    manage_licenses: bool = False
    groups_as_followers: bool = False

    def version(self) -> str:
        """Changes when anything of it changes that can change a plan."""
        return hashlib.sha256(self.model_dump_json(exclude=_NOT_PLANNED).encode()).hexdigest()[:16]
