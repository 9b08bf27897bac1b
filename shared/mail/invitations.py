"""A readable line or two for a mail that is nothing but an invitation."""

import re

_FOLD = re.compile(r"\r?\n[ \t]")
_PROPERTY = re.compile(
    r"^(METHOD|SUMMARY|DTSTART|DTEND|LOCATION|ORGANIZER|DESCRIPTION|BEGIN)((?:;[^:;\n\"]*(?:\"[^\"\n]*\"[^:;\n\"]*)?)*+):(.*)$",
    re.MULTILINE | re.IGNORECASE,
)
_ESCAPED = re.compile(r"\\([\\;,nN])")
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z?))?")
_TITLES = {"REQUEST": "Invitation", "CANCEL": "Cancellation", "REPLY": "Answer to an invitation"}
# Beyond it only a calendar export lies.
_MAX_CHARACTERS = 100_000


def summarize_invitation(calendar: str) -> str:
    """The first event of an iCalendar text (RFC 5545) in a few lines; ``""`` when there is none."""
    found = _first_event(_FOLD.sub("", calendar[:_MAX_CHARACTERS]))
    if "SUMMARY" not in found and "DTSTART" not in found:
        return ""
    title = _TITLES.get(found.get("METHOD", "").upper(), "Appointment")
    lines = [f"{title}: {found.get('SUMMARY', '')}".rstrip(": ")]
    times = " to ".join(_moment(found[name]) for name in ("DTSTART", "DTEND") if name in found)
    named = (("When", times), ("Where", found.get("LOCATION", "")), ("Organizer", found.get("ORGANIZER", "")))
    lines += [f"{label}: {value}" for label, value in named if value]
    return "\n".join([*lines, "", found.get("DESCRIPTION", "")]).strip()


def _first_event(calendar: str) -> dict[str, str]:
    """Properties of the calendar and its first event; those of its time zones are not the event's."""
    found: dict[str, str] = {}
    block = "VCALENDAR"
    for name, parameters, value in _PROPERTY.findall(calendar):
        if name.upper() == "BEGIN":
            block = value.strip().upper()
            if block == "VEVENT" and "DTSTART" in found:
                break
        elif name.upper() == "METHOD" or block == "VEVENT":
            found.setdefault(name.upper(), _value(name.upper(), parameters, value))
    return found


def _value(name: str, parameters: str, value: str) -> str:
    if name == "ORGANIZER":
        return re.sub(r"(?i)^mailto:", "", value.strip())
    zone = re.search(r"(?i);TZID=\"?([^;:\"]+)", parameters) if name.startswith("DT") else None
    text = _ESCAPED.sub(lambda pair: "\n" if pair[1] in "nN" else pair[1], value.strip())
    return f"{text} {zone[1]}" if zone else text


def _moment(value: str) -> str:
    """``20261102T091200Z`` as ``2026-11-02 09:12 UTC``; whatever else as it is."""
    stamp, _, zone = value.partition(" ")
    match = _MOMENT.fullmatch(stamp)
    if match is None:
        return value
    day = f"{match[1]}-{match[2]}-{match[3]}"
    time = f" {match[4]}:{match[5]}" if match[4] else ""
    return f"{day}{time} {'UTC' if match[6] else zone}".rstrip()
