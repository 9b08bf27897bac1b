"""A tenant in the emulator, a signed-in session, and a receiver of notifications."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.graph_emulator.bench import Bench

_REFUSED_FOR_THEIR_FORM = (400, 405, 413, 501)


@pytest.fixture
def bench() -> Iterator[Bench]:
    """One emulator with one app and one mailbox; what went over the wire is kept for the contract checker.

    Requests that Graph refuses for their form are left out: they break the contract on purpose.
    """
    made = Bench()
    yield made
    made.emulator.settle()
    folder = os.environ.get("EXCHANGES_FOLDER")
    if folder and made.keeps_the_contract:
        exchanges = made.emulator.exchanges
        exchanges[:] = [one for one in exchanges if one["status"] not in _REFUSED_FOR_THEIR_FORM]
        made.emulator.write_exchanges(Path(folder) / f"emulator-{uuid.uuid4().hex}.jsonl")
