"""A piece of work ends in one of three ways: done, later, set aside; anything else is a bug and raises."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from shared.clock import Clock
from shared.errors import Later, SetAside
from shared.work import KINDS, LONGEST_DELAY, ReplayMail, SyncMailbox, Work, carry_out

GOOD = '{"mailbox_id": "box", "cause": "scan", "noticed_at": "2026-11-21T10:00:00Z", "attempt": 2}'


class Tray:
    """Where work goes that could not be done."""

    def __init__(self) -> None:
        self.put: list[tuple[Work, float]] = []
        self.kept: list[tuple[str, str, SetAside]] = []


def carried_out(text: str, handler: Callable[[Any, SyncMailbox], None]) -> Tray:
    tray = Tray()
    carry_out(
        SimpleNamespace(clock=Clock()),
        SyncMailbox,
        text,
        handler,
        put=lambda work, delay: tray.put.append((work, delay)),
        keep=lambda _rt, queue, kept, reason: tray.kept.append((queue, kept, reason)),
    )
    return tray


def failing(error: BaseException) -> Callable[[Any, SyncMailbox], None]:
    def handle(_rt: Any, _work: SyncMailbox) -> None:
        raise error

    return handle


@pytest.mark.requirement("OPS-3")
def test_work_that_is_done_leaves_nothing_behind() -> None:
    done: list[SyncMailbox] = []
    tray = carried_out(GOOD, lambda _rt, work: done.append(work))
    assert (tray.put, tray.kept) == ([], [])
    assert [(work.mailbox_id, work.cause, work.attempt) for work in done] == [("box", "scan", 2)]


@pytest.mark.requirement("OPS-2")
@pytest.mark.parametrize(("wanted", "given"), [(7.5, 7.5), (10**6, LONGEST_DELAY)])
def test_work_that_must_wait_is_put_again_one_attempt_later(wanted: float, given: float) -> None:
    tray = carried_out(GOOD, failing(Later("Busy.", wanted)))
    [(work, delay)] = tray.put
    assert isinstance(work, SyncMailbox)
    assert (work.attempt, work.noticed_at, delay) == (3, "2026-11-21T10:00:00Z", given)
    assert tray.kept == []


@pytest.mark.requirement("OPS-3")
def test_work_that_can_never_be_done_is_kept_so_that_it_can_be_put_again() -> None:
    tray = carried_out(GOOD, failing(SetAside("Never.", "Mend it.")))
    [(queue, text, reason)] = tray.kept
    assert (queue, reason.cause, reason.cure) == ("mailbox-sync", "Never.", "Mend it.")
    assert SyncMailbox.model_validate_json(text).mailbox_id == "box"
    assert tray.put == []


@pytest.mark.requirement("OPS-3")
@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"mailbox_id": 7}', "\x00", '{"mailbox_id": "b"}', "é"])
def test_what_is_no_work_is_kept_as_it_came(text: str) -> None:
    tray = carried_out(text, failing(AssertionError("never called")))
    [(queue, kept, reason)] = tray.kept
    assert (queue, kept) == ("mailbox-sync", text)
    assert reason.cause
    assert reason.cure


def test_a_bug_of_ours_raises_so_that_the_host_tries_again() -> None:
    with pytest.raises(ZeroDivisionError):
        carried_out(GOOD, failing(ZeroDivisionError()))


def test_no_field_is_called_like_one_of_the_hosts_own() -> None:
    """https://github.com/Azure/azure-functions-python-worker/issues/1373"""
    of_the_host = {
        "id",
        "dequeuecount",
        "insertiontime",
        "expirationtime",
        "nextvisibletime",
        "popreceipt",
        "queuetrigger",
    }
    for kind in KINDS.values():
        assert not {name.lower() for name in kind.model_fields} & of_the_host, kind


def test_every_queue_has_a_lawful_name_and_one_kind_of_work() -> None:
    of_mail = {"mailbox-sync", "mail-replay", "subscription-care", "alerts"}
    assert set(KINDS) == {*of_mail, "directory-sync", "license-changes", "sign-ins", "upgrades"}
    assert KINDS["mail-replay"] is ReplayMail
