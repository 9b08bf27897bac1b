"""The emulator as one HTTPS server on the loopback address: Graph, sign-in and the control plane on one origin."""

import socket
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

from dev.graph.certificates import write_certificates
from dev.graph.emulator import Emulator
from dev.graph.wire import ConnectionLost, Request, Response

_HANDSHAKE_SECONDS = 10
_IDLE_SECONDS = 120


class Server:
    """Serves one emulator until it is stopped. `url` has the name localhost, `authority` is the CA file to trust."""

    def __init__(self, emulator: Emulator, folder: Path, port: int = 0) -> None:
        files = write_certificates(folder)
        self.authority = files.authority
        self._listener = _Listener(("127.0.0.1", port), emulator, files.server)
        self.url = f"https://localhost:{self._listener.server_address[1]}"
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,), name="graph", daemon=True)

    def start(self) -> "Server":
        """Serve from a thread."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Serve no more."""
        self._listener.shutdown()
        self._listener.server_close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], emulator: Emulator, certificate: Path) -> None:
        super().__init__(address, _Connection)
        self.emulator = emulator
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)

    def get_request(self) -> tuple[ssl.SSLSocket, tuple[str, int]]:
        """Accept; the handshake is done by the connection's own thread, so that a slow client holds up nobody."""
        plain, address = super().get_request()
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is nothing to report; anything else is a defect of the emulator."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(cast("socket.socket", request), client_address)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one write an answer

    def setup(self) -> None:
        self.request.settimeout(_HANDSHAKE_SECONDS)
        self.request.do_handshake()
        self.request.settimeout(_IDLE_SECONDS)
        super().setup()

    def _answer(self) -> None:
        """Any method at all: which are allowed is for Graph to say."""
        if "transfer-encoding" in self.headers:
            self.close_connection = True
            self._write(Response(411))
            return
        try:
            response = cast("_Listener", self.server).emulator.handle(self._incoming())
        except ConnectionLost:
            self.close_connection = True
            return
        self._write(response)

    def _incoming(self) -> Request:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        url = f"https://{headers.get('host', 'localhost')}{self.path}"
        return Request(self.command, url, headers, body)

    def _write(self, response: Response) -> None:
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")  # or the client sends its next request down a dead line
        if response.status != 204:
            self.send_header("Content-Length", str(len(response.content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = _answer  # noqa: N815 - names that the base class looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """The record is kept elsewhere."""
