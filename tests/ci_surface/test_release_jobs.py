"""The release job in every kind of run: what it signs, what it refuses, and what the runner is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from model_provenance.testing.github_api import GitHubApi
from model_provenance.testing.github_artifacts import attested, captured
from model_provenance.testing.registry_sim import RegistrySim
from model_provenance.testing.sigstore_sim import SigstoreSim

from .conftest import commit
from .jobs import Step, github, matches_golden, placeholders, run_step

pytestmark = pytest.mark.ci_surface

Release = Callable[..., Step]


@pytest.fixture
def release(repository: Path, sim: SigstoreSim, tmp_path: Path) -> Iterator[Release]:
    """`ci release` in a job described by keywords: `run` for the job, `env` for its variables, the rest are inputs."""
    trust = tmp_path / "trust-config.json"
    trust.write_text(sim.trust_config)

    def call(*, run: dict[str, Any] | None = None, env: dict[str, str] | None = None, **inputs: str) -> Step:
        sha = commit(repository)
        job = github(sim, tmp_path, repository, sha, **(run or {})) | (env or {})
        given = {"model": "model", "trust_config": str(trust), "sbom_engine": "native", **inputs}
        return run_step("release", repository, job, **given)

    yield call
    sim.behave()


def sha_of(repository: Path) -> str:
    """The commit at the head."""
    from .conftest import git

    return git(repository, "rev-parse", "HEAD")


# --- what is signed ---------------------------------------------------------------------------------------------------


def test_a_tag_is_released_under_its_version(release: Release, repository: Path) -> None:
    """A push of `v1.0.0` signs version 1.0.0; summary and outputs are the golden ones."""
    step = release(run={"ref": "refs/tags/v1.0.0"})

    assert step.status == 0, step.log
    assert step.outputs["result"] == "SIGNED"
    assert step.outputs["slsa-level"] == "2"
    matches_golden("tag.summary.md", step.summary, commit=sha_of(repository))
    outputs = {**step.outputs, "log-entries": str(len(json.loads(step.outputs["log-entries"])))}
    outputs |= {"log-index": "N", "log-url": re.sub("logIndex=[0-9]+", "logIndex=N", outputs["log-url"])}
    text = "".join(f"{name}={value}\n" for name, value in outputs.items())
    matches_golden("tag.outputs.txt", text, commit=sha_of(repository))


@pytest.mark.parametrize("event", ["workflow_dispatch", "schedule", "merge_group", "release"])
def test_these_events_sign(event: str, release: Release) -> None:
    """Runs that maintainers or the merge queue start sign under a version that names the commit."""
    step = release(run={"event_name": event})

    assert step.status == 0, step.log
    assert step.outputs["result"] == "SIGNED"
    assert re.search(r"SIGNED: minilm 0\.0\.0-[0-9a-f]{12}", step.summary)


def test_a_pull_request_of_the_repository_itself_signs_only_where_it_was_asked_for(
    release: Release, repository: Path
) -> None:
    """By default it shows what a release would hold and where it would go, needs no identity and sends nothing."""
    with RegistrySim() as registry:
        places = {"push": f"{registry.host}/acme/minilm", "version": "1.0.0"}
        shown = release(run={"event_name": "pull_request", "id_token": False}, **places)
        asked = registry.requests.copy()
        signed = release(run={"event_name": "pull_request"}, dry_run="false", **places)

    assert (shown.outputs["result"], asked) == ("UNSIGNED", [])
    assert "this is a pull request; a run after the merge signs" in shown.summary
    assert f"Would be pushed to | <code>{registry.host}/acme/minilm:1.0.0</code>" in shown.summary
    assert signed.outputs["result"] == "SIGNED", signed.log


def test_a_run_that_was_told_to_signs_nothing(release: Release) -> None:
    """`dry-run: true` on any event: UNSIGNED, no digest, and the reason."""
    step = release(dry_run="true")

    assert (step.status, step.outputs["result"]) == (0, "UNSIGNED")
    assert "digest" not in step.outputs
    assert "the input <code>dry-run</code> is true" in step.summary


def test_a_self_hosted_runner_gets_level_one_and_is_told_why(release: Release) -> None:
    """The SLSA level is derived from the certificate: a runner of one's own cannot claim isolation."""
    step = release(run={"runner_environment": "self-hosted"})

    assert step.outputs["slsa-level"] == "1"
    assert "the runner is self-hosted, not one that the CI service hosts" in step.summary


def test_a_rerun_signs_again_into_another_folder(release: Release) -> None:
    """The second attempt of a run signs the same bytes: equal digests, its own signatures."""
    first = release(version="1.0.0", output="first")
    second = release(version="1.0.0", output="second", run={"run_attempt": "2"})

    assert (first.status, second.status) == (0, 0), second.log
    assert first.outputs["digest"] == second.outputs["digest"]


def test_a_name_with_spaces_and_unicode_in_the_path_is_a_path(release: Release, repository: Path) -> None:
    """Inputs travel as variables: spaces, accents and leading dashes are characters of a path, never options."""
    (repository / "model").rename(repository / "-möd el")

    step = release(model="-möd el", version="1.0.0")

    assert step.status == 0, step.log
    assert "verify './-möd el'" in step.summary or "-möd el" in step.summary


def test_a_release_is_pushed_and_its_reference_is_pinned(release: Release, repository: Path) -> None:
    """With `push` the model is named after the last segment, and the output `reference` holds the digest, not the tag."""
    with RegistrySim() as registry:
        step = release(push=f"{registry.host}/acme/tiny-bert", version="1.0.0")

    assert step.status == 0, step.log
    assert step.outputs["reference"] == f"{registry.host}/acme/tiny-bert@{step.outputs['digest']}"
    assert "SIGNED: tiny-bert 1.0.0" in step.summary


def test_attest_takes_what_was_made_as_its_subjects(release: Release, repository: Path, tmp_path: Path) -> None:
    """The runner reads `$GITHUB_ARTIFACTS` as the archive with its digest, and as the one reference that attest can push to."""
    files, images = tmp_path / "files", tmp_path / "images"
    archived = release(layout="tar", version="1.0.0", env={"GITHUB_ARTIFACTS": str(files)})
    with RegistrySim() as registry:
        host = registry.host
        pushed = release(push=f"{host}/acme/minilm", version="1.0.1", env={"GITHUB_ARTIFACTS": str(images)})

    assert (archived.status, pushed.status) == (0, 0), archived.log + pushed.log
    archive = attested(captured(files.read_text(), repository))
    assert archive == {"minilm-1.0.0.tar": archived.outputs["digest"].removeprefix("sha256:")}
    image = attested(captured(images.read_text(), repository), push_to_registry=True)
    assert image == {f"{host}/acme/minilm": pushed.outputs["digest"].removeprefix("sha256:")}


def test_what_the_runner_would_refuse_is_left_out_and_said(release: Release, repository: Path, tmp_path: Path) -> None:
    """A line that fails the step would make a signed and pushed release red: another digest of the same name, or `=`."""
    artifacts, listed = tmp_path / "artifacts", tmp_path / "listed"
    before = [{"name": "minilm-1.0.0.tar", "digest": "sha256:" + "0" * 64, "kind": "file"}]
    listed.write_text(json.dumps({"version": 1, "subjects": before}))
    runner = {"GITHUB_ARTIFACTS": str(artifacts), "GITHUB_ARTIFACTS_LIST": str(listed)}
    same_name = release(layout="tar", version="1.0.0", env=runner)
    reserved = release(layout="tar", version="1.0.1", output="a=b", env=runner)

    assert (same_name.outputs["result"], reserved.outputs["result"]) == ("SIGNED", "SIGNED")
    assert "an earlier step declared" in same_name.log
    assert "the runner takes no line with such a character" in reserved.log
    assert captured(artifacts.read_text(), repository, before)["subjects"] == before


def test_the_runner_hides_the_identity_tokens_and_nothing_else_holds_them(release: Release, repository: Path) -> None:
    """Both tokens are masked when they are fetched, and stand in no other line, no summary and no file of the release."""
    step = release(version="1.0.0")

    tokens = re.findall(r"(?m)^::add-mask::(ey[\w.-]+)$", step.log)
    assert len(tokens) == 2
    rest = re.sub(r"(?m)^::add-mask::.*$", "", step.log) + step.summary + "".join(step.outputs.values())
    written = b"".join(path.read_bytes() for path in (repository / "dist").rglob("*") if path.is_file())
    assert not any(token in rest or token.encode() in written for token in tokens)


# --- what is not signed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "run"),
    [
        ("fork", {"head_repository": "stranger/minilm"}),
        ("dependabot", {"actor": "dependabot[bot]"}),
    ],
)
def test_a_strangers_pull_request_is_an_unsigned_dry_run(
    kind: str, run: dict[str, str], release: Release, repository: Path
) -> None:
    """Green, UNSIGNED, no digest to pin, and a sentence on why there is no check."""
    step = release(run={"event_name": "pull_request", **run}, version="1.0.0")

    assert step.status == 0, step.log
    assert step.outputs["result"] == "UNSIGNED"
    assert not {"digest", "model-digest", "files-digest", "reference", "slsa-level"} & step.outputs.keys()
    assert not (repository / "dist/minilm-1.0.0/evidence").exists()
    matches_golden(f"{kind}.summary.md", step.summary, commit=sha_of(repository))


def test_dependabot_is_known_by_the_author_not_by_who_started_the_run(release: Release) -> None:
    """A maintainer who re-runs a fork's job is the actor, and the change is still the stranger's."""
    step = release(run={"event_name": "pull_request", "head_repository": "stranger/minilm", "actor": "octo-dev"})

    assert step.outputs["result"] == "UNSIGNED"


@pytest.mark.parametrize("event", ["pull_request_target", "issue_comment", "workflow_run"])
def test_events_that_strangers_steer_are_refused(event: str, release: Release, repository: Path) -> None:
    """Status 21, `result=ERROR`, and nothing is left."""
    step = release(run={"event_name": event})

    assert step.status == 21, step.log
    assert step.outputs == {"result": "ERROR"}
    assert "context.event&#95;refused" in step.summary
    assert not (repository / "dist").exists()


def test_without_permission_the_lines_to_add_are_shown(release: Release) -> None:
    """No `id-token: write`: status 21, and the summary is the golden one with the exact lines."""
    step = release(run={"id_token": False})

    assert step.status == 21
    assert step.outputs == {"result": "ERROR"}
    matches_golden("no-id-token.summary.md", step.summary)


def test_a_private_repository_is_not_published(release: Release, repository: Path) -> None:
    """On the public instance it is refused before Sigstore is asked, with the list of what would become public."""
    step = release(run={"visibility": "private"}, trust_config="")

    assert step.status == 21, step.log
    assert step.outputs == {"result": "ERROR"}
    matches_golden("private.summary.md", step.summary, commit=sha_of(repository))


def test_a_private_repository_signs_at_its_own_instance(release: Release) -> None:
    """A private Sigstore publishes nothing."""
    assert release(run={"visibility": "private"}).outputs["result"] == "SIGNED"


def test_a_checkout_of_another_commit_is_refused(release: Release, repository: Path) -> None:
    """What is packed must be what the certificate will say."""
    step = release(run={"variables": {"GITHUB_SHA": "a" * 40}, "claims": {"sha": "a" * 40}})

    assert step.status == 21
    assert "context.head&#95;mismatch" in step.summary


def test_an_lfs_pointer_is_refused_with_the_line_to_add(release: Release, repository: Path) -> None:
    """A checkout without `lfs: true` holds pointers, not weights."""
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n"
    (repository / "model/model.safetensors").write_text(pointer)

    step = release()

    assert step.status == 2
    assert "lfs: true" in step.summary


def test_other_files_than_the_build_job_measured_are_refused(release: Release, repository: Path) -> None:
    """`files-digest` of the build job is compared before anything is signed: 11, and nothing is left."""
    step = release(files_digest="sha256:" + "0" * 64, version="1.0.0")

    assert step.status == 11
    assert "release.files" in step.summary
    assert not (repository / "dist").exists()


def test_the_measured_digest_lets_the_same_files_through(
    release: Release, repository: Path, sim: SigstoreSim, tmp_path: Path
) -> None:
    """What `ci measure` says in a job without a token, `ci release` accepts in another."""
    job = github(sim, tmp_path, repository, sha_of(repository), id_token=False)
    measured = run_step("measure", repository, job, model="model")

    step = release(files_digest=measured.outputs["files-digest"], version="1.0.0")

    assert measured.outputs["result"] == "MEASURED"
    assert step.outputs["result"] == "SIGNED", step.log
    assert step.outputs["files-digest"] == measured.outputs["files-digest"]


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"model": ""}, "model"),
        ({"allow_symlinks": "yes please"}, "allow-symlinks"),
        ({"check_run": "maybe"}, "check-run"),
        ({"dry_run": "perhaps"}, "dry-run"),
        ({"version": "1.0.0\nresult=SIGNED"}, "version"),
    ],
)
def test_inputs_that_cannot_be_are_refused(inputs: dict[str, str], words: str, release: Release) -> None:
    """Status 2, and the input is named."""
    step = release(**inputs)

    assert step.status == 2, step.log
    assert step.outputs == {"result": "ERROR"}
    assert words in step.summary


# --- services that fail -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", ["fulcio", "rekor", "oidc"])
def test_an_outage_of_sigstore_is_an_outage(service: str, release: Release, sim: SigstoreSim, repository: Path) -> None:
    """A service that answers 503 ends the job with 20 or 21, `ERROR`, and without a half-written release."""
    sim.misbehave(service, "down")

    step = release(version="1.0.0")

    assert step.status in (20, 21), step.log
    assert step.outputs == {"result": "ERROR"}
    assert not (repository / "dist/minilm-1.0.0").exists()


def test_a_moment_of_bad_gateway_is_waited_out(release: Release, sim: SigstoreSim) -> None:
    """One 502 of the log is tried again."""
    sim.misbehave("rekor", "bad-gateway", times=1)

    assert release(version="1.0.0").outputs["result"] == "SIGNED"


# --- the summary ------------------------------------------------------------------------------------------------------


def test_a_hostile_model_cannot_write_the_summary(release: Release, repository: Path) -> None:
    """Names, licences and datasets that hold markup, links, mentions and diagrams show as themselves."""
    card = (
        "---\nlicense: apache-2.0\n"
        "datasets: ['</details><img src=x onerror=y>', '[x](https://evil.example)', '\"]; A-->B; click A']\n---\n"
    )
    (repository / "model/README.md").write_text(card)

    step = release(version="1.0.0")

    assert step.status == 0, step.log
    assert "<img" not in step.summary
    assert "](https://evil.example)" not in step.summary
    diagram = step.summary.partition("```mermaid\n")[2].partition("```")[0]
    assert '"];' not in diagram
    assert all(line.count('"') in (0, 2) for line in diagram.splitlines())
    matches_golden("hostile.summary.md", step.summary, commit=sha_of(repository))


def test_a_summary_over_the_limit_is_cut_by_section(release: Release, repository: Path) -> None:
    """Hundreds of datasets with long names keep the summary below GitHub's 1 MiB, verdict and verify command included."""
    names = ", ".join(f"'{'d' * 180}{n}'" for n in range(4000))
    (repository / "model/README.md").write_text(f"---\nlicense: apache-2.0\ndatasets: [{names}]\n---\n")

    step = release(version="1.0.0")

    assert step.status == 0, step.log
    assert len(step.summary.encode()) < 900 * 1024
    assert step.summary.startswith("## ✅ SIGNED: minilm 1.0.0")
    assert "model-provenance verify" in step.summary


def test_the_summary_says_what_changed_since_the_last_release(release: Release, repository: Path) -> None:
    """`compare-with` an earlier release folder: files, licence, datasets and parameters that differ."""
    first = release(version="1.0.0", output="../earlier")
    assert first.status == 0, first.log
    model = repository / "model"
    model.joinpath("README.md").write_text("---\nlicense: mit\ndatasets: [snli, mnli]\n---\n")
    header = b'{"w":{"dtype":"F32","shape":[2,4],"data_offsets":[0,32]}}'
    model.joinpath("model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(32))
    model.joinpath("tokenizer.json").write_text('{"model": {"type": "WordPiece", "vocab": {"a": 0}}}')

    step = release(version="1.1.0", compare_with="../earlier")

    assert step.status == 0, step.log
    section = step.summary.partition("### Changes")[2].partition("###")[0]
    matches_golden("changes.md", section)


def test_the_last_release_may_lie_in_a_registry(release: Release, repository: Path) -> None:
    """`compare-with: oci://…` reads the evidence alone."""
    with RegistrySim() as registry:
        first = release(version="1.0.0", output="../earlier", push=f"{registry.host}/acme/minilm")
        (repository / "model/vocab.txt").write_text("a\n")
        step = release(version="1.1.0", compare_with=f"oci://{registry.host}/acme/minilm:1.0.0")

    assert first.status == 0, first.log
    assert step.status == 0, step.log
    assert "Changes since minilm 1.0.0" in step.summary
    assert "🟢 added | <code>vocab.txt</code>" in step.summary


# --- the check run ----------------------------------------------------------------------------------------------------


def test_the_check_is_posted_on_the_head_of_the_pull_request(release: Release, repository: Path) -> None:
    """With `checks: write` one check run is named after the model and stands at the pull request's own commit."""
    with GitHubApi() as api:
        step = release(
            run={"event_name": "pull_request"}, env={"GITHUB_API_URL": api.url}, github_token=api.token, version="1.0.0"
        )

    assert step.status == 0, step.log
    (check,) = api.checks
    assert check["name"] == "model-provenance / minilm (dry run)"
    assert check["head_sha"] == "d" * 40
    assert check["conclusion"] == "neutral"
    assert check["external_id"] == "16300000001/1/unsigned"
    assert check["details_url"] == "https://github.com/acme/minilm/actions/runs/16300000001/attempts/1"
    assert step.outputs["check-url"] == "https://github.com/acme/minilm/runs/1"
    assert api.token not in step.log + step.summary
    matches_golden("check.summary.md", check["output"]["summary"], commit=sha_of(repository))


def test_the_check_of_a_signed_release_is_green_and_names_its_digest(release: Release, repository: Path) -> None:
    """On a push it stands at the commit that was released, under the name that a dry run never has."""
    with GitHubApi() as api:
        step = release(env={"GITHUB_API_URL": api.url}, github_token=api.token, version="1.0.0")

    (check,) = api.checks
    assert (check["name"], check["conclusion"]) == ("model-provenance / minilm", "success")
    assert check["head_sha"] == sha_of(repository)
    assert check["external_id"] == f"16300000001/1/{step.outputs['digest']}"


def test_without_permission_for_checks_the_summary_says_so(release: Release) -> None:
    """`checks: write` is missing: the release stands, and a line tells what to add."""
    with GitHubApi(may_write=False) as api:
        step = release(env={"GITHUB_API_URL": api.url}, github_token=api.token)

    assert step.outputs["result"] == "SIGNED", step.log
    assert "the job has no <code>checks: write</code>" in step.summary
    assert not api.checks


def test_a_check_that_must_be_there_is_an_error_where_it_cannot_be(release: Release) -> None:
    """`check-run: always` without the permission: 21, and `result` stays ERROR."""
    with GitHubApi(may_write=False) as api:
        step = release(env={"GITHUB_API_URL": api.url}, github_token=api.token, check_run="always")

    assert step.status == 21
    assert step.outputs["result"] == "ERROR"


@pytest.mark.parametrize("fault", ["down", "garbage"])
def test_an_outage_of_the_api_leaves_the_release_alone(fault: str, release: Release) -> None:
    """A check informs: when GitHub's API fails, the release is signed all the same."""
    with GitHubApi() as api:
        api.misbehave(fault)
        step = release(env={"GITHUB_API_URL": api.url}, github_token=api.token)

    assert step.outputs["result"] == "SIGNED", step.log
    assert "There is no check run" in step.summary


def test_never_means_never(release: Release) -> None:
    """`check-run: never` asks nothing of the API."""
    with GitHubApi() as api:
        step = release(env={"GITHUB_API_URL": api.url}, github_token=api.token, check_run="never")

    assert step.outputs["result"] == "SIGNED"
    assert api.requests == 0


def test_faults_of_the_manifest_stand_on_its_lines(release: Release, repository: Path) -> None:
    """Each fault of a source manifest is an annotation of the run and of a red check, at its own line."""
    lines = ["licence: MIT", *(f"key{n}: 1" for n in range(60))]
    (repository / "model.yaml").write_text("\n".join(lines) + "\n")
    with GitHubApi() as api:
        step = release(env={"GITHUB_API_URL": api.url}, github_token=api.token, manifest="model.yaml")

    assert step.status == 2, step.log
    assert 1 <= len(step.annotations) <= 10
    assert "file=model.yaml,line=1" in step.log
    (check,) = api.checks
    assert check["conclusion"] == "failure"
    places = {(a["path"], a["start_line"]) for a in check["output"]["annotations"]}
    assert ("model.yaml", 1) in places


def test_on_an_enterprise_server_addresses_are_those_of_the_server(release: Release) -> None:
    """GHES: the API and the pages come from the runner's variables; nothing is sent to github.com."""
    with GitHubApi() as api:
        variables = {"GITHUB_API_URL": api.url, "GITHUB_SERVER_URL": "https://ghes.example"}
        step = release(env=variables, github_token=api.token, check_run="always")

    assert step.status == 0, step.log
    assert api.checks[0]["details_url"].startswith("https://ghes.example/acme/minilm/actions/runs/")


def test_placeholders_hide_what_differs_and_nothing_else() -> None:
    """The golden files are compared through one function; it keeps words."""
    assert placeholders("a sha256:" + "0" * 64 + " 12 ms") == "a sha256:HEX TIME"
