"""One revocation as a signed statement (`revocation/v1`), and as an entry of a status list: the same JSON object."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any, NoReturn, TypeVar

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate, Statement
from model_provenance.domain.moment import parse_rfc3339, rfc3339
from model_provenance.domain.status import REASONS, Action, Affected, Entry, SignerWindow
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import canonical
from model_provenance.formats.intoto import ParsedStatement, named_statement

E = TypeVar("E", bound=Enum)

CODE = "status.malformed"
_NEEDED = frozenset({"action", "scope", "reason", "propagate"})
_OPTIONAL = frozenset({"digest", "signer", "invalidSince", "replacedBy", "name", "comment", "references"})
_SIGNER_KEYS = frozenset({"identity", "issuer", "notBefore", "notAfter"})
_PROPAGATE = {"none": False, "descendants": True}
_TEXT_LIMIT = 1000
_REFERENCES = 16
_URL = re.compile(r"https?://[!-~]{1,1000}")


def revocation_statement(entry: Entry) -> Statement:
    """The statement to sign; its one subject is named by the scope. Raises `status.malformed` for what could not be read."""
    value = entry_value(entry)
    entry_of(value)
    payload = named_statement([_subject(entry)], Predicate.REVOCATION, value)
    return Statement("revocation", Predicate.REVOCATION, payload)


def parse_revocation(parsed: ParsedStatement) -> Entry:
    """Read a signed revocation, strictly; raises `status.malformed`."""
    entry = entry_of(parsed.predicate)
    name, digest = _subject(entry)
    if [(subject, dict(digests)) for subject, digests in parsed.subjects] != [(name, {"sha256": digest})]:
        fail("its subject is not what it revokes")
    return entry


def entry_value(entry: Entry) -> dict[str, Any]:
    """An entry as JSON values; what is not said is left out."""
    value: dict[str, Any] = {
        "action": entry.action.value,
        "scope": entry.affected.value,
        "reason": entry.reason,
        "propagate": "descendants" if entry.propagates else "none",
        "invalidSince": entry.invalid_since,
        "name": entry.name,
        "comment": entry.comment,
        "references": list(entry.references) or None,
        "digest": None if entry.digest is None else str(entry.digest),
        "replacedBy": None if entry.replaced_by is None else str(entry.replaced_by),
        "signer": None if entry.signer is None else _signer_value(entry.signer),
    }
    return {key: given for key, given in value.items() if given is not None}


def entry_of(value: Any) -> Entry:
    """An entry from JSON; a key that is not known could mean anything, so it is refused."""
    if not isinstance(value, dict):
        fail("an entry is not an object")
    if not value.keys() >= _NEEDED or value.keys() - _NEEDED - _OPTIONAL:
        fail("an entry lacks a key, or has one that is not known")
    action, affected = _one_of(Action, value["action"]), _one_of(Affected, value["scope"])
    if value["reason"] not in REASONS:
        fail(f"`reason` is not one of {', '.join(REASONS)}")
    propagates = _PROPAGATE.get(value["propagate"]) if isinstance(value["propagate"], str) else None
    if propagates is None:
        fail("`propagate` is neither `none` nor `descendants`")
    digest = _digest(value, "digest")
    signer = _signer(value["signer"]) if "signer" in value else None
    if (affected is Affected.SIGNER) is not (signer is not None) or (digest is None) is not (signer is not None):
        fail("an entry is about one digest, or with the scope `signer` about one signer")
    since = value.get("invalidSince")
    if since is not None and parse_rfc3339(since) is None:
        fail("`invalidSince` is not a moment like 2026-11-28T12:00:00Z")
    return Entry(
        action,
        affected,
        value["reason"],
        digest=digest,
        signer=signer,
        propagates=propagates,
        invalid_since=since,
        replaced_by=_digest(value, "replacedBy"),
        name=_text(value, "name"),
        comment=_text(value, "comment"),
        references=_references(value.get("references", [])),
    )


def fail(why: str) -> NoReturn:
    """Refuse it."""
    raise ModelProvenanceError(CODE, f"it cannot be used: {why}")


def _subject(entry: Entry) -> tuple[str, str]:
    """A signer has no digest of its own: that of its canonical description stands for it."""
    digest = entry.digest
    if digest is None:
        digest = Digest.of(canonical(None if entry.signer is None else _signer_value(entry.signer)))
    return entry.affected.value, digest.hex


def _signer_value(signer: SignerWindow) -> dict[str, Any]:
    value = {
        "identity": signer.subject,
        "issuer": signer.issuer,
        "notBefore": None if signer.not_before is None else rfc3339(signer.not_before),
        "notAfter": None if signer.not_after is None else rfc3339(signer.not_after),
    }
    return {key: given for key, given in value.items() if given is not None}


def _signer(value: Any) -> SignerWindow:
    if not isinstance(value, dict) or "identity" not in value or value.keys() - _SIGNER_KEYS:
        fail("`signer` does not have `identity`, or has a key that is not known")
    bounds = {key: parse_rfc3339(value[key]) for key in ("notBefore", "notAfter") if key in value}
    if None in bounds.values():
        fail("`notBefore` or `notAfter` is not a moment like 2026-11-28T12:00:00Z")
    identity = _text(value, "identity")
    if identity is None:
        fail("`identity` is not a line of text")
    return SignerWindow(identity, _text(value, "issuer"), bounds.get("notBefore"), bounds.get("notAfter"))


def _one_of(kind: type[E], text: Any) -> E:
    for member in kind:
        if member.value == text:
            return member
    fail(f"`{shown(str(text), 60)}` is not one of {', '.join(member.value for member in kind)}")


def _digest(value: dict[str, Any], key: str) -> Digest | None:
    if key not in value:
        return None
    try:
        return Digest.parse(value[key] if isinstance(value[key], str) else "")
    except ValueError as error:
        fail(f"`{key}`: {error}")


def _text(value: dict[str, Any], key: str) -> str | None:
    if key not in value:
        return None
    text = value[key]
    if not isinstance(text, str) or not 0 < len(text) <= _TEXT_LIMIT or not text.isprintable():
        fail(f"`{key}` is not a line of text")
    return text


def _references(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _REFERENCES:
        fail(f"`references` is not a list of at most {_REFERENCES}")
    for url in value:
        if not isinstance(url, str) or not _URL.fullmatch(url):
            fail("a reference is not an http or https address")
    return tuple(value)
