"""Agents who sign in for themselves: who has, who must, and the beginning and the end of it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from shared.api import audit, paging
from shared.api.account_sign_in import BegunSignIn
from shared.api.given import Admitted, Rt
from shared.api.paging import Page, Paged
from shared.api.problems import documented
from shared.api.roles import Role, needs
from shared.api.values import MailboxAddress, Output, Slug, Time
from shared.connections import agent_sign_ins, consent, store

router = APIRouter(prefix="/connections", tags=["connections"])

type State = Literal["connected", "needs_sign_in", "disconnected"]


class AgentQuery(Paged):
    """Which agents to list."""

    state: State | None = Field(default=None, description="Only those in this state.")


class AgentSignIn(Output):
    """How the sign-in of one agent stands; ``account`` is who signed in, and may be an alias of the address."""

    address: str
    state: State
    state_since: Time
    account: str
    signed_in_at: Time
    trouble: str = Field(description="Why they are not connected.")
    cure: str


@router.get("/{connection_id}/agents", openapi_extra=needs(Role.READER), responses=documented(404))
def list_agent_sign_ins(rt: Rt, connection_id: Slug, query: Annotated[AgentQuery, Query()]) -> Page[AgentSignIn]:
    """List the agents of a connection for whom a sign-in was ever begun, by address."""
    store.get(rt, connection_id)
    listing = f"agents/{connection_id}"
    past = str(paging.read_position(rt.keys, listing, query) or "")
    found, last = agent_sign_ins.list_page(rt, connection_id, state=query.state, after=past, limit=query.limit)
    items = [AgentSignIn.model_validate(each) for each in found]
    return Page(items=items, next=paging.make_token(rt.keys, listing, query, last))


@router.get("/{connection_id}/agents/{address}", openapi_extra=needs(Role.READER), responses=documented(404))
def get_agent_sign_in(rt: Rt, connection_id: Slug, address: MailboxAddress) -> AgentSignIn:
    """Read how the sign-in of one agent stands."""
    store.get(rt, connection_id)
    return AgentSignIn.model_validate(agent_sign_ins.get(rt, connection_id, address))


@router.post(
    "/{connection_id}/agents/{address}/sign-in", openapi_extra=needs(Role.OPERATOR), responses=documented(404, 409)
)
def begin_agent_sign_in(rt: Rt, caller: Admitted, connection_id: Slug, address: MailboxAddress) -> BegunSignIn:
    """Begin the sign-in of an agent, for a connection with the method `agents`. Only the agent's account can end it."""
    store.get(rt, connection_id)
    with audit.recorded(rt, caller, "agent.sign_in_begun", f"{connection_id}/{address}"):
        begun = consent.begin(rt, connection_id, begun_by=caller.name, begun_by_id=caller.object_id, agent=address)
    return BegunSignIn.model_validate(begun)


@router.delete("/{connection_id}/agents/{address}", openapi_extra=needs(Role.OPERATOR), responses=documented(404))
def disconnect_agent(rt: Rt, caller: Admitted, connection_id: Slug, address: MailboxAddress) -> AgentSignIn:
    """Forget the tokens of an agent, whose work rests until they sign in again; the other agents' goes on."""
    store.get(rt, connection_id)
    if agent_sign_ins.get(rt, connection_id, address).state != "disconnected":
        with audit.recorded(rt, caller, "agent.disconnected", f"{connection_id}/{address}"):
            agent_sign_ins.disconnect(rt, connection_id, address)
    return AgentSignIn.model_validate(agent_sign_ins.get(rt, connection_id, address))
