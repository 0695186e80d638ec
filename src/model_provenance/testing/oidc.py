"""Identity tokens: an issuer whose tokens carry production issuer names, and the Actions runner's token endpoint."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from model_provenance.testing.ca import ec_key
from model_provenance.testing.faults import Fault, Faults, Service
from model_provenance.testing.keys import KeyStore, key_id, sign, verifies
from model_provenance.testing.loopback import RefusedError, Request, Response

_LIFE = 300
_COORDINATE = 32


class Issuer:
    """Signs and checks tokens with ES256: real issuers use RS256, whose keys take a tenth of a second to make."""

    def __init__(self, store: KeyStore, faults: Faults, clock: Callable[[], float]) -> None:
        self._key = ec_key(store, "oidc")
        self._store, self._faults, self._clock = store, faults, clock
        self._lock = threading.Lock()
        self._grants: dict[str, Mapping[str, Any]] = {}

    def issue(self, claims: Mapping[str, Any], *, audience: str = "sigstore", life: int = _LIFE) -> str:
        """A signed token; `iss` and `sub` come with the claims, which also override what is added here."""
        now = int(self._clock())
        added = {"aud": audience, "iat": now, "nbf": now - 5, "exp": now + life, "jti": str(uuid.uuid4())}
        return _encode({**added, **claims}, self._key)

    def check(self, token: str, *, audience: str) -> dict[str, Any]:
        """The claims of a token of ours, for this audience and moment; RefusedError says why not."""
        try:
            head, body, signature = (_unbase64url(part) for part in token.split("."))
            claims = json.loads(body)
            header = json.loads(head)
        except ValueError as error:
            raise RefusedError("not a JSON web token") from error
        raw = encode_dss_signature(
            int.from_bytes(signature[:_COORDINATE], "big"), int.from_bytes(signature[_COORDINATE:], "big")
        )
        signed = token.rpartition(".")[0].encode()
        if header.get("alg") != "ES256" or not verifies(self._key.public_key(), raw, signed):
            raise RefusedError("the signature is not the issuer's")
        if claims.get("aud") != audience:
            raise RefusedError(f"the audience is not {audience}")
        if not claims.get("nbf", 0) <= self._clock() < claims.get("exp", 0):
            raise RefusedError("the token is expired or not yet valid")
        return dict(claims)

    def grant(self, claims: Mapping[str, Any]) -> str:
        """Let a job ask for tokens with these claims; its bearer secret."""
        secret = secrets.token_urlsafe(24)
        with self._lock:
            self._grants[secret] = dict(claims)
        return secret

    def handle(self, request: Request) -> Response:
        """`GET /token?…&audience=A` with `Authorization: bearer S`; discovery and keys below any other path."""
        if request.path.endswith("/.well-known/openid-configuration"):
            return Response.json(_discovery(request.base.removesuffix("/.well-known/openid-configuration")))
        if request.path.endswith("/jwks"):
            return Response.json({"keys": [_jwk(self._key.public_key())]})
        if request.path != "/oidc/token" or request.method != "GET":
            return Response.error(404, "no such page")
        secret = request.headers.get("authorization", "").partition(" ")[2]
        with self._lock:
            claims = self._grants.get(secret)
        if claims is None or self._faults.hit(Service.OIDC, Fault.FORBIDDEN):
            return Response.error(403, "this job may not ask for identity tokens")
        audience = request.query.get("audience", f"https://github.com/{claims.get('repository_owner', '')}")
        return Response.json({"value": self._token(claims, audience)})

    def _token(self, claims: Mapping[str, Any], audience: str) -> str:
        if self._faults.hit(Service.OIDC, Fault.WRONG_AUDIENCE):
            audience = "somebody-else"
        life = -3600 if self._faults.hit(Service.OIDC, Fault.EXPIRED) else _LIFE
        token = self.issue(claims, audience=audience, life=life)
        if self._faults.hit(Service.OIDC, Fault.WRONG_KEY):
            return _encode(json.loads(_unbase64url(token.split(".")[1])), ec_key(self._store, "oidc-rogue"))
        return token


def _encode(claims: Mapping[str, Any], key: ec.EllipticCurvePrivateKey) -> str:
    header = {"typ": "JWT", "alg": "ES256", "kid": key_id(key.public_key()).hex()}
    signed = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
    r, s = decode_dss_signature(sign(key, signed.encode()))
    return f"{signed}.{_base64url(r.to_bytes(_COORDINATE, 'big') + s.to_bytes(_COORDINATE, 'big'))}"


def _discovery(base: str) -> dict[str, Any]:
    """OpenID Connect Discovery; the interactive endpoints are named because clients insist on them, not served."""
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/authorize",
        "token_endpoint": f"{base}/interactive-token",
        "jwks_uri": f"{base}/jwks",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }


def _jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    point = key.public_numbers()
    x, y = (_base64url(value.to_bytes(_COORDINATE, "big")) for value in (point.x, point.y))
    return {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": key_id(key).hex(), "x": x, "y": y}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unbase64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
