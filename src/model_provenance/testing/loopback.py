"""One loopback HTTP server for all simulated services; each request is answered and its connection closed."""

from __future__ import annotations

import json
import socketserver
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from model_provenance.testing.faults import Fault, Faults, Service

_BODY_LIMIT = 128 * 1024 * 1024


class RefusedError(Exception):
    """A service says no: 400 with this text."""


@dataclass(frozen=True)
class Request:
    """One HTTP request; header names are lower case."""

    method: str
    #: The URL up to the query.
    base: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; ValueError when it is not."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Response:
    """One HTTP response."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """A JSON answer."""
        return cls(status, json.dumps(value).encode(), headers=headers or {})

    @classmethod
    def error(cls, status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
        """The error form that Fulcio and Rekor share."""
        return cls.json({"code": status, "message": message}, status, headers)


Handler = Callable[[Request], Response]


class LoopbackServer:
    """Serves `routes` (path prefix to service and handler) on 127.0.0.1 and a free port, until stopped."""

    def __init__(self, routes: Mapping[str, tuple[Service, Handler]], faults: Faults) -> None:
        self._routes, self._faults = routes, faults
        self._stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="sigstore-sim")
        self._thread.start()

    def stop(self) -> None:
        """Finish the requests in flight, then close the port. A slow answer is no longer waited for."""
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, request: Request) -> Response:
        """The answer of the service that owns the path, after what its transport does wrong."""
        prefix = next((prefix for prefix in self._routes if request.path.startswith(prefix)), None)
        if prefix is None:
            return Response.error(404, "no such service")
        service, handler = self._routes[prefix]
        self._stopping.wait(self._faults.delay(service))
        if self._faults.hit(service, Fault.DOWN):
            return Response.error(503, f"{service.value} is down")
        if self._faults.hit(service, Fault.BAD_GATEWAY):
            return Response(502, b"<html>502 Bad Gateway</html>", "text/html")
        if self._faults.hit(service, Fault.GARBAGE):
            return Response(200, b"<html>It works!</html>", "text/html")
        try:
            return handler(request)
        except RefusedError as error:
            return Response.error(400, str(error))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            return Response.error(400, f"the request is malformed: {error!r}")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        loopback = self

        class _Handler(BaseHTTPRequestHandler):
            timeout = 10  # of a silent client, so that stopping never waits longer

            def _serve(self) -> None:
                parts = urlsplit(self.path)
                size = min(int(self.headers.get("content-length") or 0), _BODY_LIMIT)
                request = Request(
                    self.command,
                    loopback.url + parts.path,
                    parts.path,
                    dict(parse_qsl(parts.query)),
                    {name.lower(): value for name, value in self.headers.items()},
                    self.rfile.read(size),
                )
                response = loopback.answer(request)
                self.send_response(response.status)
                headers = {"Content-Type": response.content_type, "Content-Length": str(len(response.body))}
                for name, value in {**headers, **response.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(response.body)

            do_GET = do_POST = do_PATCH = _serve  # noqa: N815 - the names that http.server looks up

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        return _Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # they are joined on close: nothing outlives the simulator
    request_queue_size = 128

    def server_bind(self) -> None:
        """Bind without HTTPServer's reverse name lookup, which can take seconds on a machine without a resolver."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is not worth a traceback."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)
