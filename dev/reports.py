"""What a delivered mail has become, in full: its line of the journal, and what its ticket says."""

import os
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dev.delivery import Parcel
from dev.desk_api import THREADS, DeskApi
from dev.mail_files import printable

_PAGE = 500

type Action = dict[str, Any]


class Reporter:
    """Looks actions up ticket by ticket, several at a time; of a long ticket it reads only what is new."""

    def __init__(self, desk: DeskApi) -> None:
        self._desk = desk
        self._read_up_to: dict[int, str] = {}
        """By ticket, the token of the last page that was read: later actions are on that page or behind it."""

    def describe(self, parcels: Sequence[Parcel]) -> list[dict[str, Any]]:
        """One object a mail, as `deliver --json` prints it."""
        wanted: dict[int, set[str]] = defaultdict(set)
        for parcel in parcels:
            if parcel.entry and parcel.entry["number"]:
                wanted[parcel.entry["number"]].add(parcel.entry["action"])
        with ThreadPoolExecutor(THREADS) as threads:
            found = dict(zip(wanted, threads.map(self._find_actions, wanted.keys(), wanted.values()), strict=True))
        return [_described(parcel, found) for parcel in parcels]

    def _find_actions(self, number: int, keys: set[str]) -> dict[str, Action]:
        actions = self._read(number, self._read_up_to.get(number, ""))
        if not keys <= actions.keys():
            actions = self._read(number, "")
        return {key: actions[key] for key in keys & actions.keys()}

    def _read(self, number: int, after: str) -> dict[str, Action]:
        """A ticket's actions by key, from a page to the end."""
        actions: dict[str, Action] = {}
        while True:
            query: dict[str, str | int] = {"limit": _PAGE, **({"after": after} if after else {})}
            page = self._desk.get(f"/tickets/{number}", **query)["actions"]
            actions.update({each["key"]: each for each in page["items"]})
            self._read_up_to[number] = after
            if not page.get("next"):
                return actions
            after = page["next"]


def as_line(told: dict[str, Any]) -> str:
    """One line for people."""
    ticket = f"#{told['ticket']}" if told["ticket"] else ""
    about = f'"{told["subject"]}"' if told["subject"] else ""
    said = f"{told['verdict'] or 'NO VERDICT':<12}{ticket:>7} {told['seconds']:7.2f} s  {told['file']}  {about}"
    if told["reason"]:
        said += f"  ({told['reason']})"
    return printable(said.rstrip())


def _described(parcel: Parcel, found: dict[int, dict[str, Action]]) -> dict[str, Any]:
    entry = parcel.entry or {}
    number = entry.get("number") or None
    action = found.get(number or 0, {}).get(entry.get("action", ""), {})
    return {
        "file": os.fspath(parcel.file),
        "message_id": entry.get("internet_message_id", ""),
        "verdict": entry.get("verdict") or None,
        "reason": entry.get("reason") or parcel.trouble,
        "ticket": number,
        "action": entry.get("action") or None,
        "subject": entry.get("subject", ""),
        "from": entry.get("sender", ""),
        "requester": entry.get("requester", ""),
        "joined_by": entry.get("joined_by", ""),
        "automatic": entry.get("automatic", ""),
        "text": action.get("new_text", ""),
        "attachments": [
            {name: each[name] for name in ("name", "type", "size", "inline")} for each in action.get("attachments", [])
        ],
        "seconds": round(parcel.seconds, 3),
    }
