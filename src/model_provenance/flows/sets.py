"""Which bundles of a heap belong together: one set a provenance, with the statements that it names (design, 4.4.5).

A package that was released twice has two sets attached, each good by itself. Grouping is by signed payload and by
certificate, so it can only make a verification fail, never pass: each set is verified whole, as if it were alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate
from model_provenance.domain.finding import Severity
from model_provenance.domain.result import Result
from model_provenance.domain.verification import EvidenceFiles, Report
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import slsa
from model_provenance.formats.bundle import Envelope, parse_bundle
from model_provenance.formats.dsse import PAYLOAD_TYPE
from model_provenance.formats.intoto import ParsedStatement, parse
from model_provenance.verify.case import RELEASE_PREDICATES

#: Releases of one and the same package; whoever may push could attach any number.
_SETS = 16


@dataclass(frozen=True, slots=True)
class _Part:
    """A bundle that could be read, and what it says."""

    name: str
    data: bytes
    statement: ParsedStatement
    #: The certificate; nothing for a key.
    holder: tuple[bytes, ...]


def release_sets(evidence: EvidenceFiles) -> tuple[EvidenceFiles, ...]:
    """Sets to verify one by one, at least one. Bundles that belong to none and could count go into every set.

    A bundle that cannot be read is in every set, too: it may be the one that would have said no.
    """
    parts: list[_Part] = []
    everywhere: list[tuple[str, bytes]] = []
    for name, data in evidence.bundles:
        part = _read(name, data)
        if part is not None and part.statement.predicate_type in RELEASE_PREDICATES:
            parts.append(part)
        else:
            everywhere.append((name, data))
    runs = [part for part in parts if part.statement.predicate_type == Predicate.PROVENANCE]
    sets = {tuple(part.name for part in members): members for members in (_members(run, parts) for run in runs)}
    if not sets or len(sets) > _SETS:
        return (evidence,)
    return tuple(
        EvidenceFiles((*((part.name, part.data) for part in members), *everywhere), evidence.documents)
        for members in sets.values()
    )


def judged(evidence: EvidenceFiles, judge: Callable[[EvidenceFiles], Report]) -> tuple[EvidenceFiles, Report]:
    """Each set by itself: the first that holds, else the one with the fewest failures."""
    found = []
    for one in release_sets(evidence):
        report = judge(one)
        if report.result is Result.PASS:
            return one, report
        found.append((one, report))
    return min(found, key=lambda pair: sum(1 for f in pair[1].findings if f.severity is Severity.ERROR))


def _members(run: _Part, parts: Sequence[_Part]) -> tuple[_Part, ...]:
    """The provenance and what it names; of equal statements the one that was signed in the same run."""
    try:
        named = slsa.parse(run.statement.predicate).byproducts
    except ModelProvenanceError:
        return (run,)
    members = [run]
    for byproduct in named:
        fitting = [
            part
            for part in parts
            if part.statement.predicate_type == byproduct.predicate_type
            and Digest.of(part.statement.payload) == byproduct.digest
        ]
        fitting.sort(key=lambda part: part.holder != run.holder)
        members += fitting[:1]
    return tuple(members)


def _read(name: str, data: bytes) -> _Part | None:
    try:
        bundle = parse_bundle(data)
        if not isinstance(bundle.content, Envelope) or bundle.content.payload_type != PAYLOAD_TYPE:
            return None
        return _Part(name, data, parse(bundle.content.payload), bundle.material.certificates)
    except ModelProvenanceError:
        return None
