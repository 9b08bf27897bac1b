"""What changed in storage from version to version, in order: a storage has the number of the last step that it went.

A step looks at each row of a partition and says what is to be written for it, by that row alone. It meets rows that are
forward already, and may be repeated from any place: so it writes the same again, and changes a row only at the etag
that it was read at. While it goes on, and after its app was taken away again, the version before works on the same
rows. A new step is added at the end; one that was released is never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from shared.connections import alerts, attempts
from shared.storage import ages
from shared.storage.tables import Change, Row


@dataclass(frozen=True, slots=True)
class Step:
    """What leads from the version before to ``number``; ``what`` it does, in words for an admin.

    ``bring``: what is to be written for one row of the partition, into the same. ``needs``: the number that an app must
    know at least to work on what this step leaves. It is that of the release before, so that one can go back to that.
    """

    number: int
    what: str
    needs: int
    table: str
    partition: str
    bring: Callable[[Row], Sequence[Change]]


STEPS = (
    Step(
        number=1,
        what="sign-ins that were begun are listed by their time, so that they can be removed by it",
        needs=0,
        table=attempts.TABLE,
        partition=attempts.PARTITION,
        bring=partial(ages.dating, column="begun_at"),
    ),
    Step(
        number=2,
        what="alerts are listed by their time, so that they can be removed by it",
        needs=0,
        table=alerts.TABLE,
        partition=alerts.PARTITION,
        bring=partial(ages.dating, column="raised_at"),
    ),
)
