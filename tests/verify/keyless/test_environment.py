"""`--environment`: only a run that was given the deployment environment, with whatever approval guards it, may have signed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model_provenance.domain.verification import EvidenceFiles, RepositoryExpectation
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.expectation import SignerOptions, expected_signer
from model_provenance.formats.identity import parse_signer
from model_provenance.testing.github_run import GitHubRun
from model_provenance.testing.gitlab_run import GitLabRun

RUNS = {
    "github": (GitHubRun, "github:acme/minilm#718293041@refs/heads/main"),
    "gitlab": (GitLabRun, "gitlab:acme/models/minilm#48151623@refs/heads/main"),
}


@pytest.fixture
def codes(api: Any, forge: Any, judge_keyless: Callable[..., Any]) -> Callable[..., set[str]]:
    """What fails for a run of an environment, where another is expected."""

    def judge(service: str, environment: str | None, expected: str | None) -> Any:
        make, signer = RUNS[service]
        run = make(environment=environment)
        draft = api.Draft(run=run)
        bundles = forge.release(draft.statements, run.claims())
        return api.failures(judge_keyless(bundles, draft.directory, signer=parse_signer(signer, environment=expected)))

    return judge


@pytest.mark.parametrize("service", RUNS)
def test_the_expected_environment_passes(codes: Any, service: str) -> None:
    """And without an expectation any does."""
    assert codes(service, "production", "production") == set()
    assert codes(service, "production", None) == set()


@pytest.mark.parametrize("service", RUNS)
@pytest.mark.parametrize("environment", ["staging", "Production", "production ", None])
def test_another_environment_is_refused(codes: Any, service: str, environment: str | None) -> None:
    """As is a run without one."""
    assert codes(service, environment, "production") == {"signer.environment"}


def test_the_option_goes_with_a_signer(tmp_path: Path) -> None:
    """With a key it would be ignored, so it is refused."""
    found = expected_signer(SignerOptions(signer=RUNS["github"][1], environment="production"), EvidenceFiles(()))
    assert isinstance(found, RepositoryExpectation)
    assert found.environment == "production"
    with pytest.raises(ModelProvenanceError) as error:
        expected_signer(SignerOptions(key=tmp_path / "k.pub", environment="production"), EvidenceFiles(()))
    assert error.value.code == "usage.invalid"
