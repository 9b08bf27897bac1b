import re

from hypothesis import given
from hypothesis import strategies as st

from shared.mail import html_nesting
from shared.mail.html_nesting import FEW_TAGS, MAX_DEPTH, MAX_FORMATTING_DEPTH, limit_nesting

PADDING = "<br>" * (FEW_TAGS + 1)  # enough tags to be looked at


def _limited(html: str) -> str:
    return limit_nesting(html + PADDING)[0].replace("<br>", "")


def test_ordinary_html_is_left_as_it_is() -> None:
    html = "<p><b>unclosed <i>and crossed</b></i>"
    assert limit_nesting(html) == (html, None)


def test_every_element_is_closed_in_order() -> None:
    assert _limited("<div><b>x<i>y</b>z") == "<div><b>x<i>y</i></b>z</div>"


def test_depth_is_capped_and_said() -> None:
    html, note = limit_nesting("<div>" * 4_000 + "x")
    assert html.count("<div>") == html.count("</div>") == MAX_DEPTH
    assert note is not None
    html, note = limit_nesting("<font>" * 4_000 + "x")
    assert html.count("<font>") == MAX_FORMATTING_DEPTH


def test_lists_and_tables_are_not_nesting() -> None:
    html, note = limit_nesting("<ul>" + "<li>x" * 4_000 + "</ul>")
    assert (html.count("<li>"), note) == (4_000, None)


def test_a_tag_whose_end_readers_disagree_about_loses_its_attributes() -> None:
    assert _limited('<font a="></font>x') == "<font></font>x"
    assert _limited('<font a"="></font>x') == "<font></font>x"
    assert _limited("<a href=\"x\" b='c' d=e f>y</a>") == "<a href=\"x\" b='c' d=e f>y</a>"


def test_comments_go_and_text_stays() -> None:
    assert _limited("a<!-- <b> -->c<!x>d<![if x]>e 1 < 2") == "acde 1 &lt; 2"
    assert _limited("kept<!-- never closed <b>") == "kept"


@given(st.text(alphabet=st.sampled_from(list("<>/=\"' abip!-")), max_size=200))
def test_what_comes_out_is_well_nested(html: str) -> None:
    open_elements: list[str] = []
    for slash, name in re.findall(r"<(/?)([a-z]+)[^>]*>", _limited(html)):
        if name in html_nesting._SELF_ENDING | html_nesting._VOID:
            continue
        if slash:
            assert open_elements.pop() == name
        else:
            open_elements.append(name)
    assert open_elements == []
