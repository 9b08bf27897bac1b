"""Who changed what, as a line of the log."""

from collections.abc import Mapping

from shared import log
from shared.api.roles import Caller


def note(
    caller: Caller,
    what: str,
    target: str,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    """Log a change. ``what``: such as ``mailbox.changed``; ``target``: its id; never give a secret."""
    log.info("api.changed", who=caller.name, what=what, target=target, before=before, after=after)
