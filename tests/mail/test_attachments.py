from shared.mail.attachments import File, attach, content_ids, content_locations, with_content_ids

A = File("a.png", "image/png", b"a", "Pic@x")
B = File("b.png", "image/png", b"b", "pic@X")
C = File("c.png", "image/png", b"c", None, "images/c%20c.png")


def test_inline_is_what_the_html_shows() -> None:
    first, second = attach([A, C], frozenset({"Pic@x"}))
    assert (first.inline, first.content_id) == (True, "Pic@x")
    assert (second.inline, second.content_id) == (False, None)


def test_an_id_that_comes_twice_belongs_to_the_first() -> None:
    first, second = attach([A, B], frozenset({"Pic@x", "pic@X"}))
    assert (first.inline, second.inline, second.content_id) == (True, False, None)
    assert content_ids([A, B]) == {"pic@x": "Pic@x"}


def test_a_location_is_a_name_too() -> None:
    files = with_content_ids([A, C])
    assert content_locations(files) == {
        "images/c%20c.png": "location-2@in-html",
        "images/c c.png": "location-2@in-html",
    }


def test_names_are_safe_and_unique_and_types_valid() -> None:
    files = [File("../x.txt", "text/plain", b""), File("X.TXT", "no type", b""), File("", "text/calendar", b"")]
    found = [(each.name, each.type) for each in attach(files, frozenset())]
    assert found == [
        ("x.txt", "text/plain"),
        ("X (2).TXT", "application/octet-stream"),
        ("invite.ics", "text/calendar"),
    ]
