"""What an identity token says of itself: read, bounded and typed, never verified here.

Fulcio verifies the token and puts its claims into the certificate; we read them to know beforehand what would be
signed, and to stop where they contradict the environment. The token itself leaves this file in no value.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from model_provenance.context import github, gitlab
from model_provenance.domain.context import Identity
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import parse_json

#: What Sigstore instances accept.
AUDIENCE = "sigstore"
#: Claims kept, besides issuer, subject, audience and expiry. Others (user names, groups, mail of GitLab users) are not.
CLAIMS = frozenset(
    {*github.CLAIMS.values(), *gitlab.CLAIMS.values(), *github.MORE_CLAIMS, *gitlab.MORE_CLAIMS, "email"}
)

_LONGEST_TOKEN = 64 << 10
_LONGEST_CLAIM = 2048
_PARTS = 3


def identity_of(token: str, *, now: int, audience: str | None = None) -> Identity:
    """The claims of `token` that matter here, without verification.

    `now` is in seconds since 1970. Errors: `context.token_malformed`, `context.token_expired`, and with `audience`
    given, `context.token_audience` for a token that is not for it.
    """
    payload = _payload(token)
    expires = _seconds(payload, "exp")
    if expires is None:
        raise _malformed("it has no expiry (`exp`)")
    begins = _seconds(payload, "nbf")
    if now >= expires:
        raise ModelProvenanceError("context.token_expired", f"the identity token expired {now - expires} s ago")
    if begins is not None and now < begins:
        raise ModelProvenanceError(
            "context.token_expired",
            f"the identity token is valid only in {begins - now} s from now by this machine's clock",
            remedy="Set this machine's clock, then run again.",
        )
    audiences = _audiences(payload)
    if audience is not None and audience not in audiences:
        raise ModelProvenanceError(
            "context.token_audience",
            f"the identity token is for {shown(', '.join(audiences))}, and {audience} is needed",
            remedy=f"Request the token for the audience {audience} (GitLab: `aud: {audience}` below `id_tokens:`).",
        )
    claims = tuple((name, text) for name in sorted(CLAIMS) if (text := _text(payload, name)))
    return Identity(
        issuer=_required(payload, "iss"),
        subject=_required(payload, "sub"),
        audience=audience or audiences[0],
        expires=expires,
        personal=any(name == "email" for name, _ in claims),
        claims=claims,
    )


def same_run(first: Identity, second: Identity) -> bool:
    """True when two tokens speak of the same party and the same run; audience and expiry may differ."""
    return (first.issuer, first.subject, first.claims) == (second.issuer, second.subject, second.claims)


def _payload(token: str) -> Mapping[str, Any]:
    if len(token) > _LONGEST_TOKEN:
        raise _malformed(f"it is {len(token)} characters long, more than the {_LONGEST_TOKEN} that are read")
    parts = token.split(".")
    if len(parts) != _PARTS or not all(parts):
        raise _malformed("it does not have three parts with dots between")
    if not token.isascii():
        raise _malformed("it holds characters that no token has")
    try:
        text = parts[1].translate(str.maketrans("-_", "+/"))
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise _malformed("its claims are not base64url") from error
    payload = parse_json(data, what="the identity token's claims", limit=_LONGEST_TOKEN, code="context.token_malformed")
    if not isinstance(payload, dict):
        raise _malformed("its claims are not an object")
    return payload


def _text(payload: Mapping[str, Any], name: str) -> str:
    """A claim as text; an absent or null one (GitLab writes null) is empty."""
    value = payload.get(name)
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise _malformed(f"its claim `{name}` is neither text nor a number")
    if len(value) > _LONGEST_CLAIM or not value.isprintable():
        raise _malformed(f"its claim `{name}` is too long or holds control characters")
    return value


def _required(payload: Mapping[str, Any], name: str) -> str:
    text = _text(payload, name)
    if not text:
        raise _malformed(f"it has no `{name}`")
    return text


def _seconds(payload: Mapping[str, Any], name: str) -> int | None:
    """A NumericDate (RFC 7519, section 2), which may have a fraction."""
    value = payload.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1 << 40:
        raise _malformed(f"its `{name}` is not a time")
    return int(value)


def _audiences(payload: Mapping[str, Any]) -> list[str]:
    value = payload.get("aud")
    audiences = value if isinstance(value, list) else [value]
    if not audiences or not all(isinstance(one, str) and one for one in audiences):
        raise _malformed("its audience (`aud`) is neither text nor a list of texts")
    return [str(one) for one in audiences]


def _malformed(why: str) -> ModelProvenanceError:
    return ModelProvenanceError("context.token_malformed", f"the identity token cannot be read: {why}")
