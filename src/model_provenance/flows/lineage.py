"""The ancestors of a verified model: each base model by its evidence or by a summary, upwards, within bounds.

A base model is found by the digest that its descendant's signed manifest names. Its weights are not here, and nothing is
said about them: what is verified is that somebody whom the policy names released a model of exactly this digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from model_provenance.domain.digest import Digest
from model_provenance.domain.finding import Severity
from model_provenance.domain.lineage import Ancestor, Backing, Lineage, bases_of
from model_provenance.domain.summary import PASSED, Summary
from model_provenance.domain.verification import EvidenceFiles, Report, Trust, Verified
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.claimed import claimed
from model_provenance.flows.evidence import read_evidence
from model_provenance.flows.sets import judged
from model_provenance.formats.bundle import Envelope, parse_bundle
from model_provenance.formats.intoto import parse
from model_provenance.formats.vsa import build_level
from model_provenance.policy.document import Policy
from model_provenance.policy.signers import PolicySigner, Verifier, matching
from model_provenance.policy.vouching import DEPTH_LIMIT
from model_provenance.verify.release import verify_evidence

#: Ancestors of one model that are looked at.
_LIMIT = 64
#: Folders of evidence for them.
_FOLDERS = 64


@dataclass(frozen=True, slots=True)
class BaseEvidence:
    """Evidence of one release, with every digest that its statements claim to be about."""

    evidence: EvidenceFiles
    claims: frozenset[Digest]


def read_bases(folders: Sequence[Path]) -> tuple[BaseEvidence, ...]:
    """The evidence of base models from disk; raises `evidence.*` for a folder that cannot be read."""
    if len(folders) > _FOLDERS:
        raise ModelProvenanceError("evidence.too_many", f"--base-evidence is given more than {_FOLDERS} times")
    return tuple(BaseEvidence(evidence, _claims(evidence)) for evidence in map(read_evidence, folders))


def trace(
    verified: Verified, policy: Policy, bases: Sequence[BaseEvidence], summaries: Sequence[Summary], trust: Trust
) -> Lineage:
    """Every ancestor, nearest first; nothing where the manifest's base models cannot be read."""
    return _Search(policy, bases, summaries, trust).of(verified)


class _Search:
    """One search. What was found for a digest is found once, however many models name it."""

    def __init__(
        self, policy: Policy, bases: Sequence[BaseEvidence], summaries: Sequence[Summary], trust: Trust
    ) -> None:
        section = policy.lineage
        named = policy.signers if section is None or section.signers is None else section.signers
        self._signers: frozenset[PolicySigner] = named or frozenset()
        self._verifiers: frozenset[Verifier] = (section.verifiers if section is not None else None) or frozenset()
        self._depth = DEPTH_LIMIT if section is None else section.depth
        self._bases, self._summaries, self._trust = bases, summaries, trust
        self._found: dict[Digest, Ancestor] = {}

    def of(self, verified: Verified) -> Lineage:
        """Generation by generation."""
        found: list[Ancestor] = []
        waiting: list[tuple[Any, tuple[frozenset[Digest], ...]]] = [(verified.manifest, (_digests(verified),))]
        while waiting:
            manifest, line = waiting.pop(0)
            for base in bases_of(manifest) or ():
                ancestor = self._ancestor(base, line)
                if len(found) == _LIMIT:
                    why = f"there are more than {_LIMIT} ancestors"
                    return (*found, replace(ancestor, backing=Backing.TOO_DEEP, why=why))
                found.append(ancestor)
                if ancestor.backing is Backing.EVIDENCE:
                    waiting.append((ancestor.manifest, (*line, ancestor.digests)))
        return tuple(found)

    def _ancestor(self, base: Any, line: tuple[frozenset[Digest], ...]) -> Ancestor:
        name, depth = base["model"], len(line)
        try:
            digest = Digest.parse(base["digest"]) if "digest" in base else None
        except ValueError:
            digest = None
        if digest is None:
            return Ancestor(name, None, depth, Backing.UNNAMED, "it is named without a digest")
        if any(digest in digests for digests in line):
            return Ancestor(name, digest, depth, Backing.CYCLE, "it is its own ancestor")
        if depth > self._depth:
            return Ancestor(name, digest, depth, Backing.TOO_DEEP, f"more than {self._depth} generations")
        if digest not in self._found:
            self._found[digest] = self._look_up(digest)
        return replace(self._found[digest], name=name, depth=depth)

    def _look_up(self, digest: Digest) -> Ancestor:
        """What there is for a digest: evidence that holds, else a summary, else why not."""
        answer = Ancestor("", digest, 0, Backing.MISSING, f"nothing that was given is about {digest}")
        for folder in (folder for folder in self._bases if digest in folder.claims):
            if not self._signers:
                why = "the policy names nobody who may have released it"
                answer = replace(answer, backing=Backing.REFUSED, why=why)
                break
            report = self._verified(folder.evidence, digest)
            if report.verified is not None:
                return _backed(answer, report.verified)
            errors = [f.message for f in report.findings if f.severity is Severity.ERROR]
            answer = replace(answer, backing=Backing.REFUSED, why=f"its evidence does not hold: {errors[0]}")
        for summary in self._summaries:
            if self._counts(summary, digest):
                about = frozenset(digest for _, digest in summary.subjects)
                own = () if summary.digest is None else (("vsa", summary.digest),)
                level = build_level(summary.levels)
                signed = () if summary.statement is None else (("vsa", summary.statement),)
                found = replace(answer, backing=Backing.SUMMARY, why="", digests=about, attestations=own)
                return replace(found, statements=signed, slsa_level=level)
        return answer

    def _verified(self, evidence: EvidenceFiles, digest: Digest) -> Report:
        signer = claimed(self._signers, evidence.bundles)
        return judged(evidence, lambda one: verify_evidence(one, digest, signer, self._trust))[1]

    def _counts(self, summary: Summary, digest: Digest) -> bool:
        """PASSED, about this digest, by one of the verifiers, under its name, and not by who released the model."""
        signer = summary.signer
        return (
            signer is not None
            and summary.result == PASSED
            and digest in {subject for _, subject in summary.subjects}
            and (signer.subject, signer.issuer) != summary.released_by
            and any(v.id == summary.verifier_id and matching((v.signer,), signer) for v in self._verifiers)
        )


def _backed(answer: Ancestor, verified: Verified) -> Ancestor:
    return replace(
        answer,
        backing=Backing.EVIDENCE,
        why="",
        digests=_digests(verified),
        manifest=verified.manifest,
        signer=verified.signer,
        signed_at=verified.signed_at,
        slsa_level=verified.slsa_level,
        attestations=verified.attestations,
        statements=verified.statements,
    )


def _digests(verified: Verified) -> frozenset[Digest]:
    own = () if verified.model_digest is None else (verified.model_digest,)
    return frozenset((*own, *(subject.digest for subject in verified.subjects)))


def _claims(evidence: EvidenceFiles) -> frozenset[Digest]:
    """Subjects of whatever can be read: they choose which evidence is verified, and prove nothing."""
    return frozenset(_subjects(data for _, data in evidence.bundles))


def _subjects(bundles: Iterable[bytes]) -> Iterable[Digest]:
    for data in bundles:
        try:
            content = parse_bundle(data).content
            statement = parse(content.payload) if isinstance(content, Envelope) else None
        except ModelProvenanceError:
            continue
        for _, digests in statement.subjects if statement is not None else ():
            try:
                yield Digest(digests.get("sha256", ""))
            except ValueError:
                continue
