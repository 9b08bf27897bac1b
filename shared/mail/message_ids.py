"""Message ids: one spelling for each, so that two mails that mean the same id are compared by ``==``."""

import re

# A thread's References grows with every answer. The first few name its beginning, the last ones the newest mails; each
# is one look-up, so the middle is what can be done without.
MAX_REFERENCES = 50
_KEPT_FROM_THE_START = 5
# RFC 5322 allows no line longer than 998; an id beyond it is no id.
MAX_ID_LENGTH = 996

_IN_BRACKETS = re.compile(r"<([^<>]{1,2000})>")
_SPACE = re.compile(r"\s+")


def parse_message_ids(text: str) -> tuple[str, ...]:
    """The ids of an ``In-Reply-To`` or ``References`` field as ``<...>``: in order, each once, capped."""
    found = dict.fromkeys(filter(None, (_normalized(each) for each in _candidates(text))))
    ids = tuple(found)
    if len(ids) <= MAX_REFERENCES:
        return ids
    return ids[:_KEPT_FROM_THE_START] + ids[_KEPT_FROM_THE_START - MAX_REFERENCES :]


def parse_message_id(text: str) -> str | None:
    """The first id in ``text`` as ``<...>``, or None. Some senders forget the brackets: then the whole is taken."""
    match = _IN_BRACKETS.search(text)
    return _normalized(match[1] if match else text.strip("<>, \t"))


def _candidates(text: str) -> list[str]:
    bracketed = _IN_BRACKETS.findall(text)
    # In-Reply-To of old: "Your message of Monday, <id>"; some senders: bare ids between spaces or commas.
    return bracketed or [word for word in re.split(r"[\s,]+", text) if "@" in word]


def _normalized(inner: str) -> str | None:
    """White space inside an id is an unlucky fold; everything else is significant, capitals too (RFC 5322, 3.6.4)."""
    inner = _SPACE.sub("", inner)
    return f"<{inner}>" if inner and len(inner) <= MAX_ID_LENGTH else None
