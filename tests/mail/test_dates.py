import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mail.dates import EARLIEST, LATEST, parse_date


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("Mon, 02 Nov 2026 09:12:00 +0100", "2026-11-02T08:12:00+00:00"),
        ("Mon, 2 Nov 2026 09:12:00 PST", "2026-11-02T17:12:00+00:00"),
        ("2 Nov 26 09:12 GMT", "2026-11-02T09:12:00+00:00"),
        ("Sat, 31 Dec 2016 23:59:60 +0000", "2016-12-31T23:59:59+00:00"),
        ("2026-11-02T09:12:00Z", "2026-11-02T09:12:00+00:00"),
        ("Mon, 02 Nov 2026 09:12:00 +0100 (Central European Time)", "2026-11-02T08:12:00+00:00"),
    ],
)
def test_dates_as_they_are_sent(text: str, iso: str) -> None:
    date = parse_date(text)
    assert date is not None
    assert date.isoformat() == iso


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "Thu, 01 Jan 1970 00:00:00 +0000",
        "Thu, 01 Jan 2099 00:00:00 +0000",
        "Mon, 31 Feb 2026 25:61:00 +0000",
    ],
)
def test_dates_that_nobody_believes(text: str) -> None:
    assert parse_date(text) is None


@given(st.text(alphabet=st.sampled_from(list("0123456789MonTueJanFeb ,:+-TZ()")), max_size=60))
def test_any_text_gives_a_believable_date_or_none(text: str) -> None:
    date = parse_date(text)
    assert date is None or EARLIEST <= date < LATEST
