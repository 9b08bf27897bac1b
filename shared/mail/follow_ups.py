"""Which ticket a mail belongs to.

In this order, the first that finds a ticket wins, and the winner is kept with the action:

1. ``references``: ``In-Reply-To`` and ``References`` name a mail that is on a ticket;
2. ``tag``: the subject or the body bears a ticket tag with our signature.

A number without our signature gets nobody into a ticket: it can be guessed, or belong to another desk
(https://github.com/frappe/helpdesk/issues/2401).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from shared.desk import tags
from shared.mail.parsing import Mail
from shared.sealing import Keys

MOST_REFERENCES = 12
"""Looked up at most: the newest ones; a long thread names its beginning and its end."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The ticket that a mail joins (a number, or the origin of a mail taken in with it), by what, and remarks."""

    joins: int | str | None
    joined_by: str = ""
    remarks: tuple[str, ...] = ()


def decide(mail: Mail, keys: Keys, find_by_message_id: Callable[[str], int | str | None]) -> FollowUp:
    """Find the ticket of a mail; ``find_by_message_id`` knows which ticket a Message-ID is on."""
    for message_id in named_messages(mail):
        found = find_by_message_id(message_id)
        if found is not None:
            return FollowUp(found, "references")
    number, forged = tags.find_tagged(keys, f"{mail.subject}\n{mail.text}")
    remarks = tuple(
        f"The mail names ticket {each} with a signature that is not ours." for each in dict.fromkeys(forged)
    )
    return FollowUp(number, "tag" if number is not None else "", remarks)


def named_messages(mail: Mail) -> list[str]:
    """The Message-IDs that a mail answers, nearest first, each once."""
    return list(dict.fromkeys(_nearest_first(mail)))[:MOST_REFERENCES]


def _nearest_first(mail: Mail) -> Iterator[str]:
    yield from mail.in_reply_to
    yield from reversed(mail.references)


def originals_first(mails: Sequence[tuple[str, Mail | None]]) -> list[int]:
    """The places of these mails, each with the time that it was received, in the order to take them in.

    Graph tells the time received to the second and promises no order within it: there, what is answered goes before
    the answer.
    """
    by_time = sorted(range(len(mails)), key=lambda place: mails[place][0])
    return [
        place for _, second in groupby(by_time, lambda place: mails[place][0]) for place in _untangled(mails, second)
    ]


def _untangled(mails: Sequence[tuple[str, Mail | None]], places: Iterator[int]) -> Iterator[int]:
    """Each behind those that it names; each is looked at once, whatever rings they form."""
    waiting = dict.fromkeys(places)
    by_id = {mail.message_id: place for place in waiting if (mail := mails[place][1]) and mail.message_id}

    def follow(place: int) -> Iterator[int]:
        if place not in waiting:
            return
        del waiting[place]
        mail = mails[place][1]
        for message_id in named_messages(mail) if mail else ():
            if message_id in by_id:
                yield from follow(by_id[message_id])
        yield place

    for place in list(waiting):
        yield from follow(place)
