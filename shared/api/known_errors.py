"""The errors of Microsoft Entra, Graph and Key Vault that admins meet: what each means, and what to do about it."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from shared.api.paging import Everything
from shared.api.roles import Role, needs
from shared.api.values import Input, Output, SearchText
from shared.graph.answer_errors import ANSWER_ERRORS
from shared.graph.sign_in_errors import SIGN_IN_ERRORS
from shared.storage.vault_errors import VAULT_ERRORS

router = APIRouter(prefix="/errors", tags=["health"])


class ErrorQuery(Input):
    """Which errors to list."""

    code: SearchText | None = Field(
        default=None, description="One code, such as AADSTS7000222, its number alone, or ErrorAccessDenied."
    )


class KnownError(Output):
    """One thing that goes wrong, under every code that Microsoft has for it.

    `transient`: the same may work a little later. `sign_in_lost`: nothing works until a person did what `cure` says.
    """

    codes: list[str]
    title: str
    cause: str
    cure: str
    transient: bool
    sign_in_lost: bool
    source: str


@router.get("", openapi_extra=needs(Role.READER))
def list_errors(query: Annotated[ErrorQuery, Query()]) -> Everything[KnownError]:
    """List the errors of Entra, Graph and Key Vault that are known, or the one of a code."""
    return Everything(items=list(_matching((query.code or "").strip().lower())))


def _matching(code: str) -> Iterator[KnownError]:
    for each in (*SIGN_IN_ERRORS, *ANSWER_ERRORS, *VAULT_ERRORS):
        if not code or code in {part.lower() for named in each.codes for part in (named, named.removeprefix("AADSTS"))}:
            yield KnownError.model_validate(each)
