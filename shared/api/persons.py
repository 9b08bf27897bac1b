"""What is decided about users and agents alike: which roles they may have, and what becomes of what they had."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.api import references
from shared.desk import roles
from shared.desk.belonging import BY_HAND, Held, with_hand_given
from shared.desk.roles import RoleKind
from shared.errors import BadInput
from shared.runtime import Runtime


def held(rt: Runtime, kind: RoleKind, present: Iterable[Held], wanted: Iterable[str]) -> tuple[Held, ...]:
    """The roles of somebody once these are given by hand; raises BadInput. Those that they have are not asked about."""
    had = [each for each in present if each.given_by == BY_HAND]
    new = {role_id: Held(role_id) for role_id in wanted}
    for role_id in new.keys() - {each.role_id for each in had}:
        role = references.active(rt, roles.KIND, "roles", role_id)
        if role.kind != kind:
            raise BadInput("roles", f"The role {role.name!r} is for {role.kind}s.", f"Choose one for {kind}s.")
    return with_hand_given(present, new.values())


def activity(values: Mapping[str, Any]) -> dict[str, Any]:
    """Who made somebody inactive goes along with it."""
    if "active" not in values:
        return {}
    return {"deactivated_by": "" if values["active"] else BY_HAND}


def merged(present: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Texts by their names, with those that are given; empty ones are gone."""
    return {name: text for name, text in {**present, **given}.items() if text}


def check_once(field: str, ids: Iterable[str]) -> None:
    """Raise BadInput where the same is named twice."""
    found = [*ids]
    if len({*found}) < len(found):
        raise BadInput(field, "The same one is named twice.", "Name each once.")
