"""The CI jobs: inputs from the environment, `release` with the defaults of CI, outputs and summary to the runner."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from model_provenance.context.gates import is_untrusted_pull_request
from model_provenance.context.github import event_of
from model_provenance.context.run import run_of
from model_provenance.domain.context import CiRun
from model_provenance.domain.finding import Finding, Severity, Status
from model_provenance.domain.names import ModelName, Version
from model_provenance.domain.package import Layout
from model_provenance.domain.receipt import Receipt, ReleaseResult
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.inputs import Inputs
from model_provenance.flows.release import ReleaseRequest, release
from model_provenance.flows.signing import KeylessSigning
from model_provenance.report import github, gitlab, markdown
from model_provenance.report.release import verify_words, written_release
from model_provenance.report.text import command_line, error_text

_DOTENV, _ANNOTATIONS = Path("model-provenance.env"), Path("model-provenance-annotations.json")


def release_job(env: Mapping[str, str]) -> int:
    """Run the release job. The runner has `result=ERROR` since before the installation; the verdict is written last."""
    try:
        request = _request(env)
        receipt = release(request)
    except ModelProvenanceError as error:
        _report_error(env, error)
        return int(error.exit_status)
    model, folder = str(request.model), str(request.folder)
    words = verify_words(receipt, target=model, evidence=folder)
    sys.stdout.write(written_release(receipt, model=request.model, folder=request.folder, colour=False))
    github.annotate(receipt.findings)
    github.append_summary(env, markdown.release_summary(receipt, verify_command=command_line(words)))
    outputs = release_outputs(receipt, folder)
    if env.get("GITLAB_CI") == "true":
        _DOTENV.write_bytes(gitlab.dotenv({**outputs, "result": receipt.result.value}))
        _ANNOTATIONS.write_bytes(gitlab.links(receipt))
    github.set_outputs(env, outputs)
    github.set_outputs(env, {"result": receipt.result.value})
    return 0


def release_outputs(receipt: Receipt, folder: str) -> dict[str, str]:
    """The outputs of a release job but for `result`. A dry run leaves digests empty, so that nothing can be pinned to it."""
    if receipt.result is not ReleaseResult.SIGNED:
        return {"manifest-path": f"{folder}/model-manifest.json", "sbom-path": f"{folder}/sbom.spdx.json"}
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
        "evidence-path": f"{folder}/evidence",
        "bundle-path": f"{folder}/evidence/provenance.sigstore.json",
        "sbom-path": f"{folder}/sbom.spdx.json",
        "manifest-path": f"{folder}/model-manifest.json",
        "receipt-path": f"{folder}/receipt.json",
        "log-entries": json.dumps(entries),
        "log-index": "" if entry is None else str(entry.log_index),
        "log-url": "" if entry is None else entry.entry_url or entry.log_url,
        "slsa-level": "" if receipt.slsa_level is None else str(receipt.slsa_level),
    }


def _request(env: Mapping[str, str]) -> ReleaseRequest:
    inputs = Inputs(env)
    run = run_of(env)
    if run is None:
        raise ModelProvenanceError("ci.elsewhere", "this is neither a GitHub Actions job nor a GitLab CI/CD job")
    # A fork's pull request gets no token, and its author cannot change that: show what would be released, unsigned.
    dry_run = is_untrusted_pull_request(run, event_of(env))
    signing = KeylessSigning(inputs.path("trust-config"), None, inputs.flag("allow-public-log"))
    return ReleaseRequest(
        model=inputs.required_path("model"),
        name=ModelName.parse(inputs.text("name") or _default_name(run)),
        version=Version.parse(inputs.text("version") or _default_version(run)),
        signing=None if dry_run else signing,
        output=inputs.path("output"),
        layout=Layout(inputs.text("layout") or "layers"),
        oci_layout=inputs.path("oci-layout"),
        manifest=inputs.path("manifest"),
        sbom_engine=inputs.text("sbom-engine") or "auto",
        allow_symlinks=inputs.flag("allow-symlinks"),
        ignore=inputs.lines("ignore-path"),
        training_commit=inputs.text("training-commit"),
        trained_here=inputs.flag("trained-here"),
        container_digest=inputs.text("container-digest"),
        env=env,
    )


def _default_name(run: CiRun) -> str:
    """The repository's own name, lower case as model names are."""
    return run.repository.rpartition("/")[2].lower()


def _default_version(run: CiRun) -> str:
    """The tag without `v`; elsewhere a version that sorts before every release and names the commit."""
    if run.ref.startswith("refs/tags/"):
        tag = run.ref.removeprefix("refs/tags/")
        return tag[1:] if tag[:1] == "v" and tag[1:2].isdigit() else tag
    return f"0.0.0-{run.commit[:12]}"


def _report_error(env: Mapping[str, str], error: ModelProvenanceError) -> None:
    """The same error in the log, as an annotation and in the summary; none of these may hide it by failing itself."""
    sys.stderr.write(error_text(error, colour=False))
    finding = Finding(error.code, Severity.ERROR, Status.ERROR, error.message, error.remedy, error.location or "")
    if env.get("GITHUB_ACTIONS") == "true":
        github.annotate((finding,))
        github.append_summary(env, markdown.error_summary(error.code, str(error), error.remedy))
    if env.get("GITLAB_CI") == "true":
        _DOTENV.write_bytes(gitlab.dotenv({"result": "ERROR"}))
        _ANNOTATIONS.write_text("{}\n")
