"""One object of the directory, and one line of the log of changes that delta rounds are read from."""

from dataclasses import dataclass
from datetime import datetime

from dev.graph.directory.properties import Kind
from dev.graph.wire import Json


@dataclass(slots=True, eq=False)
class Entry:
    """A user or a group. `values` has what was ever set, None where that was taken away again.

    `serial` grows with every object and orders lists; `type_name` is the type of a derived kind, `agentUser`.
    """

    kind: Kind
    id: str
    serial: int
    values: Json
    type_name: str
    manager: str | None = None
    deleted: datetime | None = None

    @property
    def name(self) -> str:
        """The user principal name, or the display name of a group."""
        return str(self.values["userPrincipalName" if self.kind.name == "user" else "displayName"])

    @property
    def odata_type(self) -> str:
        """The type as JSON names it."""
        return f"#microsoft.graph.{self.type_name}"

    @property
    def restorable(self) -> bool:
        """Users and Microsoft 365 groups lie in the bin for 30 days, other groups are gone at once.

        https://learn.microsoft.com/en-us/graph/api/resources/directory
        """
        return self.kind.name == "user" or "Unified" in self.values.get("groupTypes", ())


@dataclass(frozen=True, slots=True)
class Change:
    """What changed of an object: the names of its properties, None if it is to show as new.

    `links`: who came or went as member or manager, each with whether he is one now.
    """

    kind: str
    id: str
    names: frozenset[str] | None
    links: tuple[tuple[str, bool], ...] = ()
