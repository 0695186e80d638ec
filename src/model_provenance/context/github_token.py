"""The runner's token endpoint: `GET $ACTIONS_ID_TOKEN_REQUEST_URL&audience=A` answers `{"value": "<token>"}`.

The request carries a bearer secret that can mint identities of the job, so it goes nowhere but to the address that the
runner gave: https (http only on loopback), no redirects, no credentials from `.netrc` in its place.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from model_provenance.context.github import PERMISSIONS_YAML
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import parse_json

if TYPE_CHECKING:
    import requests

_LARGEST_ANSWER = 256 << 10
#: Seconds: to connect, between two pieces of an answer, for the whole answer, and before each further attempt.
_CONNECT, _READ, _WHOLE = 5, 10, 20
_PAUSES = (0.5, 2.0, 5.0)
_TOO_MANY = 429
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class GitHubEndpoint:
    """Requests tokens of this job for any audience."""

    url: str = field(repr=False)
    secret: str = field(repr=False)
    wait: Callable[[float], None] = field(default=time.sleep, repr=False, compare=False)
    any_audience: bool = field(default=True, init=False)

    def fetch(self, audience: str) -> str:
        """A fresh token. Errors: `context.token_endpoint` (20), `context.token_missing` (21) where GitHub refuses."""
        url = self._address(audience)
        for pause in (*_PAUSES, None):
            status, body, trouble = self._ask(url)
            if trouble is None and status != _TOO_MANY and status < _SERVER_ERROR:
                return _token(status, body)
            if pause is not None:
                self.wait(pause)
        raise _no_answer(trouble or f"it answered with status {status}", attempts=len(_PAUSES) + 1)

    def _address(self, audience: str) -> str:
        parts = _split(self.url)
        if parts is None:
            raise ModelProvenanceError(
                "context.token_endpoint",
                "ACTIONS_ID_TOKEN_REQUEST_URL is not an https address, so the job's secret is not sent to it",
                remedy="Leave the variable as the runner sets it.",
            )
        query = [*parse_qsl(parts.query, keep_blank_values=True), ("audience", audience)]
        return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(query), ""))

    def _ask(self, url: str) -> tuple[int, bytes, str | None]:
        """Status and body, or what went wrong on the way."""
        import requests  # noqa: PLC0415 - only where a token is requested

        def bear(request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers["Authorization"] = f"bearer {self.secret}"
            return request

        try:
            with requests.Session() as session:
                session.trust_env = urlsplit(url).scheme == "https"  # a proxy has no business with loopback
                with session.get(
                    url,
                    auth=bear,
                    headers={"Accept": "application/json"},
                    timeout=(_CONNECT, _READ),
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    body = _body(response)
                    return (
                        response.status_code,
                        body or b"",
                        "its answer is too long or too slow" if body is None else None,
                    )
        except (requests.RequestException, OSError, ValueError) as error:
            # The exception holds the request with its secret: only its name goes on.
            return 0, b"", f"{type(error).__name__} on the way to {urlsplit(url).hostname}"


def _body(response: requests.Response) -> bytes | None:
    """The whole body; None where it is larger or slower than any token is."""
    deadline = time.monotonic() + _WHOLE
    body = b""
    for piece in response.iter_content(1 << 14):
        body += piece
        if len(body) > _LARGEST_ANSWER or time.monotonic() > deadline:
            return None
    return body


def _token(status: int, body: bytes) -> str:
    if status in (401, 403):
        raise ModelProvenanceError(
            "context.token_missing",
            f"the runner's token endpoint refuses this job (status {status})",
            remedy=f"Check that the job has:\n{PERMISSIONS_YAML}",
        )
    if status != 200:  # noqa: PLR2004 - HTTP's own number
        raise _no_answer(f"it answered with status {status}")
    answer = parse_json(body, what="the token endpoint's answer", limit=_LARGEST_ANSWER, code="context.token_endpoint")
    value = answer.get("value") if isinstance(answer, dict) else None
    if not isinstance(value, str) or not value:
        raise _no_answer("its answer holds no token")
    return value


def _no_answer(why: str, *, attempts: int = 1) -> ModelProvenanceError:
    times = f" after {attempts} attempts" if attempts > 1 else ""
    return ModelProvenanceError("context.token_endpoint", f"the runner's token endpoint gave no token{times}: {why}")


def _split(url: str) -> SplitResult | None:
    """The parts of an address that may receive the secret: https, or http on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme == "https" and host:
            return parts
        return parts if parts.scheme == "http" and (host == "localhost" or ip_address(host).is_loopback) else None
    except ValueError:
        return None
