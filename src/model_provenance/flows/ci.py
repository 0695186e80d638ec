"""The CI jobs: inputs from the environment, `release` with the defaults of CI, outputs and summary to the runner."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from model_provenance.context.gates import dry_run_reason
from model_provenance.context.github import event_of
from model_provenance.describe.sbom.build import formats_of
from model_provenance.describe.sbom.syft import Engine
from model_provenance.domain.context import CiRun, Provider
from model_provenance.domain.finding import Finding, Severity
from model_provenance.domain.names import ModelName, Version
from model_provenance.domain.package import Layout
from model_provenance.domain.receipt import Receipt, ReleaseResult
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.ci_artifacts import declare_artifacts
from model_provenance.flows.ci_check import CheckRun
from model_provenance.flows.ci_surface import (
    ANNOTATIONS,
    finding_of,
    report_error,
    set_verdict,
    this_run,
    warn,
    write_reports,
)
from model_provenance.flows.ci_words import error_of_a_job, findings_of_a_job
from model_provenance.flows.compare import changes_since, last_release
from model_provenance.flows.inputs import Inputs
from model_provenance.flows.manifest import check_files
from model_provenance.flows.push import PushRequest
from model_provenance.flows.release import release
from model_provenance.flows.request import ReleaseRequest
from model_provenance.flows.signing import KeylessSigning
from model_provenance.flows.written import WrittenInputs
from model_provenance.oci.access import Access
from model_provenance.oci.reference import Reference
from model_provenance.report import github, gitlab
from model_provenance.report.markdown import error_summary
from model_provenance.report.release import next_words, written_release
from model_provenance.report.summary import ReleasePage


def release_job(env: Mapping[str, str], written: WrittenInputs | None = None) -> int:
    """Run the release job. The runner has `result=ERROR` since before the installation; the verdict is written last."""
    job: _Job | None = None
    try:
        env = env if written is None else written.over(env)
        job = _Job(env)
        receipt = release(job.request)
        return job.report(receipt)
    except ModelProvenanceError as error:
        return _failed(env, job, error)


class _Job:
    """One release job: its request, and where it reports to."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env, inputs = env, Inputs(env)
        token = inputs.text("github-token") or env.get("GITHUB_TOKEN")
        run = this_run(env)
        self.check = CheckRun(inputs.text("check-run"), run, env, token)
        self.run_url = run.run_url
        self.model = inputs.text("name") or _default_name(run, inputs)
        self.manifest = inputs.path("manifest")
        # The input takes the place of the variable that registry logins look for; it is in no argument and no log.
        own = {**env, "GITHUB_TOKEN": token} if token else env
        wish = inputs.choice("dry-run", ("auto", "true", "false"), "auto")
        #: Why nothing is signed; None where this run signs.
        self.dry_run = dry_run_reason(run, event_of(env), wish)
        self.check.dry_run = self.dry_run is not None
        self.request = _request(inputs, run, self.model, own, sign=self.dry_run is None)
        last = inputs.text("compare-with")
        access = Access(own, on_warning=warn)
        self.last = None if last is None else last_release(last, access, but=self.request.version)
        self.notes = (
            [] if last is None or self.last else [f"Nothing to compare with: {last} lists no released version."]
        )

    def report(self, receipt: Receipt) -> int:
        """Everything that the runner is told of a release; `result` last."""
        model, folder, env = str(self.request.model), str(self.request.folder), self.env
        receipt = replace(receipt, findings=findings_of_a_job(receipt.findings, env))
        words = next_words(receipt, model=model, folder=folder)
        changes = None if self.last is None else changes_since(self.last, receipt)
        text = written_release(receipt, model=self.request.model, folder=self.request.folder, colour=False)
        why = f"Nothing was signed or pushed: {self.dry_run}.\n" if self.dry_run else ""
        sys.stdout.write(github.inert(why + text))
        sys.stdout.flush()
        github.annotate(receipt.findings)
        plan = self.request.push.tags(self.request.version) if self.dry_run and self.request.push else ()
        page = ReleasePage(receipt, words, changes, why_unsigned=self.dry_run or "", planned=plan, run_url=self.run_url)
        address, note = self.check.release(receipt, summary=page.overview(notes=self.notes), details=page.details())
        github.append_summary(env, page.summary(notes=[*self.notes, *([note] if note else [])]))
        if env.get("GITLAB_CI") == "true":
            ANNOTATIONS.write_bytes(gitlab.links(receipt))
        write_reports(env, receipt.findings, done=f"release {self.model}: {receipt.result.value}")
        for line in declare_artifacts(env, receipt, folder=self.request.folder):
            sys.stdout.write(github.inert(f"Not declared in GITHUB_ARTIFACTS: {line}\n"))
        outputs = {**release_outputs(receipt, folder), "check-url": address}
        set_verdict(env, outputs, receipt.result.value)
        return 0


def _failed(env: Mapping[str, str], job: _Job | None, error: ModelProvenanceError) -> int:
    """The error, and where a manifest is at fault each of its faults on its own line."""
    error = error_of_a_job(error, env)
    faults: tuple[Finding, ...] = ()
    if job is not None and job.manifest is not None and error.code.startswith("manifest."):
        with suppress(ModelProvenanceError):
            faults = tuple(f for f in check_files((job.manifest,), env) if f.severity is Severity.ERROR)
    status = report_error(env, error, faults)
    if job is not None:
        summary = error_summary(error.code, str(error), error.remedy, error.docs)
        job.check.error(job.model, f"ERROR: {error.code}", faults or (finding_of(error),), summary=summary)
    return status


def release_outputs(receipt: Receipt, folder: str) -> dict[str, str]:
    """The outputs of a release job but for `result`. A dry run leaves digests empty, so that nothing can be pinned to it."""
    if receipt.result is not ReleaseResult.SIGNED:
        return {"manifest-path": f"{folder}/model-manifest.json", "sbom-path": f"{folder}/{_first_sbom(receipt)}"}
    provenance = next(bundle for bundle in receipt.bundles if bundle.name == "provenance")
    entry = provenance.log_entries[0] if provenance.log_entries else None
    entries = [
        {"statement": bundle.name, "log_url": item.log_url, "log_index": item.log_index, "entry_url": item.entry_url}
        for bundle in receipt.bundles
        for item in bundle.log_entries
    ]
    return {
        "digest": str(receipt.package.package_digest),
        "model-digest": str(receipt.package.model_digest),
        "files-digest": str(receipt.package.files_digest),
        "reference": next(iter(receipt.references), ""),
        "evidence-path": f"{folder}/evidence",
        "bundle-path": f"{folder}/evidence/provenance.sigstore.json",
        "sbom-path": f"{folder}/{_first_sbom(receipt)}",
        "manifest-path": f"{folder}/model-manifest.json",
        "receipt-path": f"{folder}/receipt.json",
        "log-entries": json.dumps(entries),
        "log-index": "" if entry is None else str(entry.log_index),
        "log-url": "" if entry is None else entry.entry_url or entry.log_url,
        "slsa-level": "" if receipt.slsa_level is None else str(receipt.slsa_level),
    }


def _first_sbom(receipt: Receipt) -> str:
    return str(receipt.manifest.get("sbom", "sbom.spdx.json"))


def _request(inputs: Inputs, run: CiRun, name: str, env: Mapping[str, str], *, sign: bool) -> ReleaseRequest:
    told = github.mask if run.provider is Provider.GITHUB else None
    signing = KeylessSigning(inputs.path("trust-config"), None, inputs.flag("allow-public-log"), told)
    push = inputs.lines("push")
    return ReleaseRequest(
        model=inputs.required_path("model"),
        name=ModelName.parse(name),
        version=Version.parse(inputs.text("version") or _default_version(run)),
        signing=signing if sign else None,
        output=inputs.path("output"),
        layout=Layout(inputs.choice("layout", [layout.value for layout in Layout], "layers")),
        oci_layout=inputs.path("oci-layout"),
        push=PushRequest(push, Access(env, on_warning=warn), inputs.flag("allow-tag-move")) if push else None,
        manifest=inputs.path("manifest"),
        datasets=inputs.lines("dataset"),
        sboms=formats_of(inputs.text("sbom")),
        environment=inputs.path("environment"),
        evaluations=[Path(line) for line in inputs.lines("evaluation")],
        sbom_engine=inputs.choice("sbom-engine", [engine.value for engine in Engine], "auto"),
        allow_symlinks=inputs.flag("allow-symlinks"),
        ignore=inputs.lines("ignore-path"),
        training_commit=inputs.text("training-commit"),
        trained_here=inputs.flag("trained-here"),
        container_digest=inputs.text("container-digest"),
        files_digest=inputs.text("files-digest"),
        env=env,
    )


def _default_name(run: CiRun, inputs: Inputs) -> str:
    """The last segment of the first repository that is pushed to, else the repository's own name, lower case."""
    pushed = next(iter(inputs.lines("push")), None)
    path = run.repository if pushed is None else Reference.parse(pushed).repository
    return path.rpartition("/")[2].lower()


def _default_version(run: CiRun) -> str:
    """The tag without `v`; elsewhere a version that sorts before every release and names the commit."""
    if run.ref.startswith("refs/tags/"):
        tag = run.ref.removeprefix("refs/tags/")
        return tag[1:] if tag[:1] == "v" and tag[1:2].isdigit() else tag
    return f"0.0.0-{run.commit[:12]}"
