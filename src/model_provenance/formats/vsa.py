"""SLSA Verification Summary (slsa.dev/spec/v1.2/verification_summary): write ours, read anybody's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

import model_provenance
from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate, SignerIdentity, Statement, Subject
from model_provenance.domain.summary import FAILED, PASSED, Summary
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.intoto import ParsedStatement, statement

SLSA_VERSION = "1.2"
#: Our own fields, under a name that is a URI as the specification wants extensions to be (spec/verification-summary.md).
EXTENSION = "https://model-provenance.dev/verification-summary/v1"
FAILED_LEVEL = "FAILED"
UNEVALUATED = "SLSA_BUILD_LEVEL_UNEVALUATED"
_LEVEL = re.compile(r"SLSA_BUILD_LEVEL_([0-9])")
_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?Z")
_TEXT_LIMIT = 2048
_LIST_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Made:
    """What a verification came to, before it is signed."""

    verifier_id: str
    resource_uri: str
    policy: str
    policy_digest: str
    passed: bool
    levels: Sequence[str]
    #: Unix seconds.
    verified_at: int
    subjects: Sequence[Subject]
    files_digest: Digest
    released_by: SignerIdentity
    #: gate -> verdict
    gates: Mapping[str, str]
    #: Every bundle that was looked at, by name.
    inputs: Sequence[tuple[str, Digest]]
    #: None where nothing is claimed about what the model was made from.
    dependency_levels: Mapping[str, int] | None


def resource_of(name: str, version: str) -> str:
    """The package URL by which summaries name a model: the same wherever it is stored."""
    parts = "/".join(quote(part, safe="") for part in name.split("/"))
    return f"pkg:generic/model/{parts}@{quote(version, safe='')}"


def build_level(levels: frozenset[str]) -> int | None:
    """The level of the build track; None where the summary makes no claim."""
    found = [int(match[1]) for level in levels if (match := _LEVEL.fullmatch(level))]
    return max(found) if found else None


def vsa_statement(made: Made) -> Statement:
    """The statement to sign. A FAILED one has no level but that."""
    predicate: dict[str, Any] = {
        "verifier": {"id": made.verifier_id, "version": {"model-provenance": model_provenance.__version__}},
        "timeVerified": datetime.fromtimestamp(made.verified_at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "resourceUri": made.resource_uri,
        "policy": {
            "uri": f"urn:model-provenance:policy:{quote(made.policy, safe='')}",
            "digest": {"sha256": Digest.parse(made.policy_digest).hex},
        },
        "inputAttestations": [{"name": name, "digest": {"sha256": digest.hex}} for name, digest in made.inputs],
        "verificationResult": PASSED if made.passed else FAILED,
        "verifiedLevels": list(made.levels) if made.passed else [FAILED_LEVEL],
        "slsaVersion": SLSA_VERSION,
        EXTENSION: {
            "filesDigest": str(made.files_digest),
            "releasedBy": {"subject": made.released_by.subject, "issuer": made.released_by.issuer},
            "gates": dict(made.gates),
        },
    }
    if made.dependency_levels is not None:
        predicate["dependencyLevels"] = dict(made.dependency_levels)
    return Statement("vsa", Predicate.VSA, statement(made.subjects, Predicate.VSA, predicate))


def parse_vsa(parsed: ParsedStatement) -> Summary:
    """Read a signed summary; raises `policy.vsa`. Unknown fields are left alone, as the specification wants."""
    value = parsed.predicate
    verifier, policy, ours = (_object(value, key) for key in ("verifier", "policy", EXTENSION))
    result, levels = value.get("verificationResult"), value.get("verifiedLevels")
    if result not in (PASSED, FAILED):
        raise _malformed("its `verificationResult` is neither PASSED nor FAILED")
    if not isinstance(levels, list) or len(levels) > _LIST_LIMIT or not all(_is_line(level) for level in levels):
        raise _malformed("its `verifiedLevels` is not a list of words")
    return Summary(
        verifier_id=_line(verifier, "id"),
        resource_uri=_line(value, "resourceUri"),
        policy_uri=_line(policy, "uri"),
        policy_digest=_policy_digest(policy),
        result=result,
        levels=frozenset(levels),
        verified_at=_time(value.get("timeVerified")),
        subjects=tuple(_subjects(parsed)),
        files_digest=_digest(ours["filesDigest"]) if "filesDigest" in ours else None,
        released_by=_released_by(ours.get("releasedBy")),
        dependency_levels=_counts(value.get("dependencyLevels")),
    )


def _subjects(parsed: ParsedStatement) -> list[tuple[str | None, Digest]]:
    return [(name, _digest(f"sha256:{digests['sha256']}")) for name, digests in parsed.subjects if "sha256" in digests]


def _policy_digest(policy: Mapping[str, Any]) -> str | None:
    digests = policy.get("digest")
    if not isinstance(digests, dict) or "sha256" not in digests:
        return None
    return str(_digest(f"sha256:{digests['sha256']}"))


def _released_by(value: Any) -> tuple[str, str | None] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not (value.get("issuer") is None or _is_line(value["issuer"])):
        raise _malformed("its `releasedBy` is not a signer")
    return _line(value, "subject"), value.get("issuer")


def _counts(value: Any) -> Mapping[str, int]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(
        _is_line(key) and isinstance(count, int) and not isinstance(count, bool) for key, count in value.items()
    ):
        raise _malformed("its `dependencyLevels` is not a number for each level")
    return value


def _time(value: Any) -> int | None:
    if value is None:
        return None
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    try:
        if match is not None:
            return int(datetime.strptime(match[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc).timestamp())
    except ValueError:
        pass
    raise _malformed("its `timeVerified` is not a time in UTC")


def _object(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key, {})
    if not isinstance(found, dict):
        raise _malformed(f"its `{shown(key, 80)}` is not an object")
    return found


def _line(value: Mapping[str, Any], key: str) -> str:
    text = value.get(key)
    if not isinstance(text, str) or not _is_line(text):
        raise _malformed(f"its `{key}` is not a line of text")
    return text


def _is_line(text: Any) -> bool:
    return isinstance(text, str) and 0 < len(text) <= _TEXT_LIMIT and text.isprintable()


def _digest(text: Any) -> Digest:
    try:
        return Digest.parse(text) if isinstance(text, str) else Digest.parse("")
    except ValueError as error:
        raise _malformed(str(error)) from error


def _malformed(why: str) -> ModelProvenanceError:
    return ModelProvenanceError("policy.vsa", f"the summary cannot be used: {why}")
