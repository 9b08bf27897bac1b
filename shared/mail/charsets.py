"""From bytes with a claimed character set to text, whatever the claim is worth.

The names that mail really carries are wider than the registered ones. Where the WHATWG Encoding Standard
(https://encoding.spec.whatwg.org/#names-and-labels) reads a label as a superset (``gb2312`` as gb18030,
``iso-8859-1`` as windows-1252), so do we, because senders use the superset's characters.
"""

import codecs
import re

from shared.mail.charset_guesses import guess_foreign

# Claims that say nothing: the text is looked at instead.
_MEANINGLESS = frozenset({"", "7bit", "8bit", "ascii", "ansi", "binary", "default", "none", "unknown", "us-ascii"})

_ALIASES = {
    "ansi-x3.4-1968": "ascii",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "dos-874": "cp874",
    "iso-8859-6-i": "iso8859_6",
    "iso-8859-6-e": "iso8859_6",
    "iso-8859-8-i": "iso8859_8",
    "iso-8859-8-e": "iso8859_8",
    "logical": "iso8859_8",
    "visual": "iso8859_8",
    "gb2312": "gb18030",
    "gb-2312": "gb18030",
    "gb2312-80": "gb18030",
    "gb-2312-80": "gb18030",
    "x-gbk": "gb18030",
    "gbk": "gb18030",
    "cp936": "gb18030",
    "euc-cn": "gb18030",
    "x-euc-cn": "gb18030",
    "hz-gb-2312": "hz",
    "ks-c-5601-1987": "cp949",
    "ks-c-5601-1989": "cp949",
    "ks-c-5601": "cp949",
    "ksc5601": "cp949",
    "ksc-5601": "cp949",
    "korean": "cp949",
    "euc-kr": "cp949",
    "windows-949": "cp949",
    "x-windows-949": "cp949",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "x-ms-cp932": "cp932",
    "windows-31j": "cp932",
    "x-euc-jp": "euc_jp",
    "x-euc": "euc_jp",
    "big5": "cp950",
    "x-x-big5": "cp950",
    "big5-eten": "cp950",
    "unicode-1-1-utf-7": "utf_7",
    "x-unicode-2-0-utf-7": "utf_7",
    "unicode-1-1-utf-8": "utf_8",
    "utf8mb4": "utf_8",
    "utf8mb3": "utf_8",
    "x-unicode-2-0-utf-8": "utf_8",
    "unicode": "utf_16",
    "iso-10646-ucs-2": "utf_16",
    "ucs-2": "utf_16",
    "x-mac-roman": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-ce": "mac_latin2",
    "koi8-ru": "koi8_u",
    "koi": "koi8_r",
    "koi8": "koi8_r",
}

# Where the strict superset fails, a sibling often does not.
_SIBLINGS = {
    "cp950": ("big5hkscs",),
    "iso2022_jp": ("iso2022_jp_2004", "iso2022_jp_ext"),
    "euc_jp": ("euc_jis_2004",),
    "cp932": ("shift_jis_2004",),
    "ascii": ("utf_8",),
}

# Python knows text codecs that no mail may choose: punycode and idna take quadratic time, unicode_escape is a language.
_REFUSED = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"})

_NOISE = re.compile(r"[\s\"'<>=_:,]+")
_BURIED_NAME = re.compile(r"(utf-?8|utf-?16|windows-?125[0-8]|iso-?8859-?1?\d|koi8-?[ru]|gb18030|big5|iso-2022-jp)")
_CODE_PAGE = re.compile(r"(?:cp|ibm|dos|x-cp|ms)-?(\d{3,5})")
_ESCAPES_TO_JAPANESE = (b"\x1b$B", b"\x1b$@", b"\x1b(J", b"\x1b(I")
_SINGLE_BYTE_GUESS = "windows-1252"
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_SURROGATES = re.compile("[\ud800-\udfff]")

# Single-byte sets in which nearly every byte means something, so that UTF-8 under their name does not fail by itself.
_NEVER_FAIL = frozenset({"cp1252", "cp1254", "iso8859-15", "ascii"})


def decode_text(raw: bytes, claimed: str | None) -> tuple[str, str | None]:
    """Decode ``raw``, claimed to be in the character set ``claimed``.

    Never raises. The second value is None, or says in one sentence what was mended.
    """
    text, note = _decode(raw, claimed)
    return without_surrogates(text.removeprefix("\ufeff")), note


def without_surrogates(text: str) -> str:
    """``text`` with lone surrogates (which no UTF-8 encoder takes) replaced by U+FFFD."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def find_codec(claimed: str) -> str | None:
    """The name of Python's codec for a character set as mail claims it, or None when there is none to be trusted."""
    label = _NOISE.sub("-", claimed.strip(" \t\r\n\"'").lower()).strip("-")[:60]
    if (codec := _python_codec(label)) is not None:
        return codec
    if (page := _CODE_PAGE.fullmatch(label)) is not None:
        return _python_codec(f"cp{page[1]}")
    buried = _BURIED_NAME.search(label)
    return _python_codec(buried[0]) if buried else None


def _python_codec(label: str) -> str | None:
    label = _ALIASES.get(label, label)
    if not label or not label.isascii() or label in _REFUSED:
        return None
    try:
        found = codecs.lookup(label)
    except (LookupError, ValueError):  # ValueError: a NUL in the name
        return None
    # Python marks base64, rot13, zlib and the like with this; there is no public name for it.
    if not found._is_text_encoding or found.name in _REFUSED:
        return None
    superset = _ALIASES.get(found.name.replace("_", "-"), found.name)
    return codecs.lookup(superset).name


def _decode(raw: bytes, claimed: str | None) -> tuple[str, str | None]:
    label = (claimed or "").strip(" \t\r\n\"'").lower()
    if label in _MEANINGLESS:
        return _decode_unclaimed(raw, label)
    codec = find_codec(label)
    if codec is None:
        text, as_what = guess(raw)
        return text, f"character set {label[:40]!r} unknown, read as {as_what}"
    return _decode_as(raw, codec, label)


def _decode_unclaimed(raw: bytes, label: str) -> tuple[str, str | None]:
    text, as_what = guess(raw)
    if as_what == "us-ascii":
        return text, None
    said = f"{label} claimed" if label else "no character set claimed"
    return text, f"{said}, read as {as_what}"


def guess(raw: bytes) -> tuple[str, str]:
    """Decode ``raw`` by looking at it; also what it was taken for."""
    if any(escape in raw for escape in _ESCAPES_TO_JAPANESE):
        text = _first_strict(raw, ("iso2022_jp", *_SIBLINGS["iso2022_jp"]))
        if text is not None:
            return text, "iso-2022-jp"
    if raw.isascii():
        return raw.decode("ascii"), "us-ascii"
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf_16", "replace"), "utf-16"
    text = _first_strict(raw, ("utf_8",))
    if text is not None:
        return text, "utf-8"
    codec = guess_foreign(raw) or "cp1252"
    return raw.decode(codec, "replace"), codecs.lookup(codec).name if codec != "cp1252" else _SINGLE_BYTE_GUESS


def _decode_as(raw: bytes, codec: str, label: str) -> tuple[str, str | None]:
    if codec in _NEVER_FAIL and not raw.isascii():
        text = _first_strict(raw, ("utf_8",))
        if text is not None:
            return text, f"claimed to be {label[:40]}, is utf-8"
    if codec == "utf-16":
        codec = _utf_16_order(raw)
    text = _first_strict(raw, (codec, *_SIBLINGS.get(codec, ())))
    if text is not None:
        return text, None
    return _decode_in_spite(raw, codec, label)


def _decode_in_spite(raw: bytes, codec: str, label: str) -> tuple[str, str]:
    text = _first_strict(raw, ("utf_8",))
    if text is not None:
        return text, f"claimed to be {label[:40]}, is utf-8"
    text = raw.decode(codec, "replace")
    if codec == "utf-8" and _mostly_replaced(text):
        text, as_what = guess(raw)
        return text, f"claimed to be {label[:40]}, read as {as_what}"
    return text, f"not all of it is {label[:40]}; what is not was replaced"


def _mostly_replaced(text: str) -> bool:
    """Whether fewer letters survived than were lost: then it never was UTF-8, not merely UTF-8 that was damaged."""
    lost = text.count("\ufffd")
    return lost > len(_BEYOND_ASCII.findall(text)) - lost


def _first_strict(raw: bytes, names: tuple[str, ...]) -> str | None:
    for name in names:
        try:
            return raw.decode(name)
        except (UnicodeError, ValueError):
            continue
    return None


def _utf_16_order(raw: bytes) -> str:
    """Without a mark RFC 2781 says big-endian, most senders are little-endian: Latin text shows it by its zeros."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf_16"
    sample = raw[:400]
    return "utf_16_be" if sample[0::2].count(0) > sample[1::2].count(0) else "utf_16_le"
