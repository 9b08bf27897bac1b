"""What can be found out about a connection: whether it works, what it was granted, and how to limit its reach."""

from fastapi import APIRouter
from pydantic import Field

from shared.api.given import Rt
from shared.api.problems import documented
from shared.api.roles import Role, needs, sets_up
from shared.api.values import Body, MailboxAddress, Output, Slug
from shared.connections import alert_mail, permissions, scoping, store
from shared.errors import Conflict
from shared.mail import mailboxes
from shared.upkeep import checklist, trial

router = APIRouter(prefix="/connections", tags=["connections"])


class TrialWishes(Body):
    """What else to try."""

    outside_address: MailboxAddress | None = Field(
        default=None, description="A mailbox that the app must not reach: that it is refused is tried as well."
    )


class Probe(Output):
    """One thing that was tried.

    `name`: `cloud`, `sign-in`, `permissions`, `users`, `groups`, `licenses`, `sign-ins`, `mailbox`, `alert-mail`,
    `subscription`, `outside`, `calendar`, or `at-work`: whether it was disconnected, or is meant for elsewhere.

    `severity` says what it means where it is not ok: an `error` keeps the connection from its work.
    """

    name: str
    target: str
    ok: bool
    severity: str
    code: str
    cause: str
    cure: str


class PermissionLine(Output):
    """A permission, and how it stands: `granted`, `missing`, `undecided` or `not-needed`.

    `undecided`: the token does not show it, but Exchange may have granted it for some mailboxes (RBAC for
    Applications). Then the probes of the mailboxes decide.
    """

    permission: str
    kind: str
    feature: str
    purpose: str
    mandatory: bool
    standing: str
    source: str


class Trial(Output):
    """Whether a connection can do its work; where it cannot, why, and what to do about it first."""

    ok: bool
    cause: str = ""
    cure: str = ""
    probes: list[Probe]
    permissions: list[PermissionLine]


class Scoping(Output):
    """PowerShell, filled in; `access_policy` is only for organizations that have such policies already."""

    rbac_for_applications: str
    access_policy: str


@router.post("/{connection_id}/test", openapi_extra=needs(Role.OPERATOR), responses=documented(404))
def test_connection(rt: Rt, connection_id: Slug, wishes: TrialWishes | None = None) -> Trial:
    """Sign in anew, compare what was granted with what is needed, and try every mailbox."""
    found = trial.run(rt, connection_id, (wishes and wishes.outside_address) or "")
    failure = found.failure
    return Trial(
        ok=failure is None,
        cause=failure.cause if failure else "",
        cure=failure.cure if failure else "",
        probes=[Probe.model_validate(each) for each in found.probes],
        permissions=[PermissionLine.model_validate(each) for each in found.permissions],
    )


@router.get("/{connection_id}/scoping", openapi_extra=sets_up(), responses=documented(404, 409))
def get_connection_scoping(rt: Rt, connection_id: Slug) -> Scoping:
    """Read the PowerShell that limits the app to the mailboxes of this connection."""
    connection = store.get(rt, connection_id)
    if connection.method != "application":
        raise Conflict(
            "This connection signs in as an account.", "It reaches what its account reaches: limit the account."
        )
    features = checklist.features_of(rt, connection)
    own = {each.address for each in mailboxes.list_all(rt) if each.connection_id == connection_id}
    sender = alert_mail.find_sender(rt.settings)
    reach = scoping.Reach(
        connection_id=connection_id,
        name=connection.name,
        tenant_id=connection.tenant_id,
        client_id=connection.client_id,
        cloud=connection.cloud,
        permissions=permissions.granted_by_exchange(features),
        mailboxes=sorted(own | {sender.address} if sender and "alert-mail" in features else own),
    )
    return Scoping(rbac_for_applications=scoping.rbac_commands(reach), access_policy=scoping.policy_commands(reach))
