"""Which character set text is in that does not say so and is no UTF-8: told by which letters it would be made of.

Only for text of which half is beyond ASCII: Western languages never are, and what is left is told apart with ease. Why
not a library: docs/decisions/0004.
"""

import re

# Below it anything can look like anything: "Größe".
_FEWEST_BYTES = 8
_SAMPLE = 4_000
_ASCII = bytes(range(128))
_NO_WORDS = re.compile(rb"[\x00-\x40]+")
_SMALL_CYRILLIC = re.compile("[\u0430-\u044f\u0451]")
_KANA = re.compile("[\u3041-\u30fe]")
# Russian is small letters but for the first ones; read as a neighboring set it would shout.
_CYRILLIC = ("koi8_r", "cp1251", "iso8859_5")
# Korean syllables are a third of what Chinese may use, so they are asked for first.
_KOREAN = re.compile(rb"(?:[\xb0-\xc8][\xa1-\xfe]|\xa1[\xa1-\xfe]|[\x00-\x7f])*")


def guess_foreign(raw: bytes) -> str | None:
    """Python's codec for ``raw``, or None where it may as well be Western."""
    sample = raw[:_SAMPLE]
    beyond = len(sample.translate(None, _ASCII))
    if beyond < _FEWEST_BYTES or beyond * 2 < len(_NO_WORDS.sub(b"", sample)):
        return None
    return _cyrillic(sample, beyond) or _japanese(sample, beyond) or _chinese_or_korean(raw)


def _cyrillic(sample: bytes, beyond: int) -> str | None:
    found = {codec: len(_SMALL_CYRILLIC.findall(sample.decode(codec, "replace"))) for codec in _CYRILLIC}
    best = max(_CYRILLIC, key=found.__getitem__)
    return best if found[best] * 4 > beyond * 3 else None


def _japanese(sample: bytes, beyond: int) -> str | None:
    for codec in ("cp932", "euc_jp"):
        text = sample.decode(codec, "replace")
        if text[:-1].count("\ufffd") == 0 and len(_KANA.findall(text)) * 6 > beyond:
            return codec
    return None


def _chinese_or_korean(raw: bytes) -> str | None:
    if _KOREAN.fullmatch(raw):
        return "cp949"
    for strict, codec in (("gb2312", "gb18030"), ("big5", "cp950")):
        try:
            raw.decode(strict)
        except UnicodeError:
            continue
        return codec
    return None
