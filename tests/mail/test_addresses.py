import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mail.addresses import MAX_ADDRESSES, normalize_address, parse_addresses


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("jane@example.com", [("", "jane@example.com")]),
        ("Jane <JANE@Example.com>", [("Jane", "jane@example.com")]),
        ('"Doe, Jane" <j@e.org>, bob@x.net (Bob)', [("Doe, Jane", "j@e.org"), ("Bob", "bob@x.net")]),
        ("Doe, Jane <j@e.org>", [("Doe, Jane", "j@e.org")]),
        ("undisclosed-recipients:;", []),
        ("Team: a@b.org, c@d.org;, e@f.org", [("", "a@b.org"), ("", "c@d.org"), ("", "e@f.org")]),
        ("a@b.org; c@d.org", [("", "a@b.org"), ("", "c@d.org")]),
        ("<a@b.org><c@d.org>", [("", "a@b.org"), ("", "c@d.org")]),
        ("a@b.org, A@B.org", [("", "a@b.org")]),
        ("Jane <j@e.org", [("", "j@e.org")]),
        ("Jane <<j@e.org>>", [("Jane", "j@e.org")]),
        ("<j @e.org>", [("", "j@e.org")]),
        ("Jane j@e.org", [("", "j@e.org")]),
        ("mailto:j@e.org", [("", "j@e.org")]),
        ('"j@e.org" <j@e.org>', [("", "j@e.org")]),
        ('"a\\"b" <j@e.org>', [('a"b', "j@e.org")]),
        ("=?utf-8?Q?M=C3=BCller=2C_J?= <j@e.org>", [("Müller, J", "j@e.org")]),
        ("=?utf-8?Q?Jane_=3Cj=40e=2Eorg=3E?=", [("Jane", "j@e.org")]),
        ("<>", []),
        ("MAILER-DAEMON", []),
        ("", []),
    ],
)
def test_fields_as_they_are_sent(text: str, found: list[tuple[str, str]]) -> None:
    assert [(each.name, each.address) for each in parse_addresses(text)] == found


@pytest.mark.parametrize(
    "text", ["", "@", "a@", "@b", "a b@c.org", "a@b..c", "a@-b.org", "a@b.org\nx", "a@b@c", "a" * 400 + "@b.org"]
)
def test_what_is_no_address(text: str) -> None:
    assert normalize_address(text) is None


def test_a_look_alike_domain_shows_itself() -> None:
    assert normalize_address("a@ex\u0430mple.com") == "a@xn--exmple-4nf.com"


def test_no_more_than_the_cap() -> None:
    assert len(parse_addresses(",".join(f"u{number}@example.com" for number in range(2_000)))) == MAX_ADDRESSES


@given(st.text(alphabet=st.sampled_from(list('ab@.<>"(),;:\\ =?[]\u0430')), max_size=80))
def test_whatever_is_found_is_valid_and_stays_itself(text: str) -> None:
    for each in parse_addresses(text):
        assert normalize_address(each.address) == each.address
        assert each.address.rpartition("@")[2].isascii()
