"""in-toto's test result (in-toto/attestation, spec/predicates/test-result.md, v0.1) over the evaluations of a release.

The predicate has names and an outcome, and no place for numbers: these are annotations of the manifest, which is the
configuration that the evaluations were held against. What was measured without a bound is there, and in none of the lists: it
neither passed nor failed. The predicate follows from the signed manifest alone, so that the two can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_provenance.domain.digest import Digest
from model_provenance.domain.evaluation import Outcome
from model_provenance.domain.manifest import ReleasedManifest
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.evaluations import outcome, titles, together

_MANIFEST = "model-manifest.json"
_NAMES = {Outcome.PASSED: "passedTests", Outcome.WARNED: "warnedTests", Outcome.FAILED: "failedTests"}
_CODE = "evaluation.differs"
_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class SignedResult:
    """What a verifier reads from a test result of a release."""

    result: Outcome
    passed: tuple[str, ...]
    warned: tuple[str, ...]
    failed: tuple[str, ...]
    #: (name, hex SHA-256) of the manifest and of each result file.
    configuration: tuple[tuple[str, str], ...]
    #: The evaluations themselves, as the manifest has them.
    tests: tuple[Mapping[str, Any], ...]


def evaluations_of(manifest: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The `tests` of a valid manifest."""
    return tuple(manifest.get("tests") or ())


def result_predicate(manifest: ReleasedManifest) -> dict[str, Any] | None:
    """The predicate for a release; None where its manifest names no evaluation."""
    tests = evaluations_of(manifest.value)
    if not tests:
        return None
    outcomes = [outcome(test) for test in tests]
    named = list(zip(titles(tests), outcomes, strict=True))
    return {
        "result": together(outcomes).value,
        "configuration": [
            {
                "name": _MANIFEST,
                "digest": {"sha256": Digest.of(manifest.data).hex},
                "mediaType": "application/json",
                "annotations": {"tests": list(tests)},
            },
            *({"name": name, "digest": {"sha256": digest}} for name, digest in _reports(tests)),
        ],
        **{key: [name for name, ended in named if ended is kind] for kind, key in _NAMES.items()},
    }


def parse(predicate: Mapping[str, Any]) -> SignedResult:
    """Read the test result of a release; raises `evaluation.differs`. Unknown fields are left alone, as in-toto asks for."""
    result = _result(predicate)
    if result is None:
        raise _malformed("`result` is not PASSED, WARNED or FAILED")
    configuration = predicate.get("configuration")
    if not isinstance(configuration, list) or not 0 < len(configuration) <= _LIMIT + 1:
        raise _malformed(f"`configuration` is not a list of at most {_LIMIT + 1}")
    annotations = configuration[0].get("annotations") if isinstance(configuration[0], dict) else None
    tests = annotations.get("tests") if isinstance(annotations, dict) else None
    if not isinstance(tests, list) or not all(isinstance(test, dict) for test in tests) or len(tests) > _LIMIT:
        raise _malformed("its manifest is not annotated with the evaluations")
    passed, warned, failed = (_texts(predicate, key) for key in _NAMES.values())
    described = tuple(_descriptor(entry) for entry in configuration)
    return SignedResult(result, passed, warned, failed, described, tuple(tests))


def said_to_end(predicate: Mapping[str, Any]) -> tuple[Outcome, tuple[str, ...]]:
    """The outcome, and the names of what failed, of a test result by any tool; raises `evidence.malformed`."""
    result, names = _result(predicate), predicate.get("failedTests") or []
    if result is None:
        raise ModelProvenanceError(
            "evidence.malformed", "the `result` of a test result is not PASSED, WARNED or FAILED"
        )
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ModelProvenanceError("evidence.malformed", "`failedTests` of a test result is not a list of names")
    return result, tuple(names)


def _result(predicate: Mapping[str, Any]) -> Outcome | None:
    return next((each for each in Outcome if each.value == predicate.get("result")), None)


def _reports(tests: tuple[Mapping[str, Any], ...]) -> list[tuple[str, str]]:
    """Each result file once."""
    return list(dict.fromkeys((t["report"], Digest.parse(t["digest"]).hex) for t in tests if "report" in t))


def _descriptor(entry: Any) -> tuple[str, str]:
    name, digest = (entry.get("name"), entry.get("digest")) if isinstance(entry, dict) else (None, None)
    value = digest.get("sha256") if isinstance(digest, dict) else None
    if not isinstance(name, str) or not isinstance(value, str):
        raise _malformed("an entry of `configuration` has no name or no SHA-256")
    return name, value


def _texts(predicate: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = predicate.get(key, [])
    if not isinstance(value, list) or len(value) > _LIMIT or not all(isinstance(text, str) for text in value):
        raise _malformed(f"`{key}` is not a list of at most {_LIMIT} names")
    return tuple(value)


def _malformed(why: str) -> ModelProvenanceError:
    return ModelProvenanceError(_CODE, f"the test result is not one of a release: {why}")
