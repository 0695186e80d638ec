"""The gate of a deployment: `verify` with the inputs of a CI job. It has no dry run and takes nothing less than a release."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from model_provenance.domain.result import Result
from model_provenance.domain.verification import Report, Scope
from model_provenance.errors import Exit, ModelProvenanceError
from model_provenance.flows.ci_surface import report_error, set_verdict, this_run, warn, write_reports
from model_provenance.flows.ci_words import findings_of_a_job
from model_provenance.flows.expectation import SignerOptions
from model_provenance.flows.inputs import Inputs
from model_provenance.flows.places import places
from model_provenance.flows.policy import load_policy
from model_provenance.flows.tree_heads import open_heads
from model_provenance.flows.verify import VerifyRequest, verify
from model_provenance.flows.written import WrittenInputs
from model_provenance.oci.access import Access
from model_provenance.oci.reference import Reference
from model_provenance.policy.document import Policy
from model_provenance.report import github
from model_provenance.report.text import report_text
from model_provenance.report.verification import verify_summary


def verify_job(env: Mapping[str, str], written: WrittenInputs | None = None) -> int:
    """Run the gate. The runner has `result=ERROR` since before the installation; the verdict is written last."""
    start = time.perf_counter()
    try:
        this_run(env)
        env = env if written is None else written.over(env)
        request = _request(Inputs(env), env)
        report = verify(request)
        report = replace(report, findings=findings_of_a_job(report.findings, env))
    except ModelProvenanceError as error:
        return report_error(env, error)
    target = str(request.target)
    seconds = time.perf_counter() - start
    sys.stdout.write(github.inert(report_text(report, target=target, colour=False, seconds=seconds)))
    sys.stdout.flush()
    try:
        github.annotate(report.findings)
        write_reports(env, report.findings)
        github.append_summary(env, verify_summary(report, target=target))
        # Evidence alone is no release (design, 4.4.4): no input can ask for it, and if one could, it would not pass here.
        if report.result is Result.PASS and report.scope is not Scope.RELEASE:
            set_verdict(env, {}, Result.ERROR.value)
            return int(Exit.UNDECIDED)
        set_verdict(env, verify_outputs(report), report.result.value)
    except ModelProvenanceError as error:
        return report_error(env, error)
    return report.exit_status


def verify_outputs(report: Report) -> dict[str, str]:
    """The outputs of a gate that passed, but for `result`; of one that did not there are none to use by mistake."""
    verified = report.verified
    if verified is None:
        return {}
    return {
        "reference": report.reference or "",
        "digest": "" if verified.package_digest is None else str(verified.package_digest),
        "model-digest": "" if verified.model_digest is None else str(verified.model_digest),
        "slsa-level": "" if report.slsa_level is None else str(report.slsa_level),
    }


def _request(inputs: Inputs, env: Mapping[str, str]) -> VerifyRequest:
    model, reference = inputs.path("model"), inputs.text("reference")
    if (model is None) == (reference is None):
        raise ModelProvenanceError("ci.input", "give one of the inputs `model` and `reference`")
    name, version, digest = inputs.text("name"), inputs.text("version"), inputs.text("digest")
    if digest is None and reference is not None:
        pinned = Reference.parse(reference).digest
        digest = None if pinned is None else str(pinned)
    if name is None or (version is None and digest is None):
        raise _unpinned("`name` is missing" if name is None else "neither `version` nor `digest` is given")
    token = inputs.text("github-token")
    target, evidence = Path(reference or "") if model is None else model, inputs.path("evidence")
    bases = tuple(map(Path, inputs.lines("base-evidence")))
    access = Access({**env, "GITHUB_TOKEN": token} if token else env, on_warning=warn)
    return VerifyRequest(
        target=target,
        signer=SignerOptions(
            key=inputs.path("key"),
            signer=inputs.text("signer"),
            builder=inputs.text("builder"),
            certificate_oidc_issuer=inputs.text("certificate-oidc-issuer"),
            allow_events=inputs.lines("allow-event"),
        ),
        evidence=evidence,
        name=name,
        version=version,
        digest=digest,
        require=inputs.text("require"),
        policy=_policy(inputs, places(target, (evidence, *bases))),
        waivers=tuple(map(Path, inputs.lines("waiver"))),
        base_evidence=bases,
        summaries=tuple(map(Path, inputs.lines("accept-vsa"))),
        env=env,
        log_heads=open_heads(None, env),
        opa=inputs.path("opa"),
        status_list=inputs.text("status-list"),
        # A registry with the list is reached with the logins of the job, wherever the model lies.
        status_access=access,
        trust_config=inputs.path("trust-config"),
        reference=reference,
        access=None if reference is None else access,
    )


def _policy(inputs: Inputs, untrusted: Sequence[Path]) -> Policy | None:
    """The policy of the deploying repository; never one that came with the model or its evidence."""
    name = inputs.text("policy")
    return None if name is None else load_policy(name, decided_about=untrusted)


def _unpinned(why: str) -> ModelProvenanceError:
    """A gate that lets any release of a signer through is none: an old one with known faults would pass (design, 4.4.1)."""
    return ModelProvenanceError("ci.unpinned", f"the gate does not know which release to let through: {why}")
