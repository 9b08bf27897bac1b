"""Everybody at once, in few bytes."""

from __future__ import annotations

import tracemalloc
import uuid

from hypothesis import given
from hypothesis import strategies as st

from shared.directory.brief import Briefs
from shared.directory.mirror import Known, waiting_digest
from shared.directory.runs import Totals

IDS = st.uuids().map(str)
SMALL = st.integers(0, 5)
KNOWN = st.builds(
    Known,
    object_id=IDS,
    manager=st.just("") | IDS,
    groups=st.frozensets(IDS, max_size=5),
    gone=st.sampled_from(["", "deleted", "missing"]),
    digest=st.sampled_from(["", "cafe", "held cafe", waiting_digest("cafe", ("ambiguous", "no_site"))]),
    user_id=st.just("") | st.just("u1") | IDS,
    agent_id=st.just("") | IDS,
    gives=st.builds(Totals, SMALL, SMALL, SMALL, SMALL),
    serial=st.integers(0, 10**6),
)


@given(each=st.lists(KNOWN, unique_by=lambda known: known.object_id))
def test_everybody_is_found_as_they_were(each: list[Known]) -> None:
    briefs = Briefs(each)
    assert dict(briefs) == {known.object_id: known for known in each}
    assert (len(briefs), "nobody" in briefs, briefs.get("nobody")) == (len(each), False, None)


def test_a_person_takes_less_than_half_a_kilobyte() -> None:
    """The whole of a run over 100,000 people has 250 MB."""
    people = 2_000

    def listed() -> Briefs:
        groups = [str(uuid.uuid4()) for _ in range(20)]
        return Briefs(
            Known(str(uuid.uuid4()), {}, str(uuid.uuid4()), frozenset(groups[:3]), "", "c" * 24, str(uuid.uuid4()))
            for _ in range(people)
        )

    tracemalloc.start()
    held = listed()
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert taken / len(held) < 512
