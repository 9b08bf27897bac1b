"""Every error as problem details (RFC 9457): what happened, what to do about it, and which values were wrong.

https://www.rfc-editor.org/rfc/rfc9457
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared import errors, log
from shared.directory.rounds import NotCredible
from shared.graph.errors import GraphBusy, GraphError, SignInFailed
from shared.storage.errors import StorageError, is_refusal
from shared.storage.tables import RowChanged
from shared.storage.vault_errors import VaultRefused

MEDIA_TYPE = "application/problem+json"
_MOST_FIELDS = 20
_LONGEST_NAME = 100
_STORAGE_PAUSE = 5
_CHALLENGES = 'ApiKey realm="deskbridge", header="X-API-Key", Bearer realm="deskbridge"'
"""Both ways to sign in, whichever is switched on: strangers need not know."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: a closed list."""

    name: str
    status: int
    title: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind("malformed", 400, "The request cannot be read"),
        Kind("unauthorized", 401, "No valid sign-in"),
        Kind("forbidden", 403, "Your role does not allow it"),
        Kind("not-found", 404, "There is no such thing"),
        Kind("method-not-allowed", 405, "That cannot be done here"),
        Kind("conflict", 409, "It contradicts what is there"),
        Kind("sign-in-failed", 409, "The connection cannot sign in at Microsoft Entra"),
        Kind("too-large", 413, "The request is too large"),
        Kind("bad-input", 422, "A value is wrong"),
        Kind("internal", 500, "A failure inside"),
        Kind("misconfigured", 500, "A setting is missing or wrong"),
        Kind("graph-failed", 502, "Microsoft Graph refused or failed"),
        Kind("vault-failed", 502, "Azure Key Vault refused"),
        Kind("busy", 503, "Not now"),
    )
}
_BY_ERROR: Mapping[type[BaseException], str] = {
    errors.BadInput: "bad-input",
    errors.NotFound: "not-found",
    errors.Conflict: "conflict",
    RowChanged: "conflict",
    errors.Unauthorized: "unauthorized",
    errors.Forbidden: "forbidden",
    errors.Misconfigured: "misconfigured",
    errors.Later: "busy",
    GraphBusy: "busy",
    GraphError: "graph-failed",
    NotCredible: "graph-failed",
    SignInFailed: "sign-in-failed",
    VaultRefused: "vault-failed",
}
_BY_STATUS = {400: "malformed", 404: "not-found", 405: "method-not-allowed"}


class WrongField(BaseModel):
    """A value that was wrong: its name, where it stood (``body``, ``query``, ``path``, ...) and why."""

    field: str
    location: str | None = None
    cause: str


class Problem(BaseModel):
    """Problem details as RFC 9457 has them; ``detail`` is the cause, ``cure`` says what to do about it."""

    type: str = Field(examples=["/api/v1/problems#bad-input"])
    title: str
    status: int
    detail: str
    cure: str = ""
    fields: list[WrongField] = []


class TooLarge(errors.DeskbridgeError):
    """The body is larger than any that this API takes."""


def answer(
    name: str,
    detail: str,
    cure: str = "",
    *,
    fields: Sequence[WrongField] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer for a problem of the kind of this name."""
    kind = KINDS[name]
    problem = Problem(
        type=f"/api/v1/problems#{name}",
        title=kind.title,
        status=kind.status,
        detail=detail,
        cure=cure,
        fields=[*fields],
    )
    # As ASCII: a name that came from outside may hold half a character, which UTF-8 cannot write.
    content = json.dumps(problem.model_dump(exclude_defaults=True), ensure_ascii=True)
    return Response(content, kind.status, headers, MEDIA_TYPE)


def answer_error(error: Exception) -> Response:
    """The answer for an error that we raised, or that we did not expect; the latter is logged and not told."""
    name = next((_BY_ERROR[each] for each in type(error).__mro__ if each in _BY_ERROR), "")
    if isinstance(error, TooLarge):
        return answer("too-large", error.cause, error.cure)
    if name and isinstance(error, errors.DeskbridgeError):
        return answer(name, error.cause, error.cure, fields=_fields_of(error), headers=_headers(error))
    if isinstance(error, StorageError) and not is_refusal(error):
        log.error("api.storage_failed", failure=error)
        return answer(
            "busy", "The storage account does not answer.", "Try again soon.", headers=_retry_after(_STORAGE_PAUSE)
        )
    log.error("api.failed", failure=error)
    return answer("internal", "Something failed that should not have.", "The log has it, under api.failed.")


def answer_invalid(error: RequestValidationError) -> Response:
    """The answer for values that do not fit what the API says of them."""
    found = error.errors()
    fields = [_wrong_field(each) for each in found[:_MOST_FIELDS]]
    if any(each["type"] == "json_invalid" for each in found):
        return answer("malformed", "The body is no JSON.", "Send JSON.", fields=fields)
    detail = "; ".join(f"{each.field}: {each.cause}" for each in fields[:3])
    return answer("bad-input", detail, "Compare the values with /api/v1/openapi.json.", fields=fields)


def answer_http(error: HTTPException) -> Response:
    """The answer for what the framework refuses by itself."""
    name = _BY_STATUS.get(error.status_code, "malformed")
    details = {
        "not-found": "This API has nothing at this address.",
        "method-not-allowed": "This address does not answer to this method.",
        "malformed": "The body cannot be read.",
    }
    fields = [WrongField(field="body", location="body", cause=details[name])] if name == "malformed" else []
    cure = "Look it up in /api/v1/openapi.json."
    return answer(name, details[name], cure, fields=fields, headers=error.headers)


async def on_error(_request: Request, error: Exception) -> Response:
    """Answer whatever was raised while a request was worked on."""
    match error:
        case RequestValidationError():
            return answer_invalid(error)
        case HTTPException():
            return answer_http(error)
        case _:
            return answer_error(error)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses as a route's possible answers, for the OpenAPI document."""
    schema = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    titles = {status: " / ".join(each.title for each in KINDS.values() if each.status == status) for status in statuses}
    return {status: {"description": titles[status], "content": schema} for status in statuses}


def _fields_of(error: errors.DeskbridgeError) -> list[WrongField]:
    match error:
        case errors.BadInputs():
            return [WrongField(field=field, cause=cause) for field, cause in error.found[:_MOST_FIELDS]]
        case errors.BadInput():
            return [WrongField(field=error.field, cause=error.cause)]
        case _:
            return []


def _wrong_field(found: Any) -> WrongField:
    location, *path = (str(part)[:_LONGEST_NAME] for part in found["loc"])
    named = [part for part in path if not (location == "body" and part.isdigit() and found["type"] == "json_invalid")]
    return WrongField(field=".".join(named) or location, location=location, cause=str(found["msg"]))


def _headers(error: errors.DeskbridgeError) -> dict[str, str] | None:
    match error:
        case errors.Unauthorized():
            return {"WWW-Authenticate": _CHALLENGES}
        case errors.Later():
            return _retry_after(error.delay)
        case GraphBusy():
            return _retry_after(error.retry_after)
        case _:
            return None


def _retry_after(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(seconds)))}
