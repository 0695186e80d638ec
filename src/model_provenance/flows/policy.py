"""Policies from disk, the signer that one names, and its decision over a verification."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from model_provenance.domain.admission import Omission
from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate
from model_provenance.domain.finding import Finding, failed, undecided, warned
from model_provenance.domain.lineage import Lineage
from model_provenance.domain.policy import Answer, Decision, Verdict, Waiver
from model_provenance.domain.result import Result
from model_provenance.domain.status import Status
from model_provenance.domain.summary import Summary
from model_provenance.domain.text import shown
from model_provenance.domain.verification import EvidenceFiles, Report, SignerExpectation, Trust, Verified
from model_provenance.errors import Exit, ModelProvenanceError
from model_provenance.flows import folder
from model_provenance.flows.claimed import claimed
from model_provenance.flows.files import read_file
from model_provenance.flows.lineage import BaseEvidence, trace
from model_provenance.flows.places import refuse_planted
from model_provenance.flows.signing import KeySigning, prepare
from model_provenance.formats.load_located import SIZE_LIMIT
from model_provenance.formats.vsa import resource_of
from model_provenance.formats.waiver import parse_waiver, waiver_statement
from model_provenance.policy.document import PROFILES, Policy, parse, profile
from model_provenance.policy.evaluate import evaluate
from model_provenance.policy.gates import GATES, HATCHES, revocation
from model_provenance.policy.hatches import is_id
from model_provenance.policy.outside import Outside, Programs
from model_provenance.policy.waiving import NEVER
from model_provenance.verify.statement import verify_statement


def load_policy(name: str, *, decided_about: Sequence[Path] = (), option: str = "--policy") -> Policy:
    """A profile by its name, else a file. Raises `policy.place` for one that lies in what it is to decide about."""
    if name in PROFILES:
        return profile(name)
    path = Path(name)
    data = _read(path, decided_about, option)
    return parse(data, path.name, lambda other: _named(path.parent / other, decided_about))


def checked_policy(name: str, programs: Programs) -> Policy:
    """The same, with every CEL rule and module of Rego read by its engine; raises what `cel` and `opa` raise."""
    policy = load_policy(name, option="FILE")
    if policy.rules:
        from model_provenance.policy.cel import compiled  # noqa: PLC0415 - only where there are rules

        for rule, why in compiled(policy.rules, programs.env).items():
            raise ModelProvenanceError("policy.invalid", f"the CEL rule {rule} cannot be read: {why}", location=name)
    for module in policy.rego or ():
        from model_provenance.policy.opa import refuse_unreadable  # noqa: PLC0415 - only where there are modules

        refuse_unreadable(module, programs)
    return policy


def exported(name: str, to: str, repositories: Sequence[str], *, now: int) -> tuple[str, tuple[Omission, ...]]:
    """The policy for an admission controller, and what it leaves out. Raises `policy.export` where it would keep nobody out."""
    from model_provenance.formats.kyverno import image_validating_policy  # noqa: PLC0415 - only here
    from model_provenance.formats.policy_controller import cluster_image_policy  # noqa: PLC0415
    from model_provenance.policy.export import admission  # noqa: PLC0415

    kyverno = to == "kyverno"
    found = admission(load_policy(name, option="FILE"), repositories, keys=kyverno, now=now)
    return (image_validating_policy if kyverno else cluster_image_policy)(found), found.omissions


def policy_signer(policy: Policy, evidence: EvidenceFiles) -> SignerExpectation | None:
    """What to verify with, where the policy names who may sign; of several the one that the evidence claims to be by.

    A claim chooses only which expectation is verified: every one of them is the policy's own.
    """
    return claimed(policy.signers, evidence.bundles) if policy.signers else None


@dataclass(frozen=True, slots=True)
class Given:
    """What was given for a policy beside the evidence of the release; signatures of waivers and summaries are verified."""

    policy: Policy
    #: Unix seconds at which it decides.
    now: int
    waivers: tuple[Waiver, ...]
    summaries: tuple[Summary, ...]
    bases: tuple[BaseEvidence, ...]
    trust: Trust
    #: What a summary must call the model; None for its package URL.
    resource: str | None = None
    #: The status list, or why it cannot be used, which the gate says beside the other gates; None where none was given.
    status: Status | ModelProvenanceError | None = None
    #: Which `opa` may evaluate the policy's Rego.
    programs: Programs = field(default_factory=Programs)

    def consider(self, report: Report) -> Considered:
        """Trace the ancestors and decide; raises `TypeError` for a report of what did not verify."""
        verified = report.verified
        if verified is None:
            msg = "a policy decides over what has been verified, and nothing else"
            raise TypeError(msg)
        lineage = trace(verified, self.policy, self.bases, self.summaries, self.trust)
        resource = self.resource or _resource(verified)
        decision = evaluate(
            verified,
            self.policy,
            now=self.now,
            waivers=self.waivers,
            lineage=lineage,
            summaries=self.summaries,
            resource=resource,
            status=self.status,
            outside=Outside(report, self.programs),
        )
        return Considered(verified, lineage, resource, decision)


@dataclass(frozen=True, slots=True)
class Considered:
    """A decision, with all that it was made over."""

    verified: Verified
    lineage: Lineage
    resource: str | None
    decision: Decision


def _resource(verified: Verified) -> str | None:
    name, version = verified.manifest.get("model_name"), verified.manifest.get("version")
    return resource_of(name, version) if isinstance(name, str) and isinstance(version, str) else None


def read_waivers(paths: Sequence[Path], policy: Policy, trust: Trust) -> tuple[Waiver, ...]:
    """Waivers whose signature is by an approver of the policy; raises `policy.waiver` for any other."""
    found = []
    for path in paths:
        if not policy.approvers:
            message = f"the policy {shown(policy.name, 80)} names nobody who may waive"
            raise ModelProvenanceError("policy.waiver", message, location=shown(str(path), 400))
        data = read_file(path, option="--waiver", limit=SIZE_LIMIT)
        expected = claimed(policy.approvers, [(path.name, data)])
        statement, signer = verify_statement(data, Predicate.WAIVER, expected, trust, code="policy.waiver")
        found.append(replace(parse_waiver(statement), signer=signer, bundle=Digest.of(data)))
    return tuple(found)


def waive(waiver: Waiver, *, output: Path, signing: KeySigning) -> None:
    """Sign a waiver and write its bundle."""
    _refuse_no_gate(waiver.gate)
    statement = waiver_statement(waiver)
    [signed] = prepare(signing, {}).signer.sign([statement])
    folder.write(output.parent, output.name, signed.data)


def _refuse_no_gate(gate: str) -> None:
    """A waiver that could never count is not signed: whoever asked for it would wait for nothing."""
    named, slash, part = gate.partition("/")
    known = [g.id for g in GATES if g.id not in (*NEVER, *HATCHES)]
    if gate in known or (slash and named in HATCHES and is_id(part)):
        return
    why = "cannot be waived" if gate in NEVER else "is none that can be waived"
    raise ModelProvenanceError(
        "policy.waiver",
        f"the gate `{shown(gate, 80)}` {why}",
        remedy=f"Name one of {', '.join(known)}, or one rule as rules/ID or rego/ID.",
    )


def with_decision(report: Report, decision: Decision) -> Report:
    """The report of what was verified, as the policy has it."""
    findings = (*report.findings, *_findings(decision))
    if decision.result is Result.PASS:
        return replace(report, findings=findings, decision=decision)
    return replace(
        report,
        result=decision.result,
        exit_status=int(_exit_of(decision)),
        findings=findings,
        verified=None,
        decision=decision,
    )


def _exit_of(decision: Decision) -> Exit:
    """A revocation has a status of its own: who operates a model does something else about it than about a licence."""
    if decision.result is not Result.FAIL:
        return Exit.UNDECIDED
    failing = {answer.gate for answer in decision.answers if answer.verdict is Verdict.FAIL}
    return Exit.REVOKED if revocation.GATE_ID in failing else Exit.POLICY


def _findings(decision: Decision) -> Iterator[Finding]:
    """What asks for something to be done."""
    for answer in decision.answers:
        if answer.verdict is Verdict.FAIL:
            code = "status.revoked" if answer.gate == revocation.GATE_ID else "policy.denied"
            yield failed(code, _sentence(answer), remedy=answer.fix, location=answer.gate)
        elif answer.verdict is Verdict.ERROR:
            yield undecided("policy.undecided", _sentence(answer), remedy=answer.fix, location=answer.gate)
        elif answer.verdict is Verdict.WAIVED:
            yield warned("policy.waived", _sentence(answer), remedy=answer.fix, location=answer.gate)
        elif answer.verdict is Verdict.WARN:
            yield warned("policy.warning", _sentence(answer), remedy=answer.fix, location=answer.gate)


def _sentence(answer: Answer) -> str:
    return f"{answer.what}: {answer.why}"


def _named(path: Path, decided_about: Sequence[Path]) -> bytes:
    """A file that the policy names: a key, a module, what it extends."""
    try:
        return _read(path, decided_about, "the policy")
    except ModelProvenanceError as error:
        if error.code != "usage.invalid":
            raise
        message = "the policy names a file that is not there, is a folder or is too large"
        raise ModelProvenanceError("policy.invalid", message, location=shown(str(path), 400)) from error


def _read(path: Path, decided_about: Sequence[Path], option: str) -> bytes:
    refuse_planted({"--policy": path}, decided_about)
    return read_file(path, option=option, limit=SIZE_LIMIT)
