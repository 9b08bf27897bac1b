"""Test connection where each agent signs in for themselves: their calendar is tried with their own token."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

from shared.connections import agent_clients, agent_sign_ins
from shared.connections.agent_sign_ins import AgentSignIn
from shared.connections.permissions import Line
from shared.connections.store import Connection
from shared.errors import Misconfigured
from shared.graph import calendars
from shared.graph.errors import NOBODY, GraphError, SignInFailed
from shared.runtime import Runtime
from shared.upkeep import checklist
from shared.upkeep.probes import Probe, failed

type Found = tuple[Probe, frozenset[str] | None]
"""How the calendar of an agent is reached, and what their token grants; None where there is none that can be read."""


def try_all(
    rt: Runtime, connection: Connection, features: frozenset[str], until: float
) -> tuple[tuple[Line, ...], tuple[Probe, ...]]:
    """The checklist by what every agent granted, and a probe of each calendar; none is begun after ``until``."""
    found = list(_iter_found(rt, connection, until))
    probes = tuple(probe for probe, _ in found) or (_nobody(),)
    granted = [each for _, each in found if each is not None]
    if not granted:
        return (), probes
    lines, permissions = checklist.check(features, connection, reduce(frozenset.intersection, granted))
    return lines, (permissions, *probes)


def _iter_found(rt: Runtime, connection: Connection, until: float) -> Iterator[Found]:
    for agent in agent_sign_ins.iter_all(rt, connection.connection_id):
        if agent.state == "disconnected":
            continue
        if agent.trouble_code == NOBODY:
            yield Probe("calendar", agent.address, False, "warning", NOBODY, agent.trouble, agent.cure), None
        else:
            yield _try(rt, connection, agent) if rt.clock.steady() < until else _not_tried(agent)


def _try(rt: Runtime, connection: Connection, agent: AgentSignIn) -> Found:
    """With a fresh token; who had lost their sign-in and has it again goes on."""
    client = agent_clients.open_client(rt, connection, agent)
    try:
        client.sign_in_anew()
        calendars.list_own(client, agent.address, top=1)
    except (SignInFailed, GraphError, Misconfigured) as failure:
        return failed("calendar", agent.address, failure), None
    agent_sign_ins.regain(rt, connection.connection_id, agent.address)
    return Probe("calendar", agent.address), client.find_grants()


def _not_tried(agent: AgentSignIn) -> Found:
    cause, cure = "There was no time left to try this one.", "Look at its state in the list of the connection's agents."
    return Probe("calendar", agent.address, False, "warning", "notTried", cause, cure), None


def _nobody() -> Probe:
    cause = "No agent has signed in for this connection so far."
    cure = "Begin the sign-in of each agent, and let them open its address: POST .../agents/ADDRESS/sign-in."
    return Probe("calendar", "", False, "warning", NOBODY, cause, cure)
