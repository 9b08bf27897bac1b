"""Subscriptions: by which Graph tells us of new mail."""

from fastapi import APIRouter

from shared.api.given import Rt
from shared.api.paging import Everything
from shared.api.reach import Within
from shared.api.roles import Role, needs
from shared.api.values import Output, Time
from shared.connections.store import list_all as list_connections
from shared.subscriptions import store

router = APIRouter(prefix="/subscriptions", tags=["subscriptions"])


class Subscription(Output):
    """A subscription of ours; ``state`` is creating, active or failed, ``expires_at`` what Graph granted."""

    connection_id: str
    mailbox_id: str
    resource: str
    subscription_id: str
    state: str
    expires_at: Time
    created_at: Time
    renewed_at: Time
    failure: str
    failure_cure: str
    recreated: int


@router.get("", openapi_extra=needs(Role.READER))
def list_subscriptions(rt: Rt, reach: Within) -> Everything[Subscription]:
    """List the subscriptions of all connections that were given to you."""
    connections = [each.connection_id for each in list_connections(rt) if each.connection_id not in reach.hidden]
    return Everything(
        items=[Subscription.model_validate(each) for one in connections for each in store.list_of(rt, one)]
    )
