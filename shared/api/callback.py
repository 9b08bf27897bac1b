"""Where Entra sends the browser of somebody who signed in: a page of plain text, without scripts, links or forms."""

from collections.abc import Mapping
from html import escape

import azure.functions as func

from shared import log
from shared.connections import consent
from shared.connections.consent import Redeemed
from shared.errors import DeskbridgeError, Later
from shared.graph.errors import GraphBusy, SignInFailed
from shared.runtime import Runtime
from shared.storage.errors import StorageAway, StorageError
from shared.upgrades import readiness
from shared.upkeep import audit, watching

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""The address of the page holds the code and the state: it is not to be kept, nor told to anybody."""


def receive(rt: Runtime, brought: Mapping[str, str]) -> func.HttpResponse:
    """Say who signed in, or what went wrong; what had waited for the sign-in goes on."""
    try:
        readiness.check(rt)
        found = consent.redeem(rt, brought)
        _keep(rt, found)
        watching.resume(rt, found.connection.connection_id)
    except DeskbridgeError as failure:
        return _failed(failure)
    except StorageError as failure:
        return _failed(StorageAway(failure))
    return _page(200, "Signed in", f"{_told(found)} You may close this page.")


def _told(found: Redeemed) -> str:
    account, name = found.signed_in.account, found.connection.name
    agent = found.attempt.agent
    return f"{account} has signed in{f' as the agent {agent}' if agent else ''} for the connection {name}."


def _keep(rt: Runtime, found: Redeemed) -> None:
    """Keep the sign-in; it is a change by whoever began it, and recorded as such."""
    attempt, connection_id = found.attempt, found.connection.connection_id
    what, target = "connection.signed_in", connection_id
    if attempt.agent:
        what, target = "agent.signed_in", f"{connection_id}/{attempt.agent}"
    told = {"account": found.signed_in.account, "object_id": found.signed_in.object_id}
    change = audit.begin(rt, who=attempt.begun_by, who_id=attempt.begun_by_id, what=what, target=target, after=told)
    try:
        consent.keep(rt, found)
    except SignInFailed as failure:
        audit.end(rt, change, failure.cause)
        raise
    audit.end(rt, change, "done")
    log.info(what, begun_by=attempt.begun_by, connection_id=connection_id)


def _failed(failure: DeskbridgeError) -> func.HttpResponse:
    code = failure.code if isinstance(failure, SignInFailed) else type(failure).__name__
    log.warning("connection.not_signed_in", code=code)
    if isinstance(failure, GraphBusy | Later):
        return _page(503, "Not signed in", failure.cause, "Begin the sign-in again in a minute.")
    return _page(400, "Not signed in", failure.cause, failure.cure)


def _page(status: int, title: str, *paragraphs: str) -> func.HttpResponse:
    told = "".join(f"<p>{escape(each)}</p>" for each in paragraphs if each)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    body = f"<main><h1>{title}</h1>{told}</main>"
    text = f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'
    return func.HttpResponse(text, status_code=status, headers=HEADERS, mimetype="text/html", charset="utf-8")
