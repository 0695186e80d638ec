"""5 · Each signature is in a trusted transparency log, and the entry is of this envelope by this signer.

A signature by a key need not be logged, which is said; an entry that is there is verified in full all the same. Two trees
of one size with different roots, in this evidence or remembered from earlier, prove that the log shows different people
different content.
"""

from __future__ import annotations

from collections.abc import Sequence

from model_provenance.domain.finding import Finding
from model_provenance.domain.verification import OWN_KEYS
from model_provenance.verify.case import Case
from model_provenance.verify.checks.part import part_findings
from model_provenance.verify.examine import Part
from model_provenance.verify.outcome import unchecked


def check(case: Case) -> Sequence[Finding]:
    """Inclusion, checkpoint, promise, what the entry says, and what the log's checkpoints say about each other."""
    keyed = isinstance(case.expectation.signer, OWN_KEYS)
    unlogged = not any(evidence.bundle.entries for evidence in case.evidence)
    if keyed and case.evidence and unlogged:
        return [
            unchecked("log", "transparency log: signed with a key and not logged, so nobody else saw the signature")
        ]
    holds = "in a trusted log, as this signature" if not keyed else _KEY
    return [*part_findings(case, Part.LOG, "log", holds), *case.heads]


_KEY = "every log entry that is there is of this signature"
