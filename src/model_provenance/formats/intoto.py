"""in-toto Statement v1 (in-toto/attestation, spec/v1/statement.md): write ours, read anybody's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from model_provenance.domain.evidence import Subject
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import canonical, parse_json

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
#: What cosign's `attest-blob` still writes; same fields.
OLD_STATEMENT_TYPE = "https://in-toto.io/Statement/v0.1"
#: 100,000 files with long names are about 20 MB of OMS statement.
PAYLOAD_LIMIT = 64 * 1024 * 1024
_SUBJECT_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class ParsedStatement:
    """A statement as read; `payload` are the signed bytes, everything else is a view of them."""

    payload: bytes
    type: str
    #: (name or None, {algorithm: hex})
    subjects: tuple[tuple[str | None, Mapping[str, str]], ...]
    predicate_type: str
    predicate: Mapping[str, Any]

    def subject_digests(self, name: str) -> frozenset[str]:
        """Hex SHA-256 digests of the subjects called `name`."""
        return frozenset(
            digest["sha256"] for subject, digest in self.subjects if subject == name and "sha256" in digest
        )


def statement(subjects: Iterable[Subject], predicate_type: str, predicate: Mapping[str, Any]) -> bytes:
    """Canonical bytes of one of our statements; each subject's name is its kind."""
    return named_statement([(s.kind.value, s.digest.hex) for s in subjects], predicate_type, predicate)


def named_statement(subjects: Iterable[tuple[str, str]], predicate_type: str, predicate: Mapping[str, Any]) -> bytes:
    """Canonical bytes of a statement about (name, hex SHA-256) subjects."""
    return canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in subjects],
            "predicateType": predicate_type,
            "predicate": predicate,
        }
    )


def parse(payload: bytes, *, code: str = "evidence.malformed") -> ParsedStatement:
    """Read a statement of any tool; types are checked, unknown fields are left alone in the payload."""
    value = parse_json(payload, what="the statement", limit=PAYLOAD_LIMIT, code=code)
    if not isinstance(value, dict):
        raise ModelProvenanceError(code, "the statement is not a JSON object")
    kind, predicate_type = value.get("_type"), value.get("predicateType")
    predicate, subjects = value.get("predicate", {}), value.get("subject")
    if not isinstance(kind, str) or not isinstance(predicate_type, str):
        raise ModelProvenanceError(code, "the statement has no _type or no predicateType")
    if not isinstance(predicate, dict):
        raise ModelProvenanceError(code, "the statement's predicate is not an object")
    if not isinstance(subjects, list) or not 0 < len(subjects) <= _SUBJECT_LIMIT:
        raise ModelProvenanceError(code, "the statement has no subject, or too many")
    return ParsedStatement(payload, kind, tuple(_subject(s, code) for s in subjects), predicate_type, predicate)


def _subject(value: Any, code: str) -> tuple[str | None, Mapping[str, str]]:
    if not isinstance(value, dict):
        raise ModelProvenanceError(code, "a subject is not an object")
    name, digest = value.get("name"), value.get("digest")
    if not (name is None or isinstance(name, str)):
        raise ModelProvenanceError(code, "a subject's name is not a string")
    if not isinstance(digest, dict) or not digest:
        raise ModelProvenanceError(code, "a subject has no digest")
    if not all(isinstance(v, str) for v in digest.values()):
        raise ModelProvenanceError(code, "a subject's digest is not a string")
    return name, digest
