"""The key that seals and signs: what is left to do after it was changed."""

from fastapi import APIRouter
from pydantic import Field

from shared.api import audit
from shared.api.given import Admitted, Rt
from shared.api.problems import documented
from shared.api.roles import Role, needs
from shared.api.values import Output
from shared.upkeep import key_rotation

router = APIRouter(prefix="/keys", tags=["keys"])


class LostSecret(Output):
    """What no key opens: the `secret` or the `sign-in` of a connection, and what brings it back."""

    connection_id: str
    what: str
    cure: str


class Rotation(Output):
    """What became of everything that is sealed. ``key_id`` tells the present key from others, and is no secret."""

    key_id: str
    moved_to_vault: int = Field(description="Secrets of connections that were moved into KEY_VAULT_URL just now.")
    sealed_anew: int
    sealed_before: int
    lost: list[LostSecret]


@router.post("/rotate", openapi_extra=needs(Role.ADMIN), responses=documented(502))
def rotate_keys(rt: Rt, caller: Admitted) -> Rotation:
    """Seal with `SECRET_KEY` everything that `FORMER_SECRET_KEY` sealed, or move it into the key vault where there is
    one; it may be asked for again at any time.
    """
    with audit.recorded(rt, caller, "keys.rotated", rt.keys.key_id):
        return Rotation.model_validate(key_rotation.rotate(rt))
