"""17 · The signed test result says of each evaluation what the signed manifest does.

Both are the releaser's word. Other tools read the one and policies the other, so a release in which they differ could pass
for a model that kept its bounds in one place and for one that did not in the other. With one bundle alone there is nothing to
compare: a test result that is signed there, of any tool, and a manifest still say what failed.
"""

from __future__ import annotations

from collections.abc import Sequence

from model_provenance.domain.evaluation import Outcome
from model_provenance.domain.evidence import Predicate
from model_provenance.domain.finding import Finding, failed, passed, warned
from model_provenance.domain.text import shown
from model_provenance.domain.verification import Scope
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.test_result import SignedResult, evaluations_of, parse, result_predicate, said_to_end
from model_provenance.verify.case import Case
from model_provenance.verify.outcome import blocked, finding_of, unchecked

_LOCATION = "test-result"
_SHOWN = 3


def check(case: Case) -> Sequence[Finding]:
    """Presence, agreement, and what failed."""
    if case.scope is Scope.BUNDLE:
        return _alone(case)
    manifest, found = case.manifest.value, case.all_of(Predicate.TEST_RESULT)
    if manifest is None:
        return [blocked("there is no valid manifest that names the evaluations")]
    count = len(evaluations_of(manifest.value))
    if len(found) > 1:
        return [blocked("there is no one test result", location=_LOCATION)]
    if not found and not count:
        return [passed("evaluations", "no evaluation is claimed")]
    if not found:
        # Whoever took it away would fail check 9: the provenance names it. This release was made without one.
        return [warned("evaluation.unsigned", f"the manifest names {count} evaluations, and no test result is signed")]
    expected, statement = result_predicate(manifest), found[0].statement
    if expected is None or statement is None:
        return [
            failed("evaluation.differs", "the manifest names no evaluation, and a test result does", location=_LOCATION)
        ]
    try:
        said, true = parse(statement.predicate), parse(expected)
    except ModelProvenanceError as error:
        return [finding_of(error, location=_LOCATION)]
    if said != true:
        what = f"the test result says {said.result.value}, and not what follows from the manifest ({true.result.value})"
        return [failed("evaluation.differs", what, location=_LOCATION)]
    return _agreed(said)


def _agreed(said: SignedResult) -> list[Finding]:
    decided = len(said.passed) + len(said.warned) + len(said.failed)
    counts = f"{len(said.passed)} passed, {len(said.failed)} failed, {len(said.tests) - decided} only measured"
    if said.warned:
        counts += f", {len(said.warned)} said to have passed"
    findings = [passed("evaluations", f"{said.result.value}: {counts}")]
    if said.result is Outcome.FAILED:
        findings.append(_failed(said.failed, _LOCATION))
    return findings


def _alone(case: Case) -> list[Finding]:
    """What failed by this one statement; whether another says the same stays open."""
    findings = [unchecked("evaluations", "the test result says what the manifest does")]
    said = [(_LOCATION, found.statement.predicate) for found in case.all_of(Predicate.TEST_RESULT) if found.statement]
    if case.manifest.value is not None and (follows := result_predicate(case.manifest.value)) is not None:
        said.append(("manifest", follows))
    for location, predicate in said:
        try:
            result, names = said_to_end(predicate)
        except ModelProvenanceError as error:
            findings.append(finding_of(error, location=location))
            continue
        if result is Outcome.FAILED or names:
            findings.append(_failed(names, location))
    return findings


def _failed(names: Sequence[str], location: str) -> Finding:
    words = ", ".join(shown(name, 100) for name in names[:_SHOWN]) or "the test result as a whole"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return warned("evaluation.failed", f"failed: {words}{more}", location=location)
