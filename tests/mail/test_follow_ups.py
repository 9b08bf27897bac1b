"""Which ticket a mail joins: by what it answers, else by our tag, and never by a guess."""

from __future__ import annotations

import base64

import pytest

from shared.desk.tags import make_tag
from shared.mail.follow_ups import MOST_REFERENCES, FollowUp, decide, named_messages
from shared.mail.parsing import Mail, parse_mail
from shared.sealing import Keys
from tests.world import mail

KEYS = Keys(base64.b64encode(b"k" * 32).decode())
OTHERS = Keys(base64.b64encode(b"o" * 32).decode())
KNOWN: dict[str, int | str] = {"<one@x>": 1, "<two@x>": 2, "<page@x>": "origin of a mail of the same page"}


def find_known(message_id: str) -> int | str | None:
    return KNOWN.get(message_id)


def decided(raw: bytes) -> FollowUp:
    return decide(parse_mail(raw), KEYS, find_known)


def parsed(**headers: str) -> Mail:
    return parse_mail(mail(**headers))


@pytest.mark.requirement("MAIL-8")
@pytest.mark.parametrize(
    ("headers", "joins"),
    [
        ({}, None),
        ({"In_Reply_To": "<one@x>"}, 1),
        ({"References": "<one@x> <two@x>"}, 2),
        ({"References": "<two@x> <unknown@x>"}, 2),
        ({"In_Reply_To": "<one@x>", "References": "<two@x>"}, 1),
        ({"In_Reply_To": "<unknown@x>", "References": "<one@x>"}, 1),
        ({"In_Reply_To": "<page@x>"}, "origin of a mail of the same page"),
        ({"In_Reply_To": "<ONE@x>"}, None),
        ({"In_Reply_To": "one"}, None),
    ],
)
def test_the_nearest_known_mail_decides(headers: dict[str, str], joins: int | str | None) -> None:
    found = decided(mail(**headers))
    assert found == FollowUp(joins, "references" if joins else "")


@pytest.mark.requirement("MAIL-8")
def test_our_tag_joins_from_subject_and_body_in_any_case() -> None:
    tag = make_tag(KEYS, 1042)
    for raw in (mail(f"Re: printer {tag}"), mail(f"{tag.lower()} x"), mail(text=f"On Monday you wrote\n> {tag}\n")):
        assert decided(raw) == FollowUp(1042, "tag")


@pytest.mark.requirement("MAIL-8")
def test_references_come_before_a_tag() -> None:
    assert decided(mail(make_tag(KEYS, 7), In_Reply_To="<one@x>")) == FollowUp(1, "references")


@pytest.mark.requirement("MAIL-8")
@pytest.mark.parametrize("forged", [make_tag(OTHERS, 7), "[#7-AAAAAAAAAA]"])
def test_a_forged_tag_joins_nothing_and_is_remarked_once(forged: str) -> None:
    found = decided(mail(f"{forged} {forged}", text=forged))
    assert (found.joins, found.joined_by) == (None, "")
    assert len(found.remarks) == 1
    assert "7" in found.remarks[0]


@pytest.mark.requirement("MAIL-8")
@pytest.mark.parametrize("subject", ["[#7]", "#7", "Ticket 7", "[#0-AAAAAAAAAA]", f"[#8{make_tag(KEYS, 7)[3:]}"])
def test_a_number_without_its_signature_joins_nothing(subject: str) -> None:
    assert decided(mail(subject)).joins is None


def test_of_a_long_thread_only_the_newest_are_looked_up_each_once() -> None:
    references = " ".join(f"<{index}@x>" for index in range(500))
    named = named_messages(parsed(In_Reply_To="<499@x>", References=references))
    assert named == [f"<{index}@x>" for index in range(499, 499 - MOST_REFERENCES, -1)]
