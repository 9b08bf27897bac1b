"""Routes are matched as ASP.NET Core does it for the Functions host."""

import pytest

from dev.doors.errors import HostError
from dev.doors.routes import decode_path, parse_route

GUID = "7d444840-9dc0-11d1-b245-5ffdce74fad2"


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("tickets", "tickets", {}),
        ("tickets", "Tickets", {}),
        ("tickets", "tickets/1", None),
        ("tickets", "", None),
        ("tickets/{id}", "tickets/7", {"id": "7"}),
        ("tickets/{id}", "tickets", None),
        ("tickets/{id}", "tickets//", None),
        ("tickets/{id?}", "tickets", {}),
        ("tickets/{id?}", "tickets/7", {"id": "7"}),
        ("tickets/{id:int}", "tickets/7", {"id": "7"}),
        ("tickets/{id:int}", "tickets/export", None),
        ("tickets/{id:int}", "tickets/2147483648", None),
        ("tickets/{id:long}", "tickets/2147483648", {"id": "2147483648"}),
        ("tickets/{id:int?}", "tickets", {}),
        ("tickets/{id:int:min(3)}", "tickets/2", None),
        ("tickets/{id:range(3,9)}", "tickets/9", {"id": "9"}),
        ("tickets/{id:guid}", f"tickets/{GUID}", {"id": GUID}),
        ("tickets/{id:guid}", "tickets/7", None),
        ("tickets/{name:alpha}", "tickets/a7", None),
        ("tickets/{name:length(2,3)}", "tickets/abcd", None),
        ("{*path}", "", {}),
        ("{*path}", "a/b/c", {"path": "a/b/c"}),
        ("api/v1/{*path}", "api/v1", {}),
        ("api/v1/{*path}", "api/v1/", {}),
        ("api/v1/{*path}", "api/v1/a/b", {"path": "a/b"}),
        ("api/v1/{*path}", "api/v10", None),
        ("report-{id:int}.csv", "report-7.csv", {"id": "7"}),
        ("report-{id:int}.csv", "report-x.csv", None),
        ("a.b", "axb", None),
        ("a b/{x}", "a b/ü", {"x": "ü"}),
    ],
)
def test_templates(template: str, path: str, expected: dict[str, str] | None) -> None:
    assert parse_route(template, "", ["GET"]).match("GET", path) == expected


def test_a_wrong_method_does_not_match() -> None:
    route = parse_route("tickets", "", ["get", "POST"])
    assert route.match("GET", "tickets") == route.match("POST", "tickets") == {}
    assert route.match("DELETE", "tickets") is None
    assert route.match("HEAD", "tickets") is None


def test_no_methods_means_all() -> None:
    assert parse_route("tickets", "", []).match("PATCH", "tickets") == {}


def test_the_prefix_comes_first() -> None:
    route = parse_route("tickets", "api", ["GET"])
    assert route.match("GET", "api/tickets") == {}
    assert route.match("GET", "tickets") is None


@pytest.mark.parametrize(
    ("template", "prefix"),
    [
        ("admin", ""),
        ("Administration/users", ""),
        ("admin/x", "api"),
        ("runtime/webhooks", ""),
        ("/tickets", "api"),
        ("a/{*rest}/b", ""),
        ("a/{x?}/b", ""),
        ("a/{x:colour}", ""),
        ("a/{x:min(y)}", ""),
        ("a/{x", ""),
        ("a//b", ""),
    ],
)
def test_refused_templates(template: str, prefix: str) -> None:
    with pytest.raises(HostError):
        parse_route(template, prefix, ["GET"])


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(HostError, match="FETCH"):
        parse_route("tickets", "", ["FETCH"])


def test_a_slash_is_allowed_where_there_is_no_prefix() -> None:
    assert parse_route("/{*route}", "", []).match("GET", "x/y") == {"route": "x/y"}


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/", ""),
        ("/a/b/", "a/b"),
        ("/a%20b", "a b"),
        ("/a%2fb", "a%2Fb"),
        ("/a/../b", "b"),
        ("/a/%2e%2e/b", "b"),
        ("/../../etc/passwd", "etc/passwd"),
        ("/%C3%BC", "ü"),
        ("/%ff", "%ff"),
        ("/a%C3%BC%fe%C3%BCb%zz", "aü%feüb%zz"),
    ],
)
def test_paths_are_decoded_once_and_lose_their_dots(raw: str, path: str) -> None:
    assert decode_path(raw) == path


def test_a_path_with_nul() -> None:
    with pytest.raises(ValueError, match="NUL"):
        decode_path("/a%00b")
