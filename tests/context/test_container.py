"""The digest of the job's container, and how it is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.context.container import Container, container_of
from model_provenance.context.run import run_of
from model_provenance.context.workflow_file import container_image
from model_provenance.domain.context import Known
from model_provenance.domain.finding import Severity
from model_provenance.errors import ModelProvenanceError
from model_provenance.testing.github_run import GitHubRun
from model_provenance.testing.gitlab_run import GitLabRun

DIGEST = "sha256:" + "ab" * 32
IMAGE = f"ghcr.io/acme/train:1.2@{DIGEST}"


def _workflow(container: str) -> bytes:
    return (
        f"on: push\njobs:\n  other:\n    container: x\n  release:\n    runs-on: ubuntu-latest\n{container}\n".encode()
    )


def _github(
    github_env: Callable[..., dict[str, str]], file: bytes | None, job: GitHubRun | None = None, **claims: str
) -> tuple[Container, list[tuple[str, str, int]]]:
    asked: list[tuple[str, str, int]] = []

    def blob(commit: str, path: str, limit: int) -> bytes | None:
        asked.append((commit, path, limit))
        return file

    job = job or GitHubRun()
    env = github_env(job)
    return container_of(None, run_of(env), {**job.claims(), **claims}, env, blob), asked


@pytest.mark.parametrize(
    "container", [f"    container: {IMAGE}", f"    container:\n      image: {IMAGE}\n      env: {{A: b}}"]
)
def test_a_pinned_container_of_the_workflow_file_is_observed(
    github_env: Callable[..., dict[str, str]], container: str
) -> None:
    """The file as git has it at the token's commit, this job, both ways to write it."""
    found, asked = _github(github_env, _workflow(container))
    assert (found.digest.value, found.digest.known, found.image) == (DIGEST, Known.OBSERVED, "ghcr.io/acme/train:1.2")
    assert "release.yml" in found.digest.source
    assert asked[0][:2] == (GitHubRun().sha, ".github/workflows/release.yml")
    assert found.findings == ()


@pytest.mark.parametrize(
    "container",
    [
        "    container: ghcr.io/acme/train:1.2",
        "    container: ${{ matrix.image }}",
        "    container: ghcr.io/acme/train@${{ inputs.digest }}",
        f"    container: ghcr.io/acme/train@{DIGEST[:-1]}",
        f"    container: '{IMAGE} '",
        f"    container: {IMAGE}\n    container: {IMAGE}",
        f"    container: [{IMAGE}]",
        f"    container: {{image: {{x: {IMAGE}}}}}",
        "",
    ],
)
def test_what_is_not_pinned_is_unknown_with_the_line_to_write(
    github_env: Callable[..., dict[str, str]], container: str
) -> None:
    """A tag, an expression or a job without container is not guessed at."""
    found, _ = _github(github_env, _workflow(container))
    assert (found.digest.value, found.digest.known) == (None, Known.UNKNOWN)
    (finding,) = found.findings
    assert finding.id == "context.container_unknown"
    assert "release:\n      container: REGISTRY/IMAGE@sha256:DIGEST" in finding.remedy


@pytest.mark.parametrize(
    "claims",
    [
        {"job_workflow_ref": "acme/minilm/../../etc/passwd@refs/heads/main"},
        {"job_workflow_ref": "acme/minilm/.github/workflows/../../x.yml@refs/heads/main"},
        {"job_workflow_ref": "acme/minilm/.github/workflows/x.yml"},
        {"job_workflow_ref": "acme/builders/.github/workflows/build.yml@refs/tags/v1"},
        {"job_workflow_ref": ""},
        {"job_workflow_sha": "main"},
        {"job_workflow_sha": ""},
    ],
)
def test_a_workflow_that_is_not_a_file_of_this_repository_is_not_read(
    github_env: Callable[..., dict[str, str]], claims: dict[str, str]
) -> None:
    """Paths out of the folder and files of other repositories never reach git."""
    found, asked = _github(github_env, _workflow(f"    container: {IMAGE}"), None, **claims)
    assert found.digest.value is None
    assert asked == []


def test_a_job_of_a_reusable_workflow_is_looked_up_where_it_stands(github_env: Callable[..., dict[str, str]]) -> None:
    """GITHUB_JOB is a job of the called file, at the called commit."""
    ref = "acme/minilm/.github/workflows/build.yml@refs/heads/a@b"
    _, asked = _github(github_env, None, GitHubRun(job_workflow_ref=ref, job_workflow_sha="c" * 40))
    assert asked[0][:2] == ("c" * 40, ".github/workflows/build.yml")


def test_without_a_token_or_a_checkout_the_container_is_unknown(github_env: Callable[..., dict[str, str]]) -> None:
    """The environment names the caller's file, which may have a job of the same name."""
    env = github_env(GitHubRun())
    assert container_of(None, run_of(env), {}, env, lambda *_: _workflow(f"    container: {IMAGE}")).image is None
    assert container_of(None, run_of(env), GitHubRun().claims(), env, None).digest.value is None


def test_gitlab_says_the_image_itself(gitlab_env: Callable[..., dict[str, str]]) -> None:
    """CI_JOB_IMAGE, when it is pinned."""
    for image, value in ((IMAGE, DIGEST), ("python:3.12", None), ("", None)):
        env = gitlab_env(GitLabRun(image=image))
        found = container_of(None, run_of(env), {}, env, None)
        assert found.digest.value == value
        assert bool(found.findings) is (value is None)
        assert all("image: REGISTRY/IMAGE@sha256:DIGEST" in finding.remedy for finding in found.findings)


@pytest.mark.parametrize(("given", "image"), [(DIGEST, None), (IMAGE, "ghcr.io/acme/train:1.2")])
def test_what_is_given_comes_first_and_is_declared(
    github_env: Callable[..., dict[str, str]], given: str, image: str | None
) -> None:
    """A person's word is recorded as a person's word."""
    env = github_env(GitHubRun())
    found = container_of(given, run_of(env), {}, env, None)
    assert (found.digest.value, found.digest.known, found.image) == (DIGEST, Known.DECLARED, image)


@pytest.mark.parametrize(
    "given", ["", "latest", "sha256:abc", DIGEST.upper(), DIGEST + "\n", "x@" + DIGEST + "0", f"a b@{DIGEST}"]
)
def test_what_is_given_must_be_a_digest(given: str) -> None:
    """A tag is not a digest."""
    with pytest.raises(ModelProvenanceError) as caught:
        container_of(given, None, {}, {}, None)
    assert (caught.value.code, caught.value.exit_status) == ("context.container_form", 2)


def test_outside_ci_the_unknown_container_is_only_noted() -> None:
    """A person's machine is no container; no warning for that."""
    found = container_of(None, None, {}, {}, None)
    assert found.findings[0].severity is Severity.INFO


def test_aliases_are_followed_and_cannot_blow_up() -> None:
    """GitHub knows anchors; a file that multiplies itself by them costs what it is long."""
    text = b"x: &i {image: a@b}\njobs:\n  j:\n    container: *i\n"
    assert container_image(text, "j") == "a@b"
    bomb = b"a0: &a0 [x]\n" + b"".join(
        b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 40)
    )
    merge = b"m0: &m0 {k: v}\n" + b"".join(
        b"m%d: &m%d {<<: [%s]}\n" % (n, n, b",".join([b"*m%d" % (n - 1)] * 9)) for n in range(1, 40)
    )
    assert container_image(bomb + merge + b"jobs: {j: {container: c}}\n", "j") == "c"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe\x00",
        b"[" * 200_000,
        b"a: *missing",
        b"--- a\n--- b\n",
        b"jobs: [j]",
        b"!!python/object:os.system x",
        b"\x00",
        b'"\\UFFFFFFFF"',
    ],
)
def test_a_file_that_is_no_workflow_says_nothing(text: bytes) -> None:
    """Whatever git holds under that name, reading it neither fails nor runs anything."""
    assert container_image(text, "j") is None


@given(st.binary(max_size=200) | st.text(alphabet="jobs: \n{}[]*&!<-|>'\"#%@", max_size=200).map(str.encode))
def test_any_bytes_are_read(text: bytes) -> None:
    """No file makes the reader fail."""
    found: Any = container_image(text, "j")
    assert found is None or isinstance(found, str)
