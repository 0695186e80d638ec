"""What one verification is about: everything that the numbered checks look at, read once, frozen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate, SignerIdentity
from model_provenance.domain.finding import Finding
from model_provenance.domain.manifest import ReleasedManifest
from model_provenance.domain.text import shown
from model_provenance.domain.verification import Expectation, Observed, Scope, Trust
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.intoto import ParsedStatement
from model_provenance.formats.oms_content import SignedFiles
from model_provenance.formats.slsa import ProvenanceView
from model_provenance.verify.examine import Evidence

T = TypeVar("T")

#: The statements of a release; evidence of any other predicate type never counts as one (design, 4.4.4).
RELEASE_PREDICATES = (
    Predicate.OMS,
    Predicate.MANIFEST,
    Predicate.PROVENANCE,
    Predicate.SPDX,
    Predicate.SPDX3,
    Predicate.CYCLONEDX,
    Predicate.TEST_RESULT,
)


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """A statement's content: the value, or what is wrong with it, or neither where there is no such statement."""

    value: T | None = None
    problem: ModelProvenanceError | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One verification. `evidence` are the bundles that count; those of other kinds are only mentioned."""

    scope: Scope
    expectation: Expectation
    trust: Trust
    observed: Observed | None
    #: Digest of a target that is only known by its digest.
    target: Digest | None
    evidence: tuple[Evidence, ...]
    #: (name, predicate type or None) of each bundle that does not count.
    foreign: tuple[tuple[str, str | None], ...]
    unreadable: tuple[Finding, ...]
    documents: Mapping[str, bytes]
    oms: Read[SignedFiles]
    manifest: Read[ReleasedManifest]
    provenance: Read[ProvenanceView]
    #: Unlisted files are left alone where the caller says so (one bundle alone only).
    ignore_unsigned: bool = False
    #: What the signed heads of logs say about each other.
    heads: tuple[Finding, ...] = ()

    def all_of(self, predicate_type: str) -> tuple[Evidence, ...]:
        """Every counted bundle with this predicate type."""
        return tuple(e for e in self.evidence if e.statement and e.statement.predicate_type == predicate_type)

    def statement(self, predicate_type: str) -> ParsedStatement | None:
        """The one statement of this type; None where there is none, or more than one could be meant."""
        found = self.all_of(predicate_type)
        return found[0].statement if len(found) == 1 else None

    @property
    def signer(self) -> SignerIdentity | None:
        """The signer of the first bundle that names one: found, and true only if every check held."""
        return next((e.signer for e in self.evidence if e.signer is not None), None)


def read(statement: ParsedStatement | None, reader: Callable[[ParsedStatement], T]) -> Read[T]:
    """The content of a statement, or what is wrong with it."""
    if statement is None:
        return Read()
    try:
        return Read(reader(statement))
    except ModelProvenanceError as error:
        return Read(problem=error)
    except (TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        # A reader that stumbles over hostile content is our defect, and still never a pass.
        message = f"reading {shown(statement.predicate_type)} ended with {type(error).__name__}"
        return Read(problem=ModelProvenanceError("verify.crashed", message))
