"""What a request to a registry carries as `Authorization` (distribution spec "token authentication", OAuth2 variant).

Credentials belong to the origin of the registry and to its own token service. They are never sent elsewhere, and never
without encryption but to this machine: a redirect or a realm is the registry's word, not the user's.
"""

from __future__ import annotations

import re
import threading
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import Any, final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import parse_json
from model_provenance.oci.connections import Origin, is_loopback
from model_provenance.oci.logins import Login
from model_provenance.oci.transport import Answer, Transport

#: Token specification: a token without `expires_in` lives for a minute.
_DEFAULT_LIFE = 60
#: A token is renewed when less than a third of its life, and at most so many seconds, is left.
_MARGIN = 60.0
_TOKEN_LIMIT = 64 * 1024
_CLIENT = "model-provenance"
_PARAMETER = re.compile(r'([A-Za-z_]+)="((?:[^"\\]|\\.)*)"|([A-Za-z_]+)=([^\s",]+)')
_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True, repr=False)
class _Held:
    """A token and when, on the monotonic clock, it is renewed."""

    value: str
    renew: float


@dataclass(frozen=True, slots=True)
class Challenge:
    """`WWW-Authenticate: Bearer realm="…",service="…",scope="…"`, or Basic (then the realm is a name only)."""

    scheme: str
    realm: str
    service: str | None
    scope: str | None


@final
class Authorizer:
    """Keeps one token a scope for one registry; used from several threads."""

    def __init__(
        self, origin: Origin, login: Login | None, transport: Transport, services: frozenset[str] = frozenset()
    ) -> None:
        self._origin = origin
        self._login = login
        self._transport = transport
        self._services = services
        self._lock = threading.Lock()
        self._tokens: dict[str, _Held] = {}
        self._challenge: Challenge | None = None

    @property
    def has_login(self) -> bool:
        """True when a request is made in somebody's name."""
        return self._login is not None

    def header(self, url: str, scope: str) -> dict[str, str]:
        """The header for a request to `url`; empty for another origin, and before the registry has asked."""
        if Origin.of(url) != self._origin:
            return {}
        with self._lock:
            challenge = self._challenge
            if challenge is None:
                return {}
            if challenge.scheme == "basic":
                return {"Authorization": f"Basic {self._basic()}"}
            held = self._tokens.get(scope)
            if held is None or held.renew <= time.monotonic():
                held = self._tokens[scope] = self._fetch(challenge, scope)
            return {"Authorization": f"Bearer {held.value}"}

    def challenged(self, answer: Answer, scope: str) -> bool:
        """Take a 401 of the registry; False when trying again cannot help. Raises `registry.realm`, `registry.denied`."""
        if Origin.of(answer.url) != self._origin:
            return False
        challenge = parse_challenge(answer.header("www-authenticate") or "")
        if challenge is None or (challenge.scheme == "basic" and self._login is None):
            return False
        self._refuse_in_the_clear()
        with self._lock:
            self._challenge = challenge
            self._tokens.pop(scope, None)
        return True

    def _basic(self) -> str:
        assert self._login is not None  # noqa: S101 - a basic challenge is taken only with a login
        return b64encode(f"{self._login.username}:{self._login.password}".encode()).decode()

    def _refuse_in_the_clear(self) -> None:
        if self._login is not None and self._origin.scheme != "https" and not self._origin.is_loopback:
            raise ModelProvenanceError(
                "registry.plain_http",
                "the registry asks for a login, which would be sent without encryption",
                location=shown(self._origin.host),
            )

    def _fetch(self, challenge: Challenge, scope: str) -> _Held:
        refuse_foreign_realm(self._origin, challenge.realm, self._services)
        fields = [("service", challenge.service or ""), ("scope", scope)]
        fields = [(name, value) for name, value in fields if value]
        login, start = self._login, time.monotonic()
        if login is not None and login.identity_token is not None:
            grant = [("grant_type", "refresh_token"), ("refresh_token", login.identity_token), ("client_id", _CLIENT)]
            body = urlencode([*grant, *fields]).encode()
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = self._ask("POST", challenge.realm, headers, body)
        else:
            headers = {} if login is None else {"Authorization": f"Basic {self._basic()}"}
            answer = self._ask("GET", _with_query(challenge.realm, fields), headers, b"")
        return _token_of(answer, start)

    def _ask(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Answer:
        answer = self._transport.send(method, url, headers, body, limit=_TOKEN_LIMIT)
        if answer.status == 200:  # noqa: PLR2004 - OK
            return answer
        host = shown(Origin.of(url).host)
        if answer.status in (400, 401, 403):
            where = f" from {shown(self._login.source)}" if self._login is not None and self._login.source else ""
            who = f"the login{where}" if self._login is not None else "anonymous access"
            raise ModelProvenanceError(
                "registry.denied", f"the token service {host} refuses {who}", location=shown(self._origin.host)
            )
        code = "registry.busy" if answer.status in (408, 429) or answer.status >= 500 else "registry.answer"  # noqa: PLR2004 - server errors
        raise ModelProvenanceError(
            code, f"the token service {host} answered {answer.status}", location=shown(self._origin.host)
        )


def parse_challenge(text: str) -> Challenge | None:
    """The first challenge that is understood, Bearer before Basic; None for none."""
    lowered = text.lower()
    if "bearer " in lowered:
        start = lowered.index("bearer ") + len("bearer ")
        found = {
            (m[1] or m[3]).lower(): m[2] if m[1] else m[4] for m in _PARAMETER.finditer(text[start : start + 8192])
        }
        realm = found.get("realm")
        return None if not realm else Challenge("bearer", realm, found.get("service"), found.get("scope"))
    return Challenge("basic", "", None, None) if lowered.startswith("basic") or ", basic" in lowered else None


def refuse_foreign_realm(registry: Origin, realm: str, services: frozenset[str] = frozenset()) -> None:
    """A token service must be the registry's own: same host, or below the domain that the registry is in; or a named one.

    `registry.gitlab.com` may send to `gitlab.com`, `registry-1.docker.io` to `auth.docker.io`. Anything else, and any
    step down from https, would hand the user's credentials, or a request from inside their network, to somebody else.
    """
    try:
        token = Origin.of(realm)
    except ModelProvenanceError as error:
        raise _foreign(registry, realm) from error
    if token.scheme != "https" and not (registry.scheme == "http" and token.host == registry.host):
        both_here = registry.scheme == "http" and registry.is_loopback and is_loopback(token.host)
        if not both_here:
            raise _foreign(registry, realm)
    if token.host in {registry.host, *services} or (registry.is_loopback and is_loopback(token.host)):
        return
    parent = registry.host.partition(".")[2]
    if (
        "." in parent
        and not parent.replace(".", "").isdigit()
        and (token.host == parent or token.host.endswith(f".{parent}"))
    ):
        return
    raise _foreign(registry, realm)


def _foreign(registry: Origin, realm: str) -> ModelProvenanceError:
    try:
        host = f" --token-service {shown(Origin.of(realm).host)}"
    except ModelProvenanceError:
        host = ""
    return ModelProvenanceError(
        "registry.realm",
        f"it sends for a token to `{shown(realm, 200)}`",
        location=shown(registry.host),
        remedy=f"If the operator of the registry says that this is its token service, add{host}." if host else None,
    )


def _with_query(realm: str, fields: list[tuple[str, str]]) -> str:
    parts = urlsplit(realm)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode([*parse_qsl(parts.query), *fields]), ""))


def _token_of(answer: Answer, start: float) -> _Held:
    value: Any = parse_json(
        answer.body, what="the answer of the token service", limit=_TOKEN_LIMIT, code="registry.answer"
    )
    token = None
    if isinstance(value, dict):
        token = value.get("token") or value.get("access_token")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise ModelProvenanceError("registry.answer", "the token service gave no token")
    life = value.get("expires_in")
    seconds = life if isinstance(life, int) and not isinstance(life, bool) and 0 < life < 10**7 else _DEFAULT_LIFE
    return _Held(token, start + seconds - min(_MARGIN, seconds / 3))
