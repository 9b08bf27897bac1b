import pytest

from shared.mail.parts import MAX_DEPTH, MAX_PARTS, Part, parse_parts


def _leaves(part: Part) -> list[tuple[str, bytes]]:
    if part.children:
        return [leaf for child in part.children for leaf in _leaves(child)]
    return [(part.type, part.encoded())]


def _tree(raw: bytes) -> list[tuple[str, bytes]]:
    return _leaves(parse_parts(raw)[0])


A = b"Content-Type: text/plain\r\n\r\nA"
B = b"Content-Type: text/html\r\n\r\nB"


@pytest.mark.parametrize(
    ("body", "leaves"),
    [
        (b"--b\r\n" + A + b"\r\n--b\r\n" + B + b"\r\n--b--\r\n", [("text/plain", b"A"), ("text/html", b"B")]),
        (b"--b\n" + A + b"\n--b\n" + B + b"\n--b--", [("text/plain", b"A"), ("text/html", b"B")]),
        (b"pre\r\n--b\r\n" + A + b"\r\n--b--\r\npost", [("text/plain", b"A")]),
        (b"--b\r\n" + A + b"\r\n--b\r\n" + B, [("text/plain", b"A"), ("text/html", b"B")]),
        (b"--b\r\n" + A + b" --b no delimiter\r\n--bb\r\n--b--", [("text/plain", b"A --b no delimiter\r\n--bb")]),
        (b"--b\r\n\r\nA\r\n--b--", [("text/plain", b"A")]),
        (b"--b  \r\n" + A + b"\r\n--b-- \r\n", [("text/plain", b"A")]),
        (b"--other\r\n" + A + b"\r\n--other--\r\n", [("text/plain", b"A")]),
        (b"no part at all", [("text/plain", b"no part at all")]),
    ],
)
def test_a_multipart_is_cut_at_its_delimiters(body: bytes, leaves: list[tuple[str, bytes]]) -> None:
    assert _tree(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + body) == leaves


def test_a_boundary_that_begins_like_another_is_not_mistaken_for_it() -> None:
    inner = b"Content-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n" + A + b"\r\n--bb--"
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + inner + b"\r\n--b\r\n" + B + b"\r\n--b--"
    assert _tree(raw) == [("text/plain", b"A"), ("text/html", b"B")]


def test_depth_and_number_are_capped_and_said() -> None:
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(MAX_DEPTH + 20)
    )
    root, notes = parse_parts(deep + b"\r\nbottom")
    assert _leaves(root)[0][0] == "application/octet-stream"
    assert any("levels deep" in note for note in notes)
    root, notes = parse_parts(
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * (MAX_PARTS + 9)
    )
    assert len(root.children) == MAX_PARTS
    assert any("parts" in note for note in notes)


@pytest.mark.parametrize(
    ("declared", "type_"),
    [
        (b"text", "text/plain"),
        (b"", "text/plain"),
        (b"a/b/c", "text/plain"),
        (b'x; name="f"', "application/octet-stream"),
    ],
)
def test_a_type_that_is_none_is_replaced(declared: bytes, type_: str) -> None:
    assert parse_parts(b"Content-Type: " + declared + b"\r\n\r\nx")[0].type == type_
