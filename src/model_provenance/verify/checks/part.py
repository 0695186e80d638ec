"""What checks 2 to 6 share: one part of the cryptography, bundle by bundle."""

from __future__ import annotations

from model_provenance.domain.finding import Finding, passed
from model_provenance.verify.case import Case
from model_provenance.verify.examine import Evidence, Part
from model_provenance.verify.outcome import blocked, finding_of


def part_findings(case: Case, part: Part, id: str, holds: str) -> list[Finding]:
    """A finding for each bundle: what is wrong with the part, or that it holds."""
    if not case.evidence:
        return [blocked(f"there is no statement whose {id} could be judged")]
    findings = []
    for evidence in case.evidence:
        problems = evidence.problems_of(part)
        findings += [finding_of(problem, location=evidence.name) for problem in problems]
        if not problems:
            findings.append(_answer(evidence, part, id, holds))
    return findings


def _answer(evidence: Evidence, part: Part, id: str, holds: str) -> Finding:
    if part in evidence.judged:
        return passed(id, holds, location=evidence.name)
    return blocked(f"the {id} could not be judged, because something before it is wrong", location=evidence.name)
