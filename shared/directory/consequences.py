"""What a change of the rules will do, told before it is confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shared.directory.properties import groups_in_use, selected, unwatched
from shared.directory.rules import Rules


@dataclass(frozen=True, slots=True)
class Warned:
    """``field``: what is changed; ``text``: what follows from it; ``cure``: what to do about it."""

    field: str
    text: str
    cure: str


def warnings(old: Rules, new: Rules) -> list[Warned]:
    """What follows when ``new`` takes the place of ``old``, and what delta does not watch of it."""
    return [*_of_reading(old, new), *_of_planning(old, new), *_of_watching(new)]


def asks_anew(old: Rules, new: Rules) -> bool:
    """Whether something else is asked of Entra from now on: delta links hold the question, so the next round is full.

    https://learn.microsoft.com/en-us/graph/delta-query-overview (state tokens encode the query parameters)
    """
    if selected(old) != selected(new) or old.sync_method != new.sync_method or old.delta != new.delta:
        return True
    return groups_in_use(old).keys() != groups_in_use(new).keys()


def _of_reading(old: Rules, new: Rules) -> Iterator[Warned]:
    if asks_anew(old, new):
        yield Warned(
            "sync_method" if old.sync_method != new.sync_method else "mappings",
            "Something else is asked of Entra than before: the saved deltas are dropped, and the next run reads all "
            "users and groups once.",
            "Make a preview first, if the tenant is large or much is to change.",
        )


def _of_planning(old: Rules, new: Rules) -> Iterator[Warned]:
    if old.version() != new.version() and not asks_anew(old, new):
        yield Warned(
            "mappings",
            "The next run looks at everybody again, not only at who changed in Entra.",
            "Make a preview first to see what will change.",
        )
    if new.full_role_management and not old.full_role_management:
        yield Warned(
            "full_role_management",
            "Roles that were given to agents by hand are taken away, and who is in no mapped group becomes inactive.",
            "Make a preview first, and put at least one administrator into a group that gives an administrator's role.",
        )
    if new.leaving not in {old.leaving, "never"}:
        yield Warned("leaving", _LEAVING[new.leaving], "Make a preview first to see who that is.")


_LEAVING = {
    "deleted": "Who is deleted in Entra becomes inactive at the desk.",
    "deleted_or_unmapped": "Who is deleted in Entra, or whom no site mapping takes, becomes inactive at the desk.",
}


def _of_watching(new: Rules) -> Iterator[Warned]:
    if not new.delta:
        return
    for each in unwatched(new):
        yield Warned(
            each.name,
            f"Delta does not watch '{each.name}', which is used by {', '.join(each.used_in)}: a change of it comes in "
            "when something else about the person changes.",
            "Use another property, or switch delta off so that every run reads all.",
        )
