"""What leaves for addresses that an admin has set: who answers there is a stranger."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shared.outgoing import Outgoing


class Stranger:
    """Answers posts by their path, and remembers them."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str | None]] = []
        self.done = threading.Event()
        stranger = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                stranger.heard.append((self.path, self.headers.get("Authorization")))
                self.send_response({"/elsewhere": 307, "/refused": 410}.get(self.path.partition("?")[0], 202))
                self.send_header("Location", "/other")
                self.end_headers()
                while self.path == "/endless" and not stranger.done.wait(0.01):
                    self.wfile.write(b"and on, ")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    made = Stranger()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.done.set()
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.mark.requirement("CONN-9")
def test_what_is_not_taken_is_not_taken_and_nothing_is_followed(stranger: Stranger) -> None:
    posts = Outgoing()
    taken = {path: posts.post(stranger.url + path, {"text": "x"}) for path in ("/taken", "/elsewhere", "/refused")}
    assert taken == {"/taken": True, "/elsewhere": False, "/refused": False}
    assert [path for path, _ in stranger.heard] == list(taken)


@pytest.mark.requirement("CONN-9")
def test_an_answer_without_end_holds_nothing_up(stranger: Stranger) -> None:
    began = time.monotonic()
    assert Outgoing().post(f"{stranger.url}/endless", {})
    assert time.monotonic() - began < 5


@pytest.mark.requirement("CONN-9")
def test_no_password_of_the_machine_goes_along(
    stranger: Stranger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login us password ours")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert Outgoing().post(f"{stranger.url}/taken", {})
    assert stranger.heard == [("/taken", None)]


def test_who_does_not_answer_is_logged_without_the_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "shared")
    assert not Outgoing().post("http://127.0.0.1:9/hook?key=secret-key-of-the-hook", {})
    assert "outgoing.no_answer" in caplog.text
    assert "secret-key" not in "".join(record.getMessage() for record in caplog.records if record.name != "urllib3")
