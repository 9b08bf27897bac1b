"""What admins wish of the directory of each connection: the row ``!rules`` of its partition.

A connection that nobody gave rules to has those of a new one, which are switched off.
"""

from __future__ import annotations

from typing import Literal

from pydantic import ValidationError

from shared.directory import TABLE
from shared.directory.mapping import default_rules
from shared.directory.rules import Rules
from shared.errors import Conflict, Misconfigured
from shared.runtime import Runtime
from shared.storage.rows import Change, Row
from shared.storage.tables import RowChanged, RowExists

RULES = "!rules"
STATE = "!state"
RESET = "!reset"
Reset = Literal["", "clear", "latest"]
"""What becomes of Graph's delta links. *clear*: everything is read anew; *latest*: what happened until now is passed
over, and only what changes from now on is read; empty: read anew only what the links do not stand for any more."""
_PIECE, _PIECES = 30_000, 18
"""Characters a column, of which the table service takes 32 Ki, and columns: more than fit in a row. Rules with many
mappings take several, and those that they do not need (any more) are empty."""


def get_rules(rt: Runtime, connection_id: str) -> tuple[Rules, str]:
    """The rules of a connection and their version (etag; empty where there are none so far); raises Misconfigured."""
    row = rt.tables[TABLE].find(connection_id, RULES)
    return (rules_of(row), row.etag or "") if row else (default_rules(), "")


def put_rules(
    rt: Runtime, connection_id: str, rules: Rules, *, reset: Reset = "", version: str | None = None
) -> tuple[Rules, str]:
    """Keep other rules for a connection, which were checked before.

    A run that is under way goes on by them, and begins to read anew if they need to know more. Raises Conflict where
    ``version`` is given and not theirs any more.
    """
    row = Row(connection_id, RULES, _columns(rules), version or None)
    kind: Literal["upsert", "insert", "replace"] = "upsert" if version is None else "replace" if version else "insert"
    changes = [Change(kind, row)]
    if reset:
        changes.append(Change("upsert", Row(connection_id, RESET, {"reset": reset})))
    try:
        rt.tables[TABLE].transact(changes)
    except (RowExists, RowChanged):
        raise Conflict("The rules were changed meanwhile.", "Read them again, and change what is there now.") from None
    return rules, row.etag or ""


def rules_of(row: Row | None) -> Rules:
    """The rules in a row, those of a new connection where there is none; raises Misconfigured."""
    if row is None:
        return default_rules()
    text = "".join(str(row[name]) for name in sorted(row.values) if name.startswith("rules"))
    try:
        return Rules.model_validate_json(text)
    except ValidationError as error:
        where = ", ".join(".".join(map(str, each["loc"])) for each in error.errors(include_input=False))
        raise Misconfigured(f"The stored rules do not fit this version: {where}.", "Save them anew.") from None


def _columns(rules: Rules) -> dict[str, str]:
    text = rules.model_dump_json()
    return {f"rules{piece:02d}": text[piece * _PIECE : (piece + 1) * _PIECE] for piece in range(_PIECES)}
