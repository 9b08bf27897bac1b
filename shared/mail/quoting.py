"""What is new in a mail: its text without the history below (or above) it and without the signature.

For display and for rules only; the whole text is always kept. Line by line in one pass, so a ladder of ten thousand
quotes costs what its length costs. Where it is not sure, everything counts as new.
"""

import re
from collections.abc import Sequence

from shared.mail.quoting_phrases import (
    ATTRIBUTION_EVIDENCE,
    ATTRIBUTION_OPENING,
    ATTRIBUTION_VERB,
    CLOSING,
    DEVICE_SIGNATURE,
    FORWARD_MARKS,
    FORWARD_SUBJECT,
    HEADER_KINDS,
    HISTORY_SEPARATORS,
)

# A line longer than this is a paragraph, not something a mail program wrote above a quote.
_MAX_MARK_LENGTH = 400
_HEADER_BLOCK_LINES = 14
_SIGNATURE_LINES = 15
_CLOSING_LINES = 12
_CLOSING_LINE_LENGTH = 120
_RULE = re.compile(r"[_\-=*\u2014]{5,}")
_DASHED = re.compile(r"-{2,}\s*([^-].{1,60}?)\s*-{2,}")
_REPLY_MARK = re.compile(r"#{2,}[- ].{1,150}[- ]#{2,}")
_FULLWIDTH_COLON = "\uff1a"
_DECORATION = " \t*_>\xa0"


def find_new_text(text: str, subject: str) -> str:
    """The new part of ``text`` (lines by ``\\n``); never empty when ``text`` is not.

    A forwarded mail is new as a whole: what was forwarded is what the sender wants to say.
    """
    text = text.strip()
    lines = text.split("\n")
    if not FORWARD_SUBJECT.match(subject):
        lines = _without_history(lines)
    kept = "\n".join(_without_signature(_trimmed(lines))).strip()
    return kept or text


def _without_history(lines: list[str]) -> list[str]:
    start, length = _find_history(lines)
    if start is None:
        return _without_trailing_quote(lines)
    above, below = lines[:start], lines[start + length :]
    is_blank_above = not any(line.strip() for line in above)
    if not _is_quoted(below):
        return lines if is_blank_above else above
    answers = _after_first_quote(below)
    if not any(line.strip() for line in _without_signature(answers)):
        return above
    # Text below the quote: the whole answer, when nothing stands above and it is not mixed with more quotes.
    return answers if is_blank_above and not _is_quoted(answers) else lines


def _find_history(lines: Sequence[str]) -> tuple[int | None, int]:
    """Line where the older mail begins, and how many lines its heading takes; None when there is none."""
    kinds = [_header_kind(line) for line in lines]
    for number, line in enumerate(lines):
        mark = line.strip(_DECORATION)
        if not mark or len(mark) > _MAX_MARK_LENGTH:
            continue
        if _is_forward_mark(mark):
            break
        if _is_separator(mark) or _is_header_block(kinds, number):
            return _back_over_rules(lines, number), 1
        length = _attribution_length(lines, number)
        if length:
            return number, length
    return None, 0


def _is_forward_mark(mark: str) -> bool:
    return mark[0] in "-bBaAdDiI转轉" and _between_dashes(mark).rstrip(" :\xa0").lower() in FORWARD_MARKS


def _is_separator(mark: str) -> bool:
    if mark[0] == "#":
        return _REPLY_MARK.fullmatch(mark) is not None
    return mark[0] == "-" and _between_dashes(mark).lower() in HISTORY_SEPARATORS


def _between_dashes(mark: str) -> str:
    dashed = _DASHED.fullmatch(mark)
    return dashed[1] if dashed else mark


def _is_header_block(kinds: Sequence[str | None], number: int) -> bool:
    """From, subject and one more: two of them alone stand in tickets too ("From: Berlin", "To: Paris")."""
    if kinds[number] != "from":
        return False
    block = set(kinds[number : number + _HEADER_BLOCK_LINES])
    return "subject" in block and not block.isdisjoint({"sent", "to"})


def _header_kind(line: str) -> str | None:
    label, colon, _ = line[:40].replace(_FULLWIDTH_COLON, ":", 1).partition(":")
    return HEADER_KINDS.get(label.strip(_DECORATION).lower()) if colon else None


def _back_over_rules(lines: Sequence[str], number: int) -> int:
    while number > 0 and (not lines[number - 1].strip() or _RULE.fullmatch(lines[number - 1].strip())):
        number -= 1
    return number


def _attribution_length(lines: Sequence[str], number: int) -> int:
    """How many lines from here on say who wrote when; 0 when they do not."""
    if not (_ends_attribution(lines[number]) or ATTRIBUTION_OPENING.match(lines[number].lstrip(_DECORATION))):
        return 0
    for length, line in enumerate(lines[number : number + 3], start=1):
        if _ends_attribution(line):
            said = " ".join(each.strip(_DECORATION) for each in lines[number : number + length])
            is_said = len(said) <= _MAX_MARK_LENGTH and ATTRIBUTION_VERB.search(said) is not None
            return length if is_said and _is_quoted_next(lines, number + length, said) else 0
    return 0


def _is_quoted_next(lines: Sequence[str], number: int, said: str) -> bool:
    """Whether a quote follows, or the line itself names a time or an address, as mail programs do."""
    following = next((each for each in lines[number : number + 5] if each.strip()), "")
    return following.startswith(">") or ATTRIBUTION_EVIDENCE.search(said) is not None


def _ends_attribution(line: str) -> bool:
    return line.rstrip(_DECORATION).endswith((":", _FULLWIDTH_COLON))


def _is_quoted(lines: Sequence[str]) -> bool:
    return any(line.startswith(">") for line in lines)


def _after_first_quote(lines: list[str]) -> list[str]:
    """What follows the first run of quoted lines (empty lines do not end it)."""
    begun = False
    for number, line in enumerate(lines):
        if line.startswith(">"):
            begun = True
        elif begun and line.strip():
            return lines[number:]
    return []


def _without_trailing_quote(lines: list[str]) -> list[str]:
    end = len(lines)
    while end > 0 and (not lines[end - 1].strip() or lines[end - 1].startswith(">")):
        end -= 1
    return lines[:end]


def _trimmed(lines: list[str]) -> list[str]:
    end = len(lines)
    while end > 0 and (not lines[end - 1].strip() or _RULE.fullmatch(lines[end - 1].strip())):
        end -= 1
    return lines[:end]


def _without_signature(lines: list[str]) -> list[str]:
    lines = _without_device_signature(lines)
    for number, line in enumerate(lines):
        if line.rstrip() == "--" and len(lines) - number <= _SIGNATURE_LINES:
            return lines[:number]
    first = max(1, len(lines) - 2 * _CLOSING_LINES)
    for number in range(first, len(lines)):
        if CLOSING.fullmatch(lines[number].strip()) and _is_signature(lines[number + 1 :]):
            return lines[:number]
    return lines


def _is_signature(lines: Sequence[str]) -> bool:
    """Few short lines, and no question among them."""
    written = [line.strip() for line in lines if line.strip()]
    is_short = all(len(line) <= _CLOSING_LINE_LENGTH for line in written)
    return len(written) <= _CLOSING_LINES and is_short and not any(line.endswith("?") for line in written)


def _without_device_signature(lines: list[str]) -> list[str]:
    kept = _trimmed(lines)
    while kept and len(kept[-1]) <= _CLOSING_LINE_LENGTH and DEVICE_SIGNATURE.match(kept[-1].strip()):
        kept = _trimmed(kept[:-1])
    return kept
