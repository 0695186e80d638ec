"""`release` and `verify` as each kind of CI job, against the real servers and, the same, against the simulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.interop.releasing import ENTERPRISE_SERVER, ENVIRONMENT, JOBS, PUSH, REUSABLE, Job, Released, release
from tests.interop.stack import REKOR_PREVIOUS, Stack


@pytest.mark.matrix("runs", "release and verify, {job}", "{sigstore}")
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name.replace(" ", "-"))
def test_a_release_verifies_as_the_job_that_made_it(released: Callable[[Job], Released], job: Job) -> None:
    """With six bundles under one certificate; the level is what the certificate supports."""
    made = released(job)
    report = made.verify()
    assert report["result"] == "PASS", report["findings"]
    assert report["slsa_level"] == job.level, report["slsa_reasons"]
    assert len(report["log_entries"]) == 6


OTHERS = {
    "another repository": ("github:acme/other#718293041", "signer.repository"),
    "another number of the repository": ("github:acme/minilm#1", "signer.repository_id"),
    "another workflow": ("github:acme/minilm/.github/workflows/other.yml", "signer.workflow"),
    "another branch": ("github:acme/minilm@refs/heads/develop", "signer.ref"),
    "a tag of the branch's name": ("github:acme/minilm@refs/tags/main", "signer.ref"),
    "another service": ("gitlab:acme/minilm", "signer.issuer"),
}


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: other.replace(" ", "-"))
def test_another_signer_is_refused_by_the_field_that_differs(released: Callable[[Job], Released], other: str) -> None:
    """The finding names what is not as expected."""
    signer, code = OTHERS[other]
    report = released(PUSH).verify(signer=signer)
    assert report["result"] == "FAIL"
    assert code in errors(report), errors(report)


def test_a_reusable_workflow_signs_for_a_repository_only_when_it_is_named(released: Callable[[Job], Released]) -> None:
    """Without `--builder` the certificate's subject is not the repository's own workflow."""
    made = released(REUSABLE)
    alone = Released(made.folder, made.model, made.root, Job("", "github", REUSABLE.signer), made.env)
    report = alone.verify()
    assert report["result"] == "FAIL"
    assert "signer.builder" in errors(report), errors(report)


def test_an_enterprise_server_is_not_github_com(released: Callable[[Job], Released]) -> None:
    """Its jobs are none of github.com's, nor those of another server, nor the other way round."""
    plain, other = Job("", "github", PUSH.signer), "https://github.other.example/_services/token"
    strangers = (plain, replace(plain, expected=("--certificate-oidc-issuer", other)))
    for made, jobs in ((released(ENTERPRISE_SERVER), strangers), (released(PUSH), (ENTERPRISE_SERVER,))):
        for job in jobs:
            report = replace(made, job=job).verify()
            assert (report["result"], report["exit_status"]) == ("FAIL", 10)
            assert {"signer.issuer", "signer.repository"} <= errors(report), errors(report)


def test_another_environment_is_refused(released: Callable[[Job], Released]) -> None:
    """A run that was not approved for it, and one without any."""
    for made in (released(ENVIRONMENT), released(PUSH)):
        job = Job("", "github", PUSH.signer, expected=("--environment", "staging"))
        report = Released(made.folder, made.model, made.root, job, made.env).verify()
        assert errors(report) == {"signer.environment"}


def test_the_previous_rekor_takes_and_proves_entries(stack: Stack, tmp_path: Path) -> None:
    """A shard of the minor version before, in the same trusted root."""
    made = release(stack, tmp_path, PUSH, trust_config=stack.trust_config_for(REKOR_PREVIOUS))
    report = made.verify()
    assert report["result"] == "PASS", report["findings"]


def test_a_changed_weight_is_refused(released: Callable[[Job], Released], tmp_path: Path) -> None:
    """And named."""
    import shutil

    made = released(PUSH)
    changed = shutil.copytree(made.model, tmp_path / "model")
    with (changed / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x01")
    report = Released(made.folder, changed, made.root, made.job, made.env).verify()
    assert report["result"] == "FAIL"
    assert any("model.safetensors" in f.get("location", "") + f["message"] for f in report["findings"])


def errors(report: dict[str, Any]) -> set[str]:
    """Codes of what failed."""
    return {finding["id"] for finding in report["findings"] if finding["severity"] == "error"}
