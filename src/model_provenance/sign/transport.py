"""HTTP to Sigstore services with what the sigstore library lacks: time-outs, retries, bounds, errors that say why.

The library has no time-outs but one, retries nothing, and drops the reason that a service gives. This adapter goes
under its sessions: nothing of the protocols is repeated here.
"""

from __future__ import annotations

import io
import json
import random
import time
from collections.abc import Mapping
from enum import Enum
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.sign.patience import Patience

#: Every answer of a service is a few kilobytes; an entry of Rekor v1 holds no payload.
_ANSWER_LIMIT = 4 * 1024 * 1024
_REASON_LENGTH = 300
_FIRST_ERROR = 400
_CONFLICT, _TOO_LARGE, _TOO_MANY = 409, 413, 429
#: Answers of a service, or of a load balancer before it, that is down or overloaded.
_TRY_AGAIN = frozenset({_TOO_MANY, 500, 502, 503, 504})
#: How Fulcio says that it does not accept a token.
_TOKEN_REFUSED = frozenset({400, 401, 403})
_LONGEST_PAUSE = 15.0
_SILENT = "did not answer"
#: Less than this part of the patience with a slow service is none: it would not answer sooner.
_NOTHING_LEFT = 0.1


class Service(Enum):
    """Whom a request goes to, in the words of messages."""

    CA = "the certificate authority (Fulcio)"
    LOG = "the transparency log (Rekor)"
    TIMESTAMP = "the timestamp authority"


class AlreadyLogged(Exception):  # noqa: N818 - a state of the log, not an error that a user meets
    """The log holds this very entry: an answer of its got lost and the request was repeated."""


class ServiceAdapter(HTTPAdapter):
    """Sends the requests of one service. Used from several threads."""

    def __init__(self, service: Service, patience: Patience) -> None:
        super().__init__()
        self._service, self._patience = service, patience

    def send(  # type: ignore[override] # the parameters after `request` are always passed by name
        self, request: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        """Send, again if need be. Every failure is a ModelProvenanceError, but `AlreadyLogged`."""
        problem, left = "", self._patience.waiting
        read = self._patience.log if self._service is Service.LOG else self._patience.read
        for attempt in range(self._patience.attempts):
            options["timeout"] = (min(self._patience.connect, left), min(read, left))
            start, cause = time.monotonic(), None
            try:
                response = _read_whole(super().send(request, **options))
            except requests.exceptions.SSLError as error:
                raise self._error(request, f"has no certificate to be trusted ({shown(_innermost(error))})") from error
            except (requests.RequestException, HTTPError, OSError) as error:
                problem, wished, cause = _transport_problem(error), 0.0, error
            else:
                if response.status_code not in _TRY_AGAIN:
                    return self._judged(request, response)
                problem = f"answered {_status(response)} ({_reason(request, response)})"
                wished = _retry_after(response)
            left -= time.monotonic() - start
            if left < _NOTHING_LEFT * self._patience.waiting:
                raise self._error(request, f"{problem} {self._waited(problem)}") from cause
            if attempt + 1 < self._patience.attempts:
                time.sleep(max(wished, self._patience.pause * 2**attempt * random.uniform(0.5, 1.5)))  # noqa: S311 - spreads load
        raise self._error(request, f"{problem}, {self._patience.attempts} times")

    def _judged(self, request: requests.PreparedRequest, response: requests.Response) -> requests.Response:
        status = response.status_code
        if status < _FIRST_ERROR:
            return response
        if self._service is Service.LOG and status == _CONFLICT:
            raise AlreadyLogged
        reason = _reason(request, response)
        if self._service is Service.CA and status in _TOKEN_REFUSED:
            raise ModelProvenanceError(
                "sign.token_refused", f"{self._where(request)} did not accept the identity token: {reason}"
            )
        remedy = None
        if self._service is Service.LOG and status == _TOO_LARGE:
            remedy = "A Rekor v1 log takes whole statements; one of Rekor v2 takes digests and has no such limit."
        raise self._error(request, f"answered {_status(response)}: {reason}", remedy)

    def _error(
        self, request: requests.PreparedRequest, problem: str, remedy: str | None = None
    ) -> ModelProvenanceError:
        return ModelProvenanceError("sign.service", f"{self._where(request)} {problem}", remedy=remedy)

    def _waited(self, problem: str) -> str:
        """How long; Fulcio answers only when its certificate log has, so that one may be what is down."""
        behind = self._service is Service.CA and problem == _SILENT
        log = "; it waits for its certificate-transparency log, which may be down" if behind else ""
        return f"within {self._patience.waiting:g} s{log}"

    def _where(self, request: requests.PreparedRequest) -> str:
        return f"{self._service.value} at {shown(request.url or '')}"


def mount(session: requests.Session, adapter: ServiceAdapter) -> None:
    """Send everything of a session through `adapter`, with the headers that the caller gave and no others."""
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    # Without it, a `default` entry of ~/.netrc takes the place of the identity token and goes to the service.
    session.auth = _unchanged


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _read_whole(response: requests.Response) -> requests.Response:
    """The same response with its body in memory, at most so much of it."""
    raw = response.raw
    try:
        body = raw.read(_ANSWER_LIMIT + 1, decode_content=True)
    finally:
        raw.close()
    if len(body) > _ANSWER_LIMIT:
        msg = f"sent more than {_ANSWER_LIMIT} bytes"
        raise requests.ConnectionError(msg)
    response.raw = HTTPResponse(io.BytesIO(body), preload_content=False, status=raw.status)
    return response


def _transport_problem(error: Exception) -> str:
    if isinstance(error, requests.ConnectTimeout):
        return "did not accept a connection"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return _SILENT
    return f"cannot be reached ({shown(_innermost(error))})"


def _innermost(error: BaseException) -> str:
    """The operating system's word for it, below what two libraries wrapped around."""
    seen = 0
    cause: BaseException | None = error
    while cause is not None and seen < 10:  # noqa: PLR2004 - chains are short
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause, seen = cause.__cause__ or cause.__context__, seen + 1
    return str(error)


def _retry_after(response: requests.Response) -> float:
    """Seconds that the service asks to wait, as far as we are ready to."""
    text = response.headers.get("Retry-After", "")
    return min(float(text), _LONGEST_PAUSE) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0  # noqa: PLR2004


def _status(response: requests.Response) -> str:
    return f"{response.status_code} {shown(response.reason or '', 60)}".strip()


def _reason(request: requests.PreparedRequest, response: requests.Response) -> str:
    """What the service says went wrong: `message` of its JSON answer, else the answer's beginning."""
    text = response.content[:64_000].decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, Mapping) and isinstance(value.get("message"), str):
        text = value["message"]
    # A service that repeats the token in its answer must not put it into a public job log.
    token = str(request.headers.get("Authorization", "")).partition(" ")[2]
    if token:
        text = text.replace(token, "(token)")
    return shown(text.strip(), _REASON_LENGTH) or "no reason given"
