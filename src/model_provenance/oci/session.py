"""Requests to one repository: authorised, tried again, redirects followed within bounds."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Collection, Mapping
from typing import NoReturn, final
from urllib.parse import urljoin

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.oci.auth import Authorizer
from model_provenance.oci.connections import LostError, Origin
from model_provenance.oci.reference import Reference
from model_provenance.oci.retrying import Retrying, is_passing
from model_provenance.oci.transport import SMALL, Answer, Download, Transport, Upload

_HOPS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_UNAUTHORIZED = 401
#: Tries of an address that has never answered: somebody waits for the answer that it is mistyped.
_TRIES_OF_A_STRANGER = 3
_REASON = 300
#: `Warning: 299 - "text"`, possibly several; nothing else has a meaning here (distribution-spec v1.1, "Warnings").
_WARNING = re.compile(r'299 - "((?:[^"\\]|\\.)*)"')
_WARNINGS = 8


@final
class Session:
    """What the registry of one reference is asked; `access` is `pull` or `pull,push`. Used from several threads."""

    def __init__(
        self,
        reference: Reference,
        transport: Transport,
        authorizer: Authorizer,
        base: str,
        *,
        access: str,
        retrying: Retrying,
        on_warning: Callable[[str], None],
    ) -> None:
        self.reference = reference
        self.base = base
        self.retrying = retrying
        self._transport = transport
        self._authorizer = authorizer
        self._scope = f"repository:{reference.repository}:{access}"
        self._origin = Origin.of(base)
        self._on_warning = on_warning
        self._warned: set[str] = set()
        self._lock = threading.Lock()

    @property
    def where(self) -> str:
        """The repository, for messages."""
        return f"{self.reference.host}/{self.reference.repository}"

    def url(self, path: str) -> str:
        """The address of something in the repository."""
        return f"{self.base}/v2/{self.reference.repository}/{path}"

    def call(
        self,
        method: str,
        url: str,
        *,
        expect: Collection[int],
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        limit: int = SMALL,
        doing: str,
    ) -> Answer:
        """An answer with one of the `expect`ed statuses. Anything else is raised as what it means."""
        answer = self.ask(method, url, headers or {}, body, limit=limit, doing=doing)
        if answer.status in expect:
            return answer
        raise self.refusal(answer, doing)

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", *, limit: int = SMALL, doing: str
    ) -> Answer:
        """Whatever the registry answers in the end. Raises `registry.unreachable` and what the network's errors are."""

        def once() -> Answer:
            return self._redirected(method, url, dict(headers), body, limit)

        answer = self._retried(once, doing)
        assert isinstance(answer, Answer)  # noqa: S101 - what `once` gives
        return answer

    def upload(self, method: str, url: str, headers: Mapping[str, str], size: int) -> Upload:
        """Start to push a body to `url`, which may be of another origin. Raises LostError."""
        self._refuse_downgrade(url)
        return self._transport.upload(method, url, {**headers, **self._authorizer.header(url, self._scope)}, size)

    def download(self, url: str, headers: Mapping[str, str], doing: str) -> Download | Answer:
        """Start to read a body, redirects followed; an `Answer` for one that is not a body (404, 416)."""

        def once() -> Download | Answer:
            at = url
            for _ in range(_HOPS + 1):
                found = self._transport.download(at, {**headers, **self._authorizer.header(at, self._scope)})
                if isinstance(found, Download) or found.status not in _REDIRECTS:
                    return found
                at = self._next(found)
            return self._endless()

        return self._retried(once, doing)

    def challenged(self, answer: Answer) -> bool:
        """Take the registry's demand for authorisation; True when another try may succeed."""
        return answer.status == _UNAUTHORIZED and self._authorizer.challenged(answer, self._scope)

    def _retried(self, once: Callable[[], Answer | Download], doing: str) -> Answer | Download:
        challenges = 0
        for attempt in range(self.retrying.tries):
            last = attempt == self.retrying.tries - 1
            try:
                found = once()
                while isinstance(found, Answer) and challenges < 2 and self.challenged(found):  # noqa: PLR2004 - a stale token, then none
                    challenges += 1
                    found = once()
            except LostError as error:
                if last or (error.never and attempt >= _TRIES_OF_A_STRANGER - 1):
                    raise self.lost(error, doing) from error
                self.retrying.pause(attempt)
                continue
            if isinstance(found, Download) or not is_passing(found) or last:
                return found
            self.retrying.pause(attempt, found)
        raise AssertionError  # the last try returns or raises

    def lost(self, error: LostError, doing: str) -> ModelProvenanceError:
        """The error for a connection that was lost once too often."""
        return ModelProvenanceError("registry.unreachable", f"cannot {doing}: {error}", location=self.where)

    def refusal(self, answer: Answer, doing: str) -> ModelProvenanceError:
        """What an unexpected answer means, with the registry's own reason."""
        codes, reason = _errors(answer)
        said = f"{answer.status}{': ' + reason if reason else ''}"
        code, remedy = "registry.refused", None
        if answer.status in (401, 403) or "DENIED" in codes or "UNAUTHORIZED" in codes:
            code = "registry.denied"
            if not self._authorizer.has_login:
                remedy = f"Log in: docker login {shown(self.reference.host)}, or --username with --password-stdin."
        elif "NAME_UNKNOWN" in codes or "RepositoryNotFoundException" in reason:
            code = "registry.repository"
        elif answer.status == 404:  # noqa: PLR2004 - not found
            code = "registry.missing"
        elif is_passing(answer):
            code = "registry.busy"
        elif answer.status < 400:  # noqa: PLR2004 - a success that was not asked for
            code = "registry.answer"
        return ModelProvenanceError(code, f"cannot {doing}: {said}", location=self.where, remedy=remedy)

    def _redirected(self, method: str, url: str, headers: dict[str, str], body: bytes, limit: int) -> Answer:
        at = url
        for _ in range(_HOPS + 1):
            self._refuse_downgrade(at)
            sent = {**headers, **self._authorizer.header(at, self._scope)}
            answer = self._transport.send(method, at, sent, body, limit=limit)
            self._pass_on(answer)
            if answer.status not in _REDIRECTS or not answer.header("location"):
                return answer
            # A POST that moved may be turned into a GET by 301 to 303: only what keeps its method is followed.
            if method not in ("GET", "HEAD") and answer.status not in (307, 308):
                return answer
            at = self._next(answer)
        return self._endless()

    def _pass_on(self, answer: Answer) -> None:
        """Say what the registry of this session wants people to know, each text once and only so many."""
        said = answer.header("warning")
        if said is None or Origin.of(answer.url) != self._origin:
            return
        for text in _WARNING.findall(said[:4096]):
            with self._lock:
                if text in self._warned or len(self._warned) == _WARNINGS:
                    continue
                self._warned.add(text)
            self._on_warning(f"{shown(self.reference.host)} says: {shown(text, _REASON)}")

    def _next(self, answer: Answer) -> str:
        at = urljoin(answer.url, answer.header("location") or "")
        self._refuse_downgrade(at)
        return at

    def _refuse_downgrade(self, url: str) -> None:
        """From https nothing leads to http, and from elsewhere nothing leads into this machine."""
        origin = Origin.of(url)
        if (self._origin.scheme == "https" and origin.scheme != "https") or (
            origin.is_loopback and not self._origin.is_loopback
        ):
            raise ModelProvenanceError("registry.redirect", f"it leads to `{shown(url)}`", location=self.where)

    def _endless(self) -> NoReturn:
        raise ModelProvenanceError("registry.redirect", f"more than {_HOPS} redirects", location=self.where)


def _errors(answer: Answer) -> tuple[tuple[str, ...], str]:
    """Error codes and a readable reason of the registry's error document (distribution-spec v1.1, "Error Codes")."""
    try:
        value = json.loads(answer.body[:64_000])
    except (ValueError, RecursionError):
        return (), ""
    errors = value.get("errors") if isinstance(value, dict) else None
    if not isinstance(errors, list):
        return (), ""
    found = [error for error in errors[:8] if isinstance(error, dict)]
    codes = tuple(str(error.get("code", "")) for error in found)
    texts = [f"{error.get('code', '')} {error.get('message', '')}".strip() for error in found]
    return codes, shown("; ".join(texts), _REASON)
