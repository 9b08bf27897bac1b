"""Microsoft Graph in the name of an agent: one client for each; whoever needs a token first renews it for all."""

from __future__ import annotations

from functools import partial

from shared.connections import agent_sign_ins, states, store, tokens
from shared.connections.agent_sign_ins import PERMISSIONS, TABLE, AgentSignIn
from shared.connections.store import Connection
from shared.graph.client import Delegation, GraphClient
from shared.graph.delegated_sign_in import Kept, Tokens
from shared.graph.errors import SignInFailed
from shared.runtime import Runtime
from shared.storage.keys import digest
from shared.storage.rows import Row
from shared.storage.tables import RowChanged


class AgentTokens:
    """Where the tokens of one agent are kept; a vault as the sign-in needs it.

    The row changes for other reasons, too. So a version is that of the tokens, not of the row.
    """

    def __init__(self, rt: Runtime, connection_id: str, address: str) -> None:
        self._rt, self._connection_id, self._address = rt, connection_id, address
        self._context = agent_sign_ins.context_of(connection_id, address)

    def load(self) -> Kept | None:
        """What is kept now; None where nobody has signed in. Raises Misconfigured where it cannot be opened."""
        row = self._find()
        if row is None:
            return None
        return Kept(tokens.unseal(self._rt, row["sealed_tokens"], self._context), _version(row))

    def save(self, renewed: Tokens, version: str) -> bool:
        """Keep other tokens instead of those of this version; False if somebody else was faster."""
        values = tokens.seal(self._rt, renewed, self._context)
        while (row := self._find()) is not None and _version(row) == version:
            try:
                self._rt.tables[TABLE].merge(Row(self._connection_id, self._address, values, row.etag))
            except RowChanged:
                continue
            return True
        return False

    def _find(self) -> Row | None:
        row = self._rt.tables[TABLE].find(self._connection_id, self._address)
        return row if row and row.get("sealed_tokens") else None


def graph_client(rt: Runtime, connection_id: str, address: str) -> GraphClient:
    """Microsoft Graph as this agent; raises NotFound, Misconfigured; SignInFailed or Conflict where they rest."""
    connection = store.get(rt, connection_id)
    store.check_awake(connection, f"The connection {connection_id}")
    agent = agent_sign_ins.get(rt, connection_id, address)
    store.check_awake(agent, f"The agent {address}")
    return open_client(rt, connection, agent)


def open_client(rt: Runtime, connection: Connection, agent: AgentSignIn) -> GraphClient:
    """Microsoft Graph as this agent, in whatever state they are; another one after each sign-in.

    Raises Misconfigured.
    """
    name = f"{agent.connection_id}/{agent.address}"
    vault = AgentTokens(rt, agent.connection_id, agent.address)
    client = store.client_for(rt, connection, Delegation(f"{name}/{agent.signed_in_at}", vault, PERMISSIONS))
    client.when_lost(name, partial(_lost, rt, connection, agent))
    return client


def _lost(rt: Runtime, connection: Connection, agent: AgentSignIn, failure: SignInFailed) -> bool:
    """What Entra has against the app concerns all agents, what it has against an account only that one."""
    if failure.of_account:
        return agent_sign_ins.lose(rt, connection, agent, failure)
    return states.lose(rt, connection, failure)


def _version(row: Row) -> str:
    return digest(row["sealed_tokens"])
