"""From a runner's environment to a signing token, with the simulated CI's real endpoints and real tokens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from model_provenance.context.collect import collect
from model_provenance.context.gates import check_may_sign, check_privacy
from model_provenance.context.tokens import find_token_source, identify, signing_token
from model_provenance.domain.context import Provider
from model_provenance.errors import ModelProvenanceError
from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim


@pytest.fixture(scope="module")
def sim() -> Iterator[SigstoreSim]:
    """One running simulator."""
    with SigstoreSim() as running:
        yield running


@pytest.mark.parametrize("job", [RunnerEnv.github, RunnerEnv.gitlab])
def test_a_job_finds_its_identity_and_may_sign(sim: SigstoreSim, checkout: Any, job: Callable[..., RunnerEnv]) -> None:
    """Source, identity, context, both gates, then the token: the order of a keyless release."""
    paths = {"GITHUB_WORKSPACE": str(checkout.root), "CI_PROJECT_DIR": str(checkout.root)}
    env = job(sim, sha=checkout.git("rev-parse", "HEAD"), variables=paths)
    source, now = find_token_source(env), int(time.time())
    identity = identify(source, now=now)
    context, _ = collect(checkout.root / "model", env=env, identity=identity)
    check_may_sign(context)
    check_privacy(context, private_instance=False, allow_public_log=False)
    assert context.provider is not Provider.LOCAL
    assert context.run is not None
    assert context.run.builder_uri is not None
    assert signing_token(source, identity, now=now).count(".") == 2


def test_a_job_whose_variables_were_changed_does_not_sign(sim: SigstoreSim, tmp_path: Path) -> None:
    """A step that exports another repository's name does not get its release signed under it."""
    env = RunnerEnv.github(sim, variables={"GITHUB_REPOSITORY": "acme/other", "GITHUB_WORKSPACE": str(tmp_path)})
    identity = identify(find_token_source(env), now=int(time.time()))
    with pytest.raises(ModelProvenanceError) as caught:
        collect(tmp_path, env=env, identity=identity)
    assert caught.value.code == "context.token_mismatch"
