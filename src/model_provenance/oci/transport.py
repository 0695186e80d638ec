"""One request, one answer, bounded: whole answers, streamed uploads and streamed downloads."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.oci.connections import Connections, LostError, Origin

#: Error texts, tokens, lists of tags; documents have their own limit.
SMALL = 1024 * 1024
_LENGTH_DIGITS = 18
_SEND_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; header names are lower case. `body` is empty where it was not wanted."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str | None:
        """One header."""
        return self.headers.get(name)


@final
class Transport:
    """Sends requests over a pool of connections. Every failure of the network is a LostError."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def close(self) -> None:
        """Close idle connections."""
        self._connections.close()

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", *, limit: int = SMALL
    ) -> Answer:
        """The answer with its body of at most `limit` bytes. Raises LostError, `registry.too_large`."""
        origin = Origin.of(url)
        connection, used = self._connections.take(origin)
        try:
            response = self._exchange(connection, method, url, headers, body)
        except LostError:
            if not used:
                raise
            # An idle connection that the server closed in the meantime says nothing about the server.
            connection, _ = self._connections.take(origin, fresh=True)
            response = self._exchange(connection, method, url, headers, body)
        return self._whole(origin, connection, response, url, method, limit)

    def upload(self, method: str, url: str, headers: Mapping[str, str], size: int) -> Upload:
        """Start a request whose body of `size` bytes is pushed. Raises LostError."""
        origin = Origin.of(url)
        connection, used = self._connections.take(origin)
        for fresh in (True, False) if used else (False,):
            try:
                _put_head(connection, method, self._connections.target(url), {**headers, "Content-Length": str(size)})
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if not fresh:
                    raise LostError(_reason(error)) from error
                connection, _ = self._connections.take(origin, fresh=True)
            except BaseException:
                connection.close()
                raise
            else:
                break
        return Upload(self, origin, connection, url, method)

    def download(self, url: str, headers: Mapping[str, str]) -> Download | Answer:
        """Start a GET: a `Download` for 200 and 206, else the whole answer. Raises LostError."""
        origin = Origin.of(url)
        connection, used = self._connections.take(origin)
        try:
            response = self._exchange(connection, "GET", url, headers, b"")
        except LostError:
            if not used:
                raise
            connection, _ = self._connections.take(origin, fresh=True)
            response = self._exchange(connection, "GET", url, headers, b"")
        if response.status in (200, 206):
            return Download(self._connections, origin, connection, response, url)
        return self._whole(origin, connection, response, url, "GET", SMALL)

    def _exchange(
        self, connection: http.client.HTTPConnection, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> http.client.HTTPResponse:
        sent = dict(headers)
        if body or method in ("POST", "PUT", "PATCH"):
            sent["Content-Length"] = str(len(body))
        try:
            _put_head(connection, method, self._connections.target(url), sent)
            if body:
                connection.send(body)
            return connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            raise LostError(_reason(error)) from error
        except BaseException:
            connection.close()
            raise

    def _whole(
        self,
        origin: Origin,
        connection: http.client.HTTPConnection,
        response: http.client.HTTPResponse,
        url: str,
        method: str,
        limit: int,
    ) -> Answer:
        try:
            headers = headers_of(response)
            body = _head_only(response) if method == "HEAD" else _body(response, headers, limit, origin)
        except BaseException:
            connection.close()
            raise
        if response.will_close or not response.isclosed():
            connection.close()
        else:
            self._connections.give_back(origin, connection)
        return Answer(url, response.status, headers, body)


@final
class Upload:
    """A request under way; nobody else uses its connection."""

    def __init__(
        self, transport: Transport, origin: Origin, connection: http.client.HTTPConnection, url: str, method: str
    ) -> None:
        self._transport = transport
        self._origin = origin
        self._connection: http.client.HTTPConnection | None = connection
        self._url = url
        self._method = method
        self._broken = False

    def write(self, data: memoryview | bytes) -> None:
        """Push bytes. Raises LostError; what the registry said before it hung up is then in `finish`."""
        if self._connection is None:
            msg = "the upload was given up"
            raise LostError(msg)
        try:
            self._connection.send(data)
        except (OSError, http.client.HTTPException) as error:
            self._broken = True
            raise LostError(_reason(error)) from error

    def finish(self) -> Answer:
        """The answer. Raises LostError."""
        connection, self._connection = self._connection, None
        if connection is None:
            msg = "the upload was given up"
            raise LostError(msg)
        try:
            response = connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            raise LostError(_reason(error)) from error
        except BaseException:
            connection.close()
            raise
        if self._broken:
            # The rest of the body was never sent: the connection is of no more use, its answer is.
            response.will_close = True
        return self._transport._whole(self._origin, connection, response, self._url, self._method, SMALL)  # noqa: SLF001 - one module

    def abort(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@final
class Download:
    """A body under way."""

    def __init__(
        self,
        connections: Connections,
        origin: Origin,
        connection: http.client.HTTPConnection,
        response: http.client.HTTPResponse,
        url: str,
    ) -> None:
        self._connections = connections
        self._origin = origin
        self._connection = connection
        self._response = response
        self.url = url
        self.status = response.status
        self.headers = headers_of(response)

    def readinto(self, buffer: memoryview) -> int:
        """Bytes into `buffer`; 0 at the end, which may be too early. Raises LostError."""
        try:
            return self._response.readinto(buffer)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise LostError(_reason(error)) from error

    def close(self) -> None:
        """Keep the connection if the body was read to its end, else hang up."""
        if self._response.isclosed() and not self._response.will_close:
            self._connections.give_back(self._origin, self._connection)
        else:
            self._response.close()
            self._connection.close()


def headers_of(response: http.client.HTTPResponse) -> dict[str, str]:
    """Headers by lower-case name; of one that is repeated, all values."""
    found: dict[str, str] = {}
    for name, value in response.getheaders():
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


def length_of(headers: Mapping[str, str]) -> int | None:
    """`Content-Length`, where there is one that can be read."""
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LENGTH_DIGITS else None


def _put_head(connection: http.client.HTTPConnection, method: str, target: str, headers: Mapping[str, str]) -> None:
    connection.putrequest(method, target, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    # Registries compress nothing that is worth it, and a digest is over what was stored.
    connection.putheader("Accept-Encoding", "identity")
    connection.endheaders()


def _head_only(response: http.client.HTTPResponse) -> bytes:
    """An answer to HEAD has no body, whatever its Content-Length says."""
    return response.read()


def _body(response: http.client.HTTPResponse, headers: Mapping[str, str], limit: int, origin: Origin) -> bytes:
    try:
        data = response.read(limit + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise LostError(_reason(error)) from error
    if len(data) > limit:
        raise ModelProvenanceError(
            "registry.too_large",
            f"the answer is larger than the {limit} bytes that are read",
            location=shown(origin.host),
        )
    expected = length_of(headers)
    if expected is not None and len(data) < expected:
        msg = "the answer ended in the middle"
        raise LostError(msg)
    if not response.isclosed():
        response.read(1)
    return data


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "nothing moved for too long"
    if isinstance(error, OSError) and error.strerror:
        return shown(error.strerror)
    return shown(str(error) or type(error).__name__)
