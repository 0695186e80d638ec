"""`verify --vsa`: the decision of a policy as signed evidence, which others may rely on instead of verifying again.

A file of an earlier run must never be read as the answer of this one: it is removed before anything else is done, and the new
one appears whole, after everything was decided. No decision (an ERROR), no file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from model_provenance.disk.failure import failure
from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate
from model_provenance.domain.lineage import Lineage, bases_of
from model_provenance.domain.policy import Decision, Verdict
from model_provenance.domain.result import Result
from model_provenance.domain.status import Status
from model_provenance.domain.text import shown
from model_provenance.domain.verification import Report, Scope, Verified
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows import folder
from model_provenance.flows.asked import given
from model_provenance.flows.evidence import read_bounded
from model_provenance.flows.places import lies_in, refuse_planted
from model_provenance.flows.policy import Considered, Given, with_decision
from model_provenance.flows.signing import KeySigning, Prepared, Signing, prepare
from model_provenance.flows.verify import VerifyRequest, checked, trust_inputs, trust_of, untrusted
from model_provenance.formats.bundle import BUNDLE_LIMIT, Envelope, parse_bundle
from model_provenance.formats.intoto import parse
from model_provenance.formats.oms import files_digest
from model_provenance.formats.vsa import UNEVALUATED, Made, vsa_statement
from model_provenance.policy.document import Policy
from model_provenance.policy.gates.slsa import level_of

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,31}:[!-~]{1,2000}")


@dataclass(frozen=True, slots=True)
class Vouching:
    """How the decision is signed, and where it goes."""

    output: Path
    signing: Signing
    #: `verifier.id`: in whose name is verified.
    verifier_id: str
    env: Mapping[str, str]

    def inputs(self) -> dict[str, Path | None]:
        """The files that the summary is signed with; the trust config is that of the verification."""
        return {"--vsa-key": self.signing.path if isinstance(self.signing, KeySigning) else None}


def clear(output: Path, places: Sequence[Path]) -> None:
    """Remove an older summary. Raises `policy.vsa_output` for another file, and for a place that is the model's."""
    where = shown(str(output), 400)
    if any(lies_in(output, place) for place in places):
        raise ModelProvenanceError("policy.vsa_output", "it would lie in the model or its evidence", location=where)
    try:
        if not os.path.lexists(output):
            return
        if output.is_symlink() or not output.is_file() or not _is_summary(output):
            raise ModelProvenanceError("policy.vsa_output", "something else than a summary lies there", location=where)
        output.unlink()
    except OSError as error:
        raise failure(error, str(output), doing="remove") from error


def verify_and_vouch(
    request: VerifyRequest, vouching: Vouching, progress: Callable[[int, int], None] | None = None
) -> Report:
    """`verify` with a policy; a PASS is written as PASSED, a FAIL as FAILED. What did not verify has no summary at all."""
    refuse_planted({**trust_inputs(request), **vouching.inputs()}, untrusted(request))
    if request.policy is None:
        raise ModelProvenanceError("usage.invalid", "--vsa says nothing without --policy", remedy="Add the policy.")
    if not _URI.fullmatch(vouching.verifier_id):
        what = f"--verifier-id `{shown(vouching.verifier_id, 120)}` is not a URI"
        raise ModelProvenanceError(
            "usage.invalid", what, remedy="Name the verifier, e.g. https://example.com/model-gate."
        )
    prepared = _prepared(vouching)
    asked = given(request, request.policy, trust_of(request))
    report = checked(request, progress, asked)
    if report.verified is None:
        return report
    considered = asked.consider(report)
    final = with_decision(report, considered.decision)
    if final.result is not Result.ERROR:
        _write(vouching, prepared, considered, asked)
    return final


def _prepared(vouching: Vouching) -> Prepared:
    prepared = prepare(vouching.signing, vouching.env)
    if prepared.identity is not None:
        from model_provenance.context.collect import collect  # noqa: PLC0415 - only keyless
        from model_provenance.context.gates import check_may_sign, check_privacy  # noqa: PLC0415

        context, _ = collect(Path.cwd(), env=vouching.env, identity=prepared.identity)
        check_may_sign(context)
        check_privacy(context, private_instance=prepared.private, allow_public_log=prepared.allow_public_log)
    return prepared


def _write(vouching: Vouching, prepared: Prepared, considered: Considered, asked: Given) -> None:
    verified = considered.verified
    if verified.scope is not Scope.RELEASE or considered.resource is None:
        what = "only the verification of a whole release can be vouched for"
        raise ModelProvenanceError("policy.vsa", what, remedy="Verify with the evidence, or without --vsa.")
    statement = vsa_statement(_made(vouching.verifier_id, considered, considered.resource, asked))
    [bundle] = prepared.signer.sign([statement])
    signer = prepared.signer.identity
    if (signer.subject, signer.issuer) == (verified.signer.subject, verified.signer.issuer):
        # Nobody would accept it: who releases a model does not say himself that it is good (design, 4.4.4).
        raise ModelProvenanceError(
            "policy.vsa",
            "the summary would be signed by who released the model",
            remedy="Sign it with another key, or in another workflow, than the release.",
        )
    folder.write(vouching.output.parent, vouching.output.name, bundle.data)


def _made(verifier_id: str, considered: Considered, resource: str, asked: Given) -> Made:
    verified, decision = considered.verified, considered.decision
    return Made(
        verifier_id=verifier_id,
        resource_uri=resource,
        policy=decision.policy,
        policy_digest=decision.policy_digest,
        passed=decision.result is Result.PASS,
        levels=_levels(verified, asked.policy, decision),
        verified_at=decision.decided_at,
        subjects=verified.subjects,
        files_digest=files_digest(verified.files),
        released_by=verified.signer,
        gates={answer.gate: answer.verdict.value for answer in decision.answers},
        inputs=tuple(dict.fromkeys(_inputs(considered, asked))),
        dependency_levels=_dependencies(verified, considered.lineage),
    )


def _levels(verified: Verified, policy: Policy, decision: Decision) -> tuple[str, ...]:
    """One level of the build track, and a word of ours for each gate that holds or was waived."""
    level = level_of(policy, verified)
    told = (Verdict.PASS, Verdict.WAIVED)
    words = (f"MODELPROV_{a.gate.upper()}_{a.verdict.value}" for a in decision.answers if a.verdict in told)
    return (UNEVALUATED if level is None else f"SLSA_BUILD_LEVEL_{level}", *words)


def _inputs(considered: Considered, asked: Given) -> list[tuple[str, Digest]]:
    """Every attestation that was used: SLSA wants all of them or none. Of a status list it is the signed statement."""
    snapshot = asked.status.snapshot if isinstance(asked.status, Status) else None
    status = [] if snapshot is None else [(f"status list {snapshot.list} {snapshot.seq}", snapshot.digest)]
    waivers = [(f"waiver of {w.gate}", w.bundle) for w in asked.waivers if w.bundle is not None]
    summaries = [("vsa", summary.digest) for summary in asked.summaries if summary.digest is not None]
    bases = [entry for ancestor in considered.lineage for entry in ancestor.attestations]
    return [*considered.verified.attestations, *waivers, *summaries, *bases, *status]


def _dependencies(verified: Verified, lineage: Lineage) -> Mapping[str, int] | None:
    """Base models and datasets, theirs too, each once. None, no claim, where the manifest speaks of neither."""
    if not verified.manifest.get("datasets") and not bases_of(verified.manifest):
        return None
    models = {
        str(ancestor.digest or ancestor.name): UNEVALUATED
        if ancestor.slsa_level is None
        else f"SLSA_BUILD_LEVEL_{ancestor.slsa_level}"
        for ancestor in lineage
    }
    datasets = {
        str(dataset.get("digest", dataset["name"])): "MODELPROV_DATASET_DIGEST"
        if "digest" in dataset
        else "MODELPROV_DATASET_NAME"
        for manifest in (verified.manifest, *(ancestor.manifest for ancestor in lineage))
        for dataset in manifest.get("datasets", ())
    }
    counts: dict[str, int] = {}
    for level in (*models.values(), *datasets.values()):
        counts[level] = counts.get(level, 0) + 1
    return counts


def _is_summary(path: Path) -> bool:
    try:
        content = parse_bundle(read_bounded(path, BUNDLE_LIMIT)).content
        return isinstance(content, Envelope) and parse(content.payload).predicate_type == Predicate.VSA
    except ModelProvenanceError:
        return False
