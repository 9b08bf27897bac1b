"""The admin API as one ASGI application, built at its first request.

Nothing is started or stopped with it (no lifespan): the Functions worker would do so once for each of several first
requests, and never at the end. https://github.com/Azure/azure-functions-python-library
"""

from threading import Lock
from typing import Any

import azure.functions as func
from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from shared.api import (
    account_sign_in,
    agent_sign_ins,
    agents,
    audit,
    boards,
    connection_checks,
    connections,
    custom_fields,
    desk_roles,
    directory_people,
    directory_rules,
    directory_runs,
    followers,
    grants,
    health,
    journal,
    keys,
    known_errors,
    license_changes,
    licenses,
    mailboxes,
    organizations,
    problems,
    set_aside,
    sites,
    subscriptions,
    teams,
    tickets,
    users,
)
from shared.api.authentication import admitted
from shared.api.gate import Gate
from shared.api.reach import within_reach
from shared.errors import DeskbridgeError

PREFIX = "/api/v1"
_ALWAYS = (400, 401, 403, 413, 422, 500, 503)
"""What any route may answer: its values are wrong, its caller unknown or not allowed, or something it needs is away."""

AREAS = (
    connections,
    connection_checks,
    account_sign_in,
    agent_sign_ins,
    grants,
    directory_rules,
    directory_runs,
    directory_people,
    licenses,
    license_changes,
    mailboxes,
    tickets,
    followers,
    users,
    agents,
    organizations,
    sites,
    teams,
    desk_roles,
    boards,
    custom_fields,
    journal,
    subscriptions,
    set_aside,
    health,
    known_errors,
    keys,
    audit,
)

_lock = Lock()
_middleware: list[func.AsgiMiddleware] = []


class _Middleware(func.AsgiMiddleware):
    """Microsoft's bridge to ASGI, which fails at an address that is no UTF-8 when it is decoded."""

    async def handle_async(self, req: func.HttpRequest, context: func.Context | None = None) -> func.HttpResponse:
        """Answer a request."""
        try:
            answer: func.HttpResponse = await super().handle_async(req, context)
        except UnicodeDecodeError:
            bad = problems.answer("malformed", "The address is no UTF-8.", "Look it up in /api/v1/openapi.json.")
            return func.HttpResponse(bytes(bad.body), status_code=bad.status_code, mimetype=problems.MEDIA_TYPE)
        return answer


def middleware() -> func.AsgiMiddleware:
    """The API behind its gate, as a function can answer with it; the same one for every request."""
    with _lock:
        if not _middleware:
            _middleware.append(_Middleware(Gate(build())))  # type: ignore[no-untyped-call]  # the library's class has no types
        return _middleware[0]


def build() -> FastAPI:
    """The API without its gate. Its OpenAPI document is behind the gate too: strangers need not know what there is."""
    app = FastAPI(
        title="Deskbridge",
        version="1",
        summary="Joins a service desk to Microsoft 365.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    app.include_router(_routes())
    for kind in (DeskbridgeError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, problems.on_error)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]  # FastAPI's own way to change the document
    return app


def _routes() -> APIRouter:
    checks = [Depends(admitted), Depends(within_reach)]
    root = APIRouter(prefix=PREFIX, dependencies=checks, responses=problems.documented(*_ALWAYS))
    for area in AREAS:
        root.include_router(area.router)
    return root


def _operation_id(route: APIRoute) -> str:
    return route.name


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        schema = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        document["components"]["schemas"].update({**schema.pop("$defs"), "Problem": schema})
        app.openapi_schema = document
    return app.openapi_schema
