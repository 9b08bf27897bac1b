"""What mailboxes are for: a person's, or shared by several, or a room's. Only of each mailbox can that be asked.

So it is asked of who would come in, and of nobody else: twenty in a request, and of each once a run. Where the app may
not look, nothing is asked. https://learn.microsoft.com/en-us/graph/api/user-get-mailboxsettings
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import count

from shared.connections import store as connections
from shared.connections.permissions import MAILBOX_SETTINGS, compare
from shared.directory.identifying import Identified
from shared.directory.persons import Person
from shared.directory.place import Place
from shared.errors import NotFound
from shared.graph import directory as graph


class Purposes:
    """Asks, and keeps the answers with the run, so that no slice asks what one before it did.

    ``asked``: whether this slice has asked for any; ``keeps``: whether anything may be written.
    """

    def __init__(self, place: Place, *, keeps: bool) -> None:
        self._place, self._keeps, self.asked = place, keeps, False
        self._pages = 0

    def tell(self, found: Sequence[Identified]) -> dict[str, Person]:
        """Those who would come in and have a mailbox, by object id, with what it is for as far as that can be seen.

        Raises GraphBusy.
        """
        coming = {each.person.object_id: each.person for each in found if _comes_in(each)}
        if not coming or not self._may_ask:
            return {}
        self._ask(coming.keys() - self._known.keys())
        return {each: _with(person, self._known[each]) for each, person in coming.items() if self._known[each]}

    @cached_property
    def _may_ask(self) -> bool:
        """Whether non-people stay out, and the app may see for itself what mailboxes are for.

        An account sees the settings of its own mailbox alone.
        """
        granted = self._place.client.find_grants() if self._place.rules.people_only else None
        lines = compare({"directory"}, "application", granted or frozenset())
        if not any(line.permission == MAILBOX_SETTINGS and line.standing == "granted" for line in lines):
            return False
        return connections.get(self._place.rt, self._place.connection_id).method != "delegated"

    @cached_property
    def _known(self) -> dict[str, str]:
        """What former slices were told; empty for who has no mailbox that can be seen."""
        found: dict[str, str] = {}
        for number in count(1) if self._keeps else ():
            try:
                found.update(self._place.spool.get("mailboxes", number))
            except NotFound:
                return found
            self._pages = number
        return found

    def _ask(self, object_ids: Collection[str]) -> None:
        if not object_ids:
            return
        told = graph.find_purposes(self._place.client, sorted(object_ids))
        self._known.update({each: told.get(each, "") for each in object_ids})
        self.asked = True
        if self._keeps:
            self._pages += 1
            self._place.spool.put("mailboxes", self._pages, [[each, self._known[each]] for each in sorted(object_ids)])


def _comes_in(known: Identified) -> bool:
    """Whether somebody would be made, or be found to be somebody who is there already, and has an address."""
    return known.user.by not in {"", "id"} and not known.trouble and bool(known.person.text("mail"))


def _with(person: Person, purpose: str) -> Person:
    return replace(person, properties={**person.properties, "mailboxSettings": {"userPurpose": purpose}})
