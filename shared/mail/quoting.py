"""What is new in a mail: its text without the history below (or above) it and without the signature.

For display and for rules only; the whole text is always kept. Line by line in one pass, so a ladder of ten thousand
quotes costs what its length costs. Where it is not sure, everything counts as new.
"""

import re
from collections.abc import Sequence

from shared.mail.quoting_phrases import (
    ADDRESS,
    AFTERTHOUGHT,
    ANSWER_SUBJECT,
    ANSWERS_WITHIN,
    ATTRIBUTION_OPENING,
    ATTRIBUTION_VERB,
    CLOSING,
    DATE,
    DEVICE_SIGNATURE,
    FORWARD_MARKS,
    FORWARD_SUBJECT,
    HEADER_KINDS,
    HISTORY_SEPARATORS,
    TIME,
)

# A line longer than this is a paragraph, not something a mail program wrote above a quote.
_MAX_MARK_LENGTH = 400
_MIN_ATTRIBUTION_LENGTH = 8
_HEADER_BLOCK_LINES = 14
_SIGNATURE_LINES = 15
_ABBREVIATION_LENGTH = 4
_CLOSING_LINES = 12
_CLOSING_LINE_LENGTH = 120
_RULE = re.compile(r"[_\-=*\u2014]{5,}")
_DASHED = re.compile(r"-{2,}\s*([^-].{1,60}?)\s*-{2,}")
_REPLY_MARK = re.compile(r"#{2,}[- ].{1,150}[- ]#{2,}")
_FULLWIDTH_COLON = "\uff1a"
# The last ones are marks of direction around right-to-left text, \u200e to \u202e.
_DECORATION = " \t*_>\xa0\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
_GROUPWISE = re.compile(r">>> .{1,150} >>>\s*")
_QUOTE = re.compile(r" {0,3}>")
# After a heading other marks count, too: initials ("JD> "), a bar, an indentation.
_QUOTE_MARKS = (
    _QUOTE,
    re.compile(r"\s{0,8}[A-Za-z]{1,4}>"),
    re.compile(r"\s{0,8}[|:}](?:\s|$)"),
    re.compile(r"[ \t]{2}"),
)
_SENTENCE_WORDS = 4
_LONG_SENTENCE_WORDS = 7
_FACTS = re.compile(r"[\d,|@/\u2022\u00b7]")


def find_new_text(text: str, subject: str, *, is_threaded: bool) -> str:
    """The new part of ``text`` (lines by ``\\n``); never empty when ``text`` is not.

    ``is_threaded``: whether the headers name a mail that this one answers. One that answers none, by its subject
    neither, has hardly a history: what its sender pasted or quoted is what they want to show. A forwarded mail is new
    as a whole for the same reason.
    """
    text = text.strip()
    lines = text.split("\n")
    if not FORWARD_SUBJECT.match(subject):
        lines = _without_history(lines, is_answer=is_threaded or ANSWER_SUBJECT.search(subject[:200]) is not None)
    kept = "\n".join(_without_signature(_trimmed(lines))).strip()
    return kept or text


def _without_history(lines: list[str], *, is_answer: bool) -> list[str]:
    start, length = _find_history(lines, is_answer=is_answer)
    if start is None:
        return _without_trailing_quote(lines) if is_answer else lines
    above, below = lines[:start], lines[start + length :]
    is_blank_above = not any(line.strip() for line in above)
    mark = _quote_mark(below)
    if not _is_quoted(below, mark):
        return lines if is_blank_above or ANSWERS_WITHIN.search("\n".join(above)) else above
    answers = _after_first_quote(below, mark)
    if not any(line.strip() for line in _without_signature(answers)):
        return above
    # Text below the quote: the whole answer, when nothing stands above and it is not mixed with more quotes.
    return answers if is_blank_above and not _is_quoted(answers, mark) else lines


def _find_history(lines: Sequence[str], *, is_answer: bool) -> tuple[int | None, int]:
    """Line where the older mail begins, and how many lines its heading takes; None when there is none."""
    kinds = [_header_kind(line) for line in lines]
    for number, line in enumerate(lines):
        mark = line.strip(_DECORATION)
        if not mark or len(mark) > _MAX_MARK_LENGTH:
            continue
        if _is_forward_mark(mark):
            break
        if is_answer and (_is_separator(mark) or _GROUPWISE.fullmatch(line) or _is_header_block(lines, kinds, number)):
            start = _back_over_rules(lines, number)
            return start, number - start + 1
        length = _attribution_length(lines, number, is_answer=is_answer)
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


def _is_header_block(lines: Sequence[str], kinds: Sequence[str | None], number: int) -> bool:
    """From, subject and one more: two of them alone stand in tickets too ("From: Berlin", "To: Paris")."""
    if kinds[number] != "from":
        return False
    block = set(kinds[number : number + _HEADER_BLOCK_LINES])
    return "subject" in block and ("sent" in block or ("to" in block and ADDRESS.search(lines[number]) is not None))


def _header_kind(line: str) -> str | None:
    label, colon, _ = line[:40].replace(_FULLWIDTH_COLON, ":", 1).partition(":")
    return HEADER_KINDS.get(label.strip(_DECORATION).lower()) if colon else None


def _back_over_rules(lines: Sequence[str], number: int) -> int:
    while number > 0 and (not lines[number - 1].strip() or _RULE.fullmatch(lines[number - 1].strip())):
        number -= 1
    return number


def _attribution_length(lines: Sequence[str], number: int, *, is_answer: bool) -> int:
    """How many lines from here on say who wrote when; 0 when they do not."""
    if not (_ends_attribution(lines[number]) or ATTRIBUTION_OPENING.match(lines[number].lstrip(_DECORATION))):
        return 0
    for length, line in enumerate(lines[number : number + 3], start=1):
        if _ends_attribution(line):
            said = " ".join(each.strip(_DECORATION) for each in lines[number : number + length])
            if not _MIN_ATTRIBUTION_LENGTH <= len(said) <= _MAX_MARK_LENGTH:
                return 0
            following = next((each for each in lines[number + length : number + length + 5] if each.strip()), "")
            return length if _is_attribution(said, following, is_answer=is_answer) else 0
    return 0


def _is_attribution(said: str, following: str, *, is_answer: bool) -> bool:
    """People tell what others wrote, too; a program names an address, or day and time, or marks what follows."""
    has_verb, has_address = ATTRIBUTION_VERB.search(said) is not None, ADDRESS.search(said) is not None
    has_date = DATE.search(said) is not None
    is_by_program = has_address or (has_date and TIME.search(said) is not None)
    if _QUOTE.match(following):
        return (has_verb and (is_answer or is_by_program)) or (has_address and (is_answer or has_date))
    return is_answer and has_verb and is_by_program


def _ends_attribution(line: str) -> bool:
    return line.rstrip(_DECORATION).endswith((":", _FULLWIDTH_COLON))


def _quote_mark(below: Sequence[str]) -> re.Pattern[str]:
    """What the lines of the older mail begin with: an angle, or what the first of them shows."""
    first = next((line for line in below if line.strip()), "")
    return next((mark for mark in _QUOTE_MARKS if mark.match(first)), _QUOTE)


def _is_quoted(lines: Sequence[str], mark: re.Pattern[str]) -> bool:
    return any(mark.match(line) for line in lines)


def _after_first_quote(lines: list[str], mark: re.Pattern[str]) -> list[str]:
    """What follows the first run of quoted lines (empty lines do not end it)."""
    begun = False
    for number, line in enumerate(lines):
        if mark.match(line):
            begun = True
        elif begun and line.strip():
            return lines[number:]
    return []


def _without_trailing_quote(lines: list[str]) -> list[str]:
    """Without what is quoted at the end, unless the words above lead to it ("I now get:")."""
    end = len(lines)
    while end > 0 and (not lines[end - 1].strip() or lines[end - 1].startswith(">")):
        end -= 1
    return lines if end and _ends_attribution(lines[end - 1]) else lines[:end]


def _trimmed(lines: list[str]) -> list[str]:
    end = len(lines)
    while end > 0 and (not lines[end - 1].strip() or _RULE.fullmatch(lines[end - 1].strip())):
        end -= 1
    return lines[:end]


def _without_signature(lines: list[str]) -> list[str]:
    lines = _without_device_signature(lines)
    dashes = [number for number, line in enumerate(lines) if line.rstrip() == "--"]
    for number in dashes:
        if _is_signature_below(lines, number, is_alone=len(dashes) == 1):
            return lines[:number]
    first = max(1, len(lines) - 2 * _CLOSING_LINES)
    for number in range(first, len(lines)):
        if _is_closing(lines, number) and _is_signature(lines[number + 1 :]):
            return lines[:number]
    return lines


def _is_closing(lines: Sequence[str], number: int) -> bool:
    """``MfG`` stands in lists, too; as a closing it comes after a sentence or an empty line."""
    said, above = lines[number].strip(), lines[number - 1].rstrip()
    is_apart = len(said) > _ABBREVIATION_LENGTH or not above or not above[-1].isalnum()
    return is_apart and CLOSING.fullmatch(said) is not None


def _is_signature_below(lines: Sequence[str], number: int, *, is_alone: bool) -> bool:
    """Whether two dashes begin a signature. With their space they always do; without it they also part words."""
    if len(lines) - number > _SIGNATURE_LINES or any(AFTERTHOUGHT.match(line) for line in lines[number:]):
        return False
    return lines[number] == "-- " or (is_alone and _is_signature(lines[number + 1 :]))


def _is_signature(lines: Sequence[str]) -> bool:
    """Few short lines, and none of them says something."""
    written = [line.strip() for line in lines if line.strip()]
    is_short = all(len(line) <= _CLOSING_LINE_LENGTH for line in written)
    return len(written) <= _CLOSING_LINES and is_short and not any(map(_says_something, written))


def _says_something(line: str) -> bool:
    """Whether a line is an afterthought, the heading of a list, or a sentence rather than a name or an address."""
    words = len(line.split())
    is_sentence = (words >= _SENTENCE_WORDS and line.endswith((".", "!"))) or (
        words >= _LONG_SENTENCE_WORDS and not _FACTS.search(line)
    )
    return line.endswith(("?", ":")) or is_sentence or AFTERTHOUGHT.match(line) is not None


def _without_device_signature(lines: list[str]) -> list[str]:
    kept = _trimmed(lines)
    while kept and len(kept[-1]) <= _CLOSING_LINE_LENGTH and DEVICE_SIGNATURE.match(kept[-1].strip()):
        kept = _trimmed(kept[:-1])
    return kept
