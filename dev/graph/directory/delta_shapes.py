"""How an object looks in a delta round."""

from dataclasses import dataclass
from functools import cached_property

from dev.graph.directory.delta_lines import Line, Query
from dev.graph.directory.properties import USER
from dev.graph.directory.state import Directory
from dev.graph.wire import Json


@dataclass(frozen=True)
class Shape:
    """`seen`: the properties that the caller may see, None for all; `minimal`: only what changed."""

    directory: Directory
    query: Query
    seen: frozenset[str] | None
    minimal: bool

    def item(self, line: Line) -> Json:
        """The object as it is now, or that it is gone. What was never set is left out, what was taken away is null."""
        entry = self.directory.live[self.query.kind.name].get(line.id)
        if entry is None:
            reason = "changed" if line.id in self.directory.bin else "deleted"
            return {"id": line.id, "@removed": {"reason": reason}}
        values = entry.values
        names = self._names if line.names is None or not self.minimal else self._changed(line.names)
        item: Json = {name: values[name] for name in names if name in values}
        item["id"] = line.id
        if entry.type_name != self.query.kind.name:
            item["@odata.type"] = entry.odata_type
        if line.links and (links := self._links(line)):
            item[f"{self.query.kind.relation}@delta"] = links
        return item

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(name for name in self.query.shown if self.seen is None or name in self.seen)

    def _changed(self, names: frozenset[str]) -> tuple[str, ...]:
        return tuple(name for name in self._names if name in names)

    def _links(self, line: Line) -> list[Json]:
        """Who is one now and who is not any more; nobody says that a member's own object was deleted.

        https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/5855
        """
        shown: list[Json] = []
        for key, is_one in line.links:
            entry = self.directory.find(key)
            if is_one and entry is None:
                continue
            link: Json = {"@odata.type": entry.odata_type if entry else f"#microsoft.graph.{USER.name}", "id": key}
            shown.append(link if is_one else {**link, "@removed": {"reason": "deleted"}})
        return shown
