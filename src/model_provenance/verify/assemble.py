"""From untrusted files to one case: parse every bundle, choose the method, look at each once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate
from model_provenance.domain.finding import Finding, undecided
from model_provenance.domain.verification import (
    OWN_KEYS,
    Expectation,
    KeyExpectation,
    Observed,
    PkiExpectation,
    Scope,
    TargetKind,
    Trust,
)
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import slsa
from model_provenance.formats.bundle import Envelope, ParsedBundle, parse_bundle
from model_provenance.formats.dsse import PAYLOAD_TYPE
from model_provenance.formats.intoto import OLD_STATEMENT_TYPE, STATEMENT_TYPE, ParsedStatement
from model_provenance.formats.intoto import parse as parse_statement
from model_provenance.formats.manifest import released
from model_provenance.formats.oms_content import SignedFiles, parse_oms
from model_provenance.formats.oms_older import PREDICATE_0_2, parse_any_oms
from model_provenance.formats.public_key import load_public_key
from model_provenance.verify import trusted_root
from model_provenance.verify.case import RELEASE_PREDICATES, Case, Read, read
from model_provenance.verify.examine import Candidate, Evidence, Method, examine
from model_provenance.verify.outcome import finding_of
from model_provenance.verify.private_pki import private_pki
from model_provenance.verify.tree_heads import head_findings

#: Far more than a release has; a registry could be made to offer any number (design, 4.4.5).
BUNDLES_LIMIT = 64
#: Statements about a release by others than who released it, in any version.
_ABOUT_RELEASES = ("https://slsa.dev/verification_summary/", "https://model-provenance.dev/")


@dataclass(frozen=True, slots=True)
class _Sorted:
    """The bundles: those that count, looked at; those of other kinds; those that cannot be read."""

    evidence: tuple[Evidence, ...]
    foreign: tuple[Candidate, ...]
    unreadable: tuple[Finding, ...]
    #: What the heads of logs say about each other.
    heads: tuple[Finding, ...] = ()

    def one(self, predicate_type: str) -> ParsedStatement | None:
        """The statement of this type. Where two could be meant, none is: check 9 says so."""
        found = [e.statement for e in self.evidence if e.statement and e.statement.predicate_type == predicate_type]
        return found[0] if len(found) == 1 else None


def release_case(
    bundles: Iterable[tuple[str, bytes]],
    documents: Mapping[str, bytes],
    observed: Observed | None,
    expectation: Expectation,
    trust: Trust,
    *,
    scope: Scope = Scope.RELEASE,
) -> Case:
    """The case of a whole release, or of one without its weights or package: only its kinds of statement count."""
    found = _sorted(bundles, _of_release, expectation, trust)
    return _case(scope, expectation, trust, found, observed, documents=documents)


def bundle_case(
    bundle: bytes,
    observed: Observed | None,
    expectation: Expectation,
    trust: Trust,
    *,
    digest: Digest | None,
    ignore_unsigned: bool,
) -> Case:
    """The case of one bundle alone: any statement about a thing, or a signature over a file."""
    found = _sorted([("bundle", bundle)], _speaks_alone, expectation, trust, digest or _file_digest(observed))
    return _case(Scope.BUNDLE, expectation, trust, found, observed, target=digest, ignore_unsigned=ignore_unsigned)


def statement_case(
    bundle: bytes, predicate_type: str, expectation: Expectation, trust: Trust, *, older: bool = False
) -> Case:
    """The case of one statement of a type that is no part of a release, e.g. a waiver; `older` takes cosign's forms, too."""

    def counts(candidate: Candidate) -> bool:
        return candidate.statement is not None and candidate.statement.predicate_type == predicate_type

    found = _sorted([("bundle", bundle)], counts, expectation, trust, older=older)
    return _case(Scope.BUNDLE, expectation, trust, found, None)


def _case(
    scope: Scope,
    expectation: Expectation,
    trust: Trust,
    found: _Sorted,
    observed: Observed | None,
    *,
    documents: Mapping[str, bytes] | None = None,
    target: Digest | None = None,
    ignore_unsigned: bool = False,
) -> Case:
    return Case(
        scope=scope,
        expectation=expectation,
        trust=trust,
        observed=observed,
        target=target,
        evidence=found.evidence,
        foreign=tuple((c.name, c.statement.predicate_type if c.statement else None) for c in found.foreign),
        unreadable=found.unreadable,
        documents=dict(documents or {}),
        oms=_oms(scope, found),
        manifest=read(found.one(Predicate.MANIFEST), lambda statement: released(statement.predicate)),
        provenance=read(found.one(Predicate.PROVENANCE), lambda statement: slsa.parse(statement.predicate)),
        ignore_unsigned=ignore_unsigned,
        heads=found.heads,
    )


def _oms(scope: Scope, found: _Sorted) -> Read[SignedFiles]:
    """A release lists whole files with SHA-256; a signature alone may be of any version of OMS."""
    if scope is not Scope.BUNDLE:
        return read(found.one(Predicate.OMS), parse_oms)
    return read(found.one(Predicate.OMS) or found.one(PREDICATE_0_2), parse_any_oms)


def _sorted(
    bundles: Iterable[tuple[str, bytes]],
    counts: Callable[[Candidate], bool],
    expectation: Expectation,
    trust: Trust,
    blob: Digest | None = None,
    *,
    older: bool = False,
) -> _Sorted:
    candidates, unreadable = _parse(bundles, alone=older or counts is _speaks_alone)
    counted = [candidate for candidate in candidates if counts(candidate)]
    foreign = tuple(candidate for candidate in candidates if not counts(candidate))
    if not counted:
        return _Sorted((), foreign, tuple(unreadable))
    method = _method(counted, expectation, trust)
    evidence = tuple(examine(candidate, method, blob) for candidate in counted)
    heads = [head for each in evidence for head in each.heads]
    compared = () if method.root is None else head_findings(heads, method.root, trust)
    return _Sorted(evidence, foreign, tuple(unreadable), compared)


def _parse(bundles: Iterable[tuple[str, bytes]], *, alone: bool) -> tuple[list[Candidate], list[Finding]]:
    """Every bundle that can be read, each once, and a finding for each that cannot."""
    parsed: list[Candidate] = []
    unreadable: list[Finding] = []
    for count, (name, data) in enumerate(bundles):
        if count == BUNDLES_LIMIT:
            unreadable.append(undecided("evidence.too_many", f"there are more than {BUNDLES_LIMIT} bundles"))
            break
        if any(data == known.data for known in parsed):
            continue
        try:
            bundle = parse_bundle(data)
            candidate = Candidate(name, data, bundle, _statement_of(bundle))
            if not alone:
                _refuse_old_forms(candidate)
            parsed.append(candidate)
        except ModelProvenanceError as error:
            unreadable.append(finding_of(error, location=name))
        except Exception as error:  # noqa: BLE001 - a reader of ours that stumbles is a failure, not a traceback
            message = f"reading the bundle ended with {type(error).__name__}"
            unreadable.append(undecided("verify.crashed", message, location=name))
    return parsed, unreadable


def _statement_of(bundle: ParsedBundle) -> ParsedStatement | None:
    content = bundle.content
    if not isinstance(content, Envelope) or content.payload_type != PAYLOAD_TYPE:
        return None
    statement = parse_statement(content.payload)
    if statement.type not in (STATEMENT_TYPE, OLD_STATEMENT_TYPE):
        raise ModelProvenanceError("evidence.malformed", "the payload is not an in-toto Statement v1")
    return statement


def _refuse_old_forms(candidate: Candidate) -> None:
    """A release is written in today's forms only; older ones are for what others signed alone."""
    if candidate.statement is not None and candidate.statement.type != STATEMENT_TYPE:
        raise ModelProvenanceError("evidence.malformed", "the payload is not an in-toto Statement v1")
    if any(entry.kind == "intoto" for entry in candidate.bundle.entries):
        raise ModelProvenanceError("log.kind", "releases are not logged in entries of kind intoto")


def _of_release(candidate: Candidate) -> bool:
    """One of the kinds of statement that a release is made of."""
    return candidate.statement is not None and candidate.statement.predicate_type in RELEASE_PREDICATES


def _speaks_alone(candidate: Candidate) -> bool:
    """Decisions about a release (revocation, approval, summary, receipt) are no evidence for it (design, 4.4.4)."""
    if candidate.statement is None:
        return not isinstance(candidate.bundle.content, Envelope)
    kind = candidate.statement.predicate_type
    return kind in RELEASE_PREDICATES or not kind.startswith(_ABOUT_RELEASES)


def _method(counted: list[Candidate], expectation: Expectation, trust: Trust) -> Method:
    """Key or keyless as the caller expects; the trusted root is read only where something depends on it."""
    signer = expectation.signer
    key = load_public_key(signer.public_key) if isinstance(signer, KeyExpectation) else None
    pki = private_pki(signer) if isinstance(signer, PkiExpectation) else None
    own = isinstance(signer, OWN_KEYS)
    if own and not any(p.bundle.entries or p.bundle.timestamps for p in counted):
        return Method(key, None, None, pki)
    root = trusted_root.parse(trusted_root.data_of(trust))
    if own:
        return Method(key, root, None, pki)
    from model_provenance.verify.library import asked_once, second_opinion  # noqa: PLC0415 - sigstore, for keyless bundles alone

    return Method(None, root, second_opinion(root) if trust.opinions is None else asked_once(root, trust.opinions))


def _file_digest(observed: Observed | None) -> Digest | None:
    """The digest of a target that is one file."""
    if observed is None:
        return None
    if observed.kind is TargetKind.FILE and len(observed.files) == 1:
        return observed.files[0].digest
    return observed.package_digest if observed.kind is TargetKind.ARCHIVE else None
