"""Connections to origins, kept and used again: TLS, proxies, one socket timeout for every stall.

`http.client` and not `requests`: an upload is pushed block by block while the bytes are hashed, on one connection a
worker, and its answer is read even where the registry refuses in the middle.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final
from urllib.parse import SplitResult, unquote, urlsplit

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

#: Seconds in which a socket must move; a transfer may last as long as it moves.
STALL = 60.0
_CONNECT = 20.0
#: Idle connections that are kept to one origin.
_KEPT = 16


class LostError(Exception):
    """The connection was lost: the request may or may not have arrived.

    `never` where no connection to this origin has been made at all: then it is rather the address that is wrong.
    """

    def __init__(self, reason: str, *, never: bool = False) -> None:
        super().__init__(reason)
        self.never = never


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: what credentials belong to."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """The origin of an absolute http(s) address. Raises `registry.redirect`."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise _no_address(url) from error
        if parts.scheme not in ("http", "https") or not parts.hostname or _has_login(parts):
            raise _no_address(url)
        return cls(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80))

    @property
    def is_loopback(self) -> bool:
        """True for this machine itself."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """True for `localhost` and loopback addresses, without looking names up."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@final
class Connections:
    """A pool for several threads. `env` says proxies and certificate authorities, as for other tools."""

    def __init__(self, env: Mapping[str, str], *, stall: float = STALL) -> None:
        self._env = env
        self._stall = stall
        self._connect = min(_CONNECT, stall)
        self._proxies = _proxies(env)
        self._lock = threading.Lock()
        self._idle: dict[Origin, list[http.client.HTTPConnection]] = {}
        self._reached: set[Origin] = set()
        self._context: ssl.SSLContext | None = None

    def take(self, origin: Origin, *, fresh: bool = False) -> tuple[http.client.HTTPConnection, bool]:
        """A connection, and whether it was used before. Raises LostError, `registry.unreachable`."""
        if not fresh:
            with self._lock:
                idle = self._idle.get(origin)
                if idle:
                    return idle.pop(), True
        return self._connected(origin), False

    def give_back(self, origin: Origin, connection: http.client.HTTPConnection) -> None:
        """Keep a connection whose answer has been read to its end."""
        with self._lock:
            idle = self._idle.setdefault(origin, [])
            if connection.sock is not None and len(idle) < _KEPT:
                idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                connection.close()

    def target(self, url: str) -> str:
        """What stands in the request line: the path, or the whole address for a plain proxy."""
        origin, parts = Origin.of(url), urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if any(ord(character) <= 0x20 or ord(character) >= 0x7F for character in path):  # noqa: PLR2004 - ASCII, printable
            raise _no_address(url)
        if origin.scheme == "http" and self._proxy(origin) is not None:
            return f"http://{parts.netloc}{path}"
        return path

    def _connected(self, origin: Origin) -> http.client.HTTPConnection:
        connection = self._made(origin)
        try:
            connection.connect()
        except ssl.SSLCertVerificationError as error:
            connection.close()
            raise _unreachable(origin, f"its certificate is not accepted: {shown(error.verify_message)}") from error
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            connection.close()
            raise LostError(_reason(error), never=origin not in self._reached) from error
        with self._lock:
            self._reached.add(origin)
        connection.sock.settimeout(self._stall)
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _made(self, origin: Origin) -> http.client.HTTPConnection:
        proxy = self._proxy(origin)
        host, port = (origin.host, origin.port) if proxy is None else (proxy.hostname or "", proxy.port or 3128)
        if origin.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self._connect, blocksize=1 << 19)
        connection = http.client.HTTPSConnection(host, port, timeout=self._connect, context=self._tls())
        if proxy is not None:
            connection.set_tunnel(origin.host, origin.port, _proxy_login(proxy))
        return connection

    def _proxy(self, origin: Origin) -> SplitResult | None:
        address = self._proxies.get(origin.scheme)
        if not address or origin.is_loopback or _is_direct(origin.host, self._proxies.get("no", "")):
            return None
        parts = urlsplit(address if "://" in address else f"http://{address}")
        return parts if parts.hostname else None

    def _tls(self) -> ssl.SSLContext:
        with self._lock:
            if self._context is None:
                bundle = self._env.get("REQUESTS_CA_BUNDLE") or self._env.get("SSL_CERT_FILE")
                try:
                    context = ssl.create_default_context(cafile=bundle)
                except OSError as error:
                    raise ModelProvenanceError(
                        "registry.unreachable",
                        f"the certificate authorities cannot be read: {_reason(error)}",
                        location=shown(bundle or ""),
                        remedy="Correct REQUESTS_CA_BUNDLE or SSL_CERT_FILE.",
                    ) from error
                if not bundle and not context.cert_store_stats()["x509_ca"]:
                    import certifi  # noqa: PLC0415 - a machine without authorities of its own

                    context.load_verify_locations(certifi.where())
                context.minimum_version = ssl.TLSVersion.TLSv1_2
                self._context = context
            return self._context


def _proxies(env: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for scheme in ("http", "https", "no"):
        # HTTP_PROXY in capitals can be a header of a CGI request; nobody runs this as CGI, and tools honour both.
        value = env.get(f"{scheme}_proxy") or env.get(f"{scheme.upper()}_PROXY")
        if value:
            found[scheme] = value
    return found


def _is_direct(host: str, no_proxy: str) -> bool:
    """True where the host, or a domain above it, is listed in NO_PROXY."""
    names = [name.strip().lstrip("*").lstrip(".").lower() for name in no_proxy.split(",")]
    return "*" in no_proxy.split(",") or any(name and (host == name or host.endswith(f".{name}")) for name in names)


def _proxy_login(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {b64encode(login).decode()}"}


def _has_login(parts: SplitResult) -> bool:
    return "@" in parts.netloc


def _no_address(url: str) -> ModelProvenanceError:
    return ModelProvenanceError("registry.redirect", f"`{shown(url)}` is not an address that is followed")


def _unreachable(origin: Origin, why: str) -> ModelProvenanceError:
    return ModelProvenanceError("registry.unreachable", why, location=shown(f"{origin.host}:{origin.port}"))


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return shown(error.strerror)
    return shown(f"{error or type(error).__name__}")
