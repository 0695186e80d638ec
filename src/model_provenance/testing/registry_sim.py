"""A strict OCI registry on loopback, in this process, that can be made to behave like any other one (`Quirks`)."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, final

from model_provenance.testing.registry_answers import RegistryHandler
from model_provenance.testing.registry_profiles import PROFILES, Quirks
from model_provenance.testing.registry_store import RegistryStore


@final
class RegistrySim:
    """Use as a context manager. `host` is what goes before the repository; `requests` is what was asked, in order."""

    #: The one account, where there is authentication.
    USER, PASSWORD = "user", "secret"

    def __init__(self, profile: str | Quirks = "spec-1.1", **changes: Any) -> None:
        quirks = PROFILES[profile] if isinstance(profile, str) else profile
        self.quirks = replace(quirks, **changes)
        self.store = RegistryStore()
        self.requests: list[str] = []
        #: Requests that came without and with credentials, per port: none may reach another origin.
        self.credentials_seen: list[tuple[int, str]] = []
        self.storm = self.quirks.storm
        self.stale_reads = 0
        self.lost_sessions = self.quirks.lost_sessions
        self.tokens: dict[str, float] = {}
        self.token_requests = 0
        self.truncated: set[str] = set()
        #: Repositories that somebody has created, for registries that do not do so by themselves.
        self.repositories: set[str] = set()
        #: Called before each request with its method and path; may raise ConnectionError to hang up.
        self.before: Callable[[str, str], None] | None = None
        self._server = _Server(("127.0.0.1", 0), type("_Bound", (RegistryHandler,), {"sim": self}))
        self._other = _Server(("127.0.0.1", 0), type("_Bound", (RegistryHandler,), {"sim": self}))
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.other_host = f"127.0.0.1:{self._other.server_address[1]}"
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
            for server in (self._server, self._other)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> RegistrySim:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the ports and every connection."""
        for server, thread in zip((self._server, self._other), self._threads, strict=True):
            server.shutdown()
            thread.join()
            server.hang_up()
            server.server_close()

    def become(self, **changes: Any) -> None:
        """Behave otherwise from now on: the specification's way but for `changes`."""
        self.quirks = Quirks(**changes)

    def count(self, method: str, part: str = "") -> int:
        """Requests of a method whose path holds `part`."""
        return sum(1 for each in self.requests if each.startswith(method + " ") and part in each)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Bind without a reverse lookup of the name."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that stopping can end it."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget it."""
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End what is open."""
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is not worth a traceback."""
