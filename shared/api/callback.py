"""Where Entra sends the browser of somebody who signed in: a page of plain text, without scripts, links or forms."""

from collections.abc import Mapping
from html import escape

import azure.functions as func

from shared import log
from shared.connections import consent
from shared.errors import DeskbridgeError
from shared.graph.errors import GraphBusy, SignInFailed
from shared.runtime import Runtime
from shared.storage.errors import StorageAway, StorageError
from shared.upkeep import watching

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
        done = consent.complete(rt, brought)
        watching.resume(rt, done.connection.connection_id)
    except DeskbridgeError as failure:
        return _failed(failure)
    except StorageError as failure:
        return _failed(StorageAway(failure))
    told = f"{done.account} has signed in for the connection {done.connection.name}. You may close this page."
    return _page(200, "Signed in", told)


def _failed(failure: DeskbridgeError) -> func.HttpResponse:
    code = failure.code if isinstance(failure, SignInFailed) else type(failure).__name__
    log.warning("connection.not_signed_in", code=code)
    if isinstance(failure, GraphBusy | StorageAway):
        return _page(503, "Not signed in", failure.cause, "Begin the sign-in again in a minute.")
    return _page(400, "Not signed in", failure.cause, failure.cure)


def _page(status: int, title: str, *paragraphs: str) -> func.HttpResponse:
    told = "".join(f"<p>{escape(each)}</p>" for each in paragraphs if each)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    body = f"<main><h1>{title}</h1>{told}</main>"
    text = f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'
    return func.HttpResponse(text, status_code=status, headers=HEADERS, mimetype="text/html", charset="utf-8")
