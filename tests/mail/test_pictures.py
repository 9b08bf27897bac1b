import base64
import time

import pytest

from shared.mail.pictures import MAX_PICTURES, extract_data_pictures

DATA = base64.b64encode(b"picture").decode("ascii")


@pytest.mark.parametrize("quote", ['"', "'", ""])
def test_a_pasted_picture_becomes_a_file(quote: str) -> None:
    html, (picture,) = extract_data_pictures(f"a<img src={quote}data:image/png;base64,{DATA}{quote} alt=x>b")
    assert html == f'a<img src="cid:{picture.content_id}" alt=x>b'
    assert (picture.type, picture.content) == ("image/png", b"picture")


def test_what_is_no_raster_picture_stays_for_the_sanitizer() -> None:
    html = '<img src="data:image/svg+xml;base64,PHN2Zz4="><a href="data:text/html,x">'
    assert extract_data_pictures(html) == (html, ())


def test_their_number_is_capped() -> None:
    html, pictures = extract_data_pictures(f'<img src="data:image/gif;base64,{DATA}">' * (MAX_PICTURES + 5))
    assert len(pictures) == MAX_PICTURES
    assert "data:" not in html


def test_a_picture_that_never_ends_takes_no_time() -> None:
    begun = time.perf_counter()
    extract_data_pictures("<img src=\"data:image/png;base64,AAAA'" * 50_000)
    assert time.perf_counter() - begun < 5
