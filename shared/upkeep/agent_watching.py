"""The hourly look at agents whose sign-in was lost: who is back goes on, and the rest is told of once a day."""

from __future__ import annotations

from shared.connections import agent_clients, agent_sign_ins, alerts
from shared.connections.agent_sign_ins import AgentSignIn
from shared.connections.store import Connection
from shared.errors import Misconfigured
from shared.graph.errors import NOBODY, GraphBusy, SignInFailed
from shared.runtime import Runtime

_MOST_NAMED = 20


def watch(rt: Runtime, connection: Connection) -> None:
    """Try the sign-in of each agent who lost it; who never signed in is not asked for."""
    waiting = agent_sign_ins.iter_all(rt, connection.connection_id, state="needs_sign_in")
    lost = [each for each in waiting if each.trouble_code != NOBODY]
    _tell_daily(rt, connection, [each for each in lost if not _is_back(rt, connection, each)])


def _is_back(rt: Runtime, connection: Connection, agent: AgentSignIn) -> bool:
    try:
        agent_clients.open_client(rt, connection, agent).prove_sign_in()
    except (SignInFailed, GraphBusy, Misconfigured):
        return False
    agent_sign_ins.regain(rt, connection.connection_id, agent.address)
    return True


def _tell_daily(rt: Runtime, connection: Connection, lost: list[AgentSignIn]) -> None:
    """One alert for all of them, but for those of today, of whom it was told then."""
    today = rt.clock.now().date().isoformat()
    names = [each.address for each in lost if not each.state_since.startswith(today)]
    if not names:
        return
    key = f"{connection.connection_id}~agents-lost~{today}"
    cause = f"{len(names)} of its agents must sign in again; until then their calendars rest."
    cure = "Begin their sign-ins, and let each of them open the address that is given out for them."
    named = ", ".join(names[:_MOST_NAMED])
    alerts.raise_alert(rt, key, "agents_need_sign_in", connection, cause=cause, cure=cure, concerning=named)
