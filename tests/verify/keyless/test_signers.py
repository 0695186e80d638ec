"""Whole keyless releases: who signed, in which run, and what must agree with it. Every certificate here is genuine."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from model_provenance.domain.finding import Status
from model_provenance.domain.result import Result
from model_provenance.domain.verification import IdentityExpectation
from model_provenance.formats.identity import parse_identity, parse_signer
from model_provenance.testing.github_run import GitHubRun
from model_provenance.testing.gitlab_run import GitLabRun

GITHUB = "https://token.actions.githubusercontent.com"
GITLAB_SIGNER = "gitlab:acme/models/minilm#48151623//.gitlab-ci.yml@refs/heads/main"
PERSON = {"iss": "https://accounts.google.com", "sub": "1", "email": "dev@example.com", "email_verified": True}
REUSABLE = "org/model-provenance/.github/workflows/release-model.yml@refs/tags/v1"


# --- what passes


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize(
    ("run", "signer", "level"),
    [
        (GitHubRun(), "github:acme/minilm#718293041/.github/workflows/release.yml@refs/heads/main", 2),
        (GitHubRun(ref="refs/tags/v1.0.0"), "github:acme/minilm#718293041@refs/tags/v1.0.0", 2),
        (
            GitHubRun(event_name="workflow_dispatch", runner_environment="self-hosted"),
            "github:acme/minilm#718293041",
            1,
        ),
        (GitLabRun(), GITLAB_SIGNER, 2),
        (GitLabRun(ref="v1.0.0", ref_type="tag"), "gitlab:acme/models/minilm#48151623@refs/tags/v1.0.0", 2),
    ],
    ids=["push", "tag", "self-hosted", "gitlab branch", "gitlab tag"],
)
def test_a_release_of_the_expected_run_passes(
    api: Any, keyless: Any, judge_keyless: Any, run: Any, signer: Any, level: Any, rekor: Any, forge: Any
) -> None:
    """GitHub and GitLab, branch and tag, both logs; the level follows from the certificate."""
    draft = api.Draft(run=run)
    statements, documents = draft.parts()
    report = judge_keyless(
        forge.release(statements, run.claims(), rekor=rekor), draft.directory, signer=signer, documents=documents
    )
    assert api.failures(report) == set()
    assert report.slsa_level == level
    assert len(report.log_entries) == 5
    assert report.verified.signed_at is not None
    assert report.suggestion is not None
    assert report.suggestion.startswith("--signer ")


def test_a_reusable_workflow_passes_as_the_named_builder(api: Any, outcome: Any) -> None:
    """The signing workflow of another repository passes only as `--builder`."""
    run = GitHubRun(job_workflow_ref=REUSABLE)
    report = outcome(run, parse_signer("github:acme/minilm#718293041", builder=REUSABLE))
    assert api.failures(report) == set()
    any_version = parse_signer("github:acme/minilm#718293041", builder=REUSABLE.partition("@")[0])
    assert api.failures(outcome(run, any_version)) == set()
    # Who reviewed it, nobody said: the level stays below 3.
    assert report.slsa_level == 2


def test_the_suggestion_of_a_release_verifies_it(api: Any, outcome: Any) -> None:
    """What is printed as found is what would pass, builder included."""
    import shlex

    run = GitHubRun(job_workflow_ref=REUSABLE)
    suggestion = outcome(run, "github:acme/other").suggestion
    words = shlex.split(suggestion, comments=True)
    assert words[0::2] == ["--signer", "--builder"]
    assert api.failures(outcome(run, parse_signer(words[1], builder=words[3]))) == set()


def test_a_second_attempt_signs_what_the_first_described(api: Any, outcome: Any) -> None:
    """The attempt is informational: a job that is run again signs the same run."""
    described = GitHubRun(run_attempt="1")
    draft = api.Draft(run=described)
    report = outcome(GitHubRun(run_attempt="2"), api.SIGNER, change=lambda _: draft.statements)
    assert api.failures(report) == set()


def test_a_person_may_sign_by_bare_identity(api: Any, keyless: Any, judge_keyless: Any, forge: Any) -> None:
    """An address with its issuer; nothing about a run is claimed, and the level is 1."""
    draft = api.Draft()
    expected = parse_identity("dev@example.com", issuer="https://accounts.google.com")
    report = judge_keyless(forge.release(draft.statements, PERSON), draft.directory, signer=expected)
    assert api.failures(report) == set()
    assert report.slsa_level == 1


# --- issuer and repository


def test_the_right_path_at_the_wrong_issuer_is_refused(api: Any, outcome: Any) -> None:
    """Another GitLab instance has a project of the same path, and its certificates name gitlab.com as the source."""
    run = GitLabRun(server_url="https://gitlab.archlinux.org")
    assert "signer.issuer" in api.failures(outcome(run, GITLAB_SIGNER))


def test_a_repository_of_the_same_name_by_another_owner_is_refused(api: Any, outcome: Any) -> None:
    """mallory/minilm is not acme/minilm."""
    run = GitHubRun(repository="mallory/minilm", repository_id="666")
    codes = api.failures(outcome(run, api.SIGNER))
    assert {"signer.repository", "signer.repository_id", "signer.workflow", "signer.builder"} <= codes


@pytest.mark.parametrize("repository", ["acme/minilm2", "acme/minil", "xacme/minilm"])
def test_a_repository_that_only_begins_alike_is_refused(api: Any, outcome: Any, repository: Any) -> None:
    """Names are compared whole."""
    run = GitHubRun(repository=repository)
    assert "signer.repository" in api.failures(outcome(run, "github:acme/minilm"))


def test_a_subgroup_is_not_the_project(api: Any, outcome: Any) -> None:
    """acme/models/minilm/evil lies below acme/models/minilm by its path only."""
    run = GitLabRun(project_path="acme/models/minilm/evil")
    assert {"signer.repository", "signer.workflow"} <= api.failures(outcome(run, "gitlab:acme/models/minilm"))


def test_a_recycled_name_is_refused_by_its_id(api: Any, outcome: Any) -> None:
    """The repository was deleted and its name taken: path, workflow and ref are right, the ID is not."""
    run = GitHubRun(repository_id="999999999", owner_id="666")
    assert api.failures(outcome(run, api.SIGNER)) == {"signer.repository_id"}


def test_a_name_without_an_id_and_any_ref_are_warnings(api: Any, outcome: Any) -> None:
    """What the caller left open is said, with the words to add."""
    report = outcome(GitHubRun(), "github:acme/minilm")
    assert report.result is Result.PASS
    assert api.warnings(report) == {"signer.name_only", "signer.any_ref"}
    remedies = " ".join(f.remedy for f in report.findings if f.id.startswith("signer."))
    assert "#718293041" in remedies
    assert "@refs/heads/main" in remedies


# --- workflow, ref, builder


def test_another_workflow_of_the_repository_is_refused(api: Any, outcome: Any) -> None:
    """Any workflow could sign; one is expected."""
    run = GitHubRun(workflow=".github/workflows/test.yml")
    assert api.failures(outcome(run, api.SIGNER)) == {"signer.workflow"}


def test_a_workflow_named_like_another_with_a_ref_is_refused(api: Any, outcome: Any) -> None:
    """A file called `release.yml@x.yml` would look like release.yml if its name ended at the last `@`."""
    run = GitHubRun(workflow=".github/workflows/release.yml@x.yml")
    assert {"signer.workflow", "signer.builder"} <= api.failures(outcome(run, api.SIGNER))


def test_another_branch_is_refused(api: Any, outcome: Any) -> None:
    """A feature branch may not release where main is expected."""
    run = GitHubRun(ref="refs/heads/feature")
    assert api.failures(outcome(run, api.SIGNER)) == {"signer.ref"}


def test_a_tag_called_main_is_not_the_branch_main(api: Any, outcome: Any) -> None:
    """Refs are compared whole."""
    assert api.failures(outcome(GitHubRun(ref="refs/tags/main"), api.SIGNER)) == {"signer.ref"}


def test_a_workflow_of_another_repository_may_not_sign_unasked(api: Any, outcome: Any) -> None:
    """A reusable workflow of somebody else holds the token: the error prints the flag that would allow it."""
    run = GitHubRun(job_workflow_ref="mallory/tools/.github/workflows/sign.yml@refs/heads/main")
    report = outcome(run, api.SIGNER)
    assert api.failures(report) == {"signer.builder"}
    remedy = next(f.remedy for f in report.findings if f.id == "signer.builder")
    assert "--builder mallory/tools/.github/workflows/sign.yml@refs/heads/main" in remedy


@pytest.mark.parametrize(
    "signed_by",
    [
        "org/model-provenance/.github/workflows/release-model.yml@refs/heads/evil",
        "org/model-provenance/.github/workflows/other.yml@refs/tags/v1",
        "evil/model-provenance/.github/workflows/release-model.yml@refs/tags/v1",
        None,
    ],
    ids=["another ref", "another file", "another owner", "in the job itself"],
)
def test_a_named_builder_is_the_only_one(api: Any, outcome: Any, signed_by: Any) -> None:
    """Who names a builder wants it: also a signature of the repository's own job is then refused."""
    run = GitHubRun(job_workflow_ref=signed_by)
    report = outcome(run, parse_signer("github:acme/minilm#718293041", builder=REUSABLE))
    assert "signer.builder" in api.failures(report)


def test_a_gitlab_pipeline_file_of_another_ref_is_refused(api: Any, outcome: Any) -> None:
    """A directory called `.gitlab-ci.yml@refs` would make part of a file's name look like a ref."""
    run = GitLabRun(config_path=".gitlab-ci.yml@refs/x.yml")
    assert "signer.workflow" in api.failures(outcome(run, GITLAB_SIGNER))


# --- events


@pytest.mark.parametrize(
    "event", ["pull_request", "pull_request_target", "issue_comment", "workflow_run", "unheard_of"]
)
def test_an_event_that_others_can_trigger_is_refused(api: Any, outcome: Any, event: Any) -> None:
    """Code of others may run then; `--allow-event` is the only way."""
    run = GitHubRun(event_name=event)
    report = outcome(run, "github:acme/minilm#718293041")
    assert "event.refused" in api.failures(report)
    allowed = parse_signer("github:acme/minilm#718293041", allow_events=[event])
    assert "event.refused" not in api.failures(outcome(run, allowed))


def test_a_fork_branch_called_main_is_refused(api: Any, outcome: Any) -> None:
    """A merge request of a fork whose branch is called main has the subject and ref of main: only .20 differs."""
    run = GitLabRun(pipeline_source="merge_request_event")
    report = outcome(run, GITLAB_SIGNER)
    assert api.failures(report) == {"event.refused"}
    assert "--allow-event merge_request_event" in next(f.remedy for f in report.findings if f.id == "event.refused")


# --- bare identities


def _identity(**changes: Any) -> Any:
    values = {
        "identity": "https://github.com/acme/minilm/.github/workflows/release.yml@refs/heads/main",
        "issuer": GITHUB,
    }
    return parse_identity(**(values | changes))


def test_a_bare_identity_is_compared_whole(api: Any, outcome: Any) -> None:
    """The exact subject passes, anything else does not."""
    assert api.failures(outcome(GitHubRun(), _identity())) == set()
    shorter = _identity(identity="https://github.com/acme/minilm/.github/workflows/release.yml")
    assert api.failures(outcome(GitHubRun(), shorter)) == {"signer.identity"}


def test_a_regular_expression_matches_the_whole_identity(api: Any, outcome: Any) -> None:
    """`acme` somewhere in the subject is not enough."""
    whole = _identity(identity=r"https://github\.com/acme/minilm/.*@refs/heads/main", is_regexp=True)
    part = _identity(identity=r"github\.com/acme/minilm", is_regexp=True)
    prefix = _identity(identity=r"https://github\.com/acme", is_regexp=True)
    assert api.failures(outcome(GitHubRun(), whole)) == set()
    assert api.failures(outcome(GitHubRun(), part)) == {"signer.identity"}
    assert api.failures(outcome(GitHubRun(), prefix)) == {"signer.identity"}


def test_an_endless_pattern_is_not_tried(api: Any, outcome: Any) -> None:
    """A pattern longer than any identity is refused, here by the match itself."""
    expected = IdentityExpectation("(a|" * 400 + "b" + ")" * 400, is_regexp=True, issuer=GITHUB)
    assert "signer.identity" in api.failures(outcome(GitHubRun(), expected))


def test_a_bare_identity_at_another_issuer_is_refused(api: Any, outcome: Any) -> None:
    """The same subject, vouched for by somebody else."""
    assert api.failures(outcome(GitHubRun(), _identity(issuer="https://gitlab.com"))) >= {"signer.issuer"}


def test_a_bare_identity_of_a_reusable_workflow_needs_the_source_repository(api: Any, outcome: Any) -> None:
    """The workflow signs for whoever calls it: its identity alone does not say whose model this is."""
    run = GitHubRun(job_workflow_ref=REUSABLE)
    mallory = replace(run, repository="mallory/minilm")
    bare = _identity(identity=f"https://github.com/{REUSABLE}")
    pinned = _identity(identity=f"https://github.com/{REUSABLE}", source_repository="https://github.com/acme/minilm")
    assert api.failures(outcome(run, bare)) == {"signer.source_repository"}
    assert api.failures(outcome(run, pinned)) == set()
    assert api.failures(outcome(mallory, pinned)) == {"signer.repository"}


def test_a_bare_identity_holds_to_the_events_too(api: Any, outcome: Any) -> None:
    """The default events of the issuer apply without a `--signer`."""
    run = GitHubRun(event_name="pull_request_target")
    assert "event.refused" in api.failures(outcome(run, _identity()))


# --- keys and certificates


def test_a_keyless_bundle_is_not_accepted_where_a_key_is_expected(
    api: Any, keyless: Any, judge: Any, forge: Any
) -> None:
    """The method comes from the expectation; also a certificate of the very key would not do."""
    draft = api.Draft(run=keyless.default_run)
    report = judge(forge.release(draft.statements, keyless.default_run.claims()), draft.directory, trust=keyless.trust)
    assert "signature.method" in api.failures(report)
    assert report.exit_status == 10


def test_one_key_signed_statement_in_a_keyless_release_is_refused(
    api: Any, keyless: Any, judge_keyless: Any, forge: Any
) -> None:
    """Mixed methods are no one signer."""
    draft = api.Draft(run=keyless.default_run)
    bundles = forge.release(draft.statements, keyless.default_run.claims()) | {
        "spdx": api.by_key(draft.statements)["spdx"]
    }
    report = judge_keyless(bundles, draft.directory)
    assert {"signature.method", "set.signer"} <= api.failures(report)


# --- one run


def test_a_statement_of_another_run_is_refused(api: Any, keyless: Any, judge_keyless: Any, forge: Any) -> None:
    """The same repository, workflow and payload, signed in another run: not one release."""
    draft = api.Draft(run=keyless.default_run)
    other = forge.release(draft.statements, replace(keyless.default_run, run_id="16300000002").claims())
    bundles = forge.release(draft.statements, keyless.default_run.claims()) | {"manifest": other["manifest"]}
    assert api.failures(judge_keyless(bundles, draft.directory)) == {"set.signer"}


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("sha", "f" * 40, "claims.commit"),
        ("ref", "refs/heads/other", "claims.ref"),
        ("run_id", "16399999999", "claims.run"),
        ("repository", "acme/elsewhere", "claims.repository"),
        ("workflow", ".github/workflows/other.yml", "claims.workflow"),
        ("event_name", "schedule", "event.refused"),
    ],
)
def test_what_the_job_wrote_is_what_the_certificate_says(
    api: Any, outcome: Any, field: Any, value: Any, code: Any
) -> None:
    """Provenance and manifest of one run, signed by another one of the same repository."""
    described = api.Draft(run=replace(GitHubRun(), **{field: value}))
    report = outcome(GitHubRun(), api.SIGNER, change=lambda _: described.statements)
    assert code in api.failures(report)
    assert report.exit_status == 10


@pytest.mark.parametrize(
    "drop",
    [
        lambda p: p["buildDefinition"].update(resolvedDependencies=[]),
        lambda p: p["runDetails"].pop("metadata"),
        lambda p: p["runDetails"]["builder"].update(id="https://model-provenance.dev/builders/local/v1"),
        lambda p: p["buildDefinition"]["internalParameters"].pop("run"),
    ],
    ids=["source", "run", "builder", "event"],
)
def test_a_claim_that_is_left_out_is_a_difference(api: Any, outcome: Any, drop: Any) -> None:
    """Saying nothing is not agreeing."""
    report = outcome(
        GitHubRun(), api.SIGNER, change=lambda s: api.edited(s, "provenance", lambda v: drop(v["predicate"]))
    )
    assert api.failures(report)
    assert report.exit_status == 10


def test_the_release_commit_of_the_manifest_is_the_certificates(api: Any, outcome: Any) -> None:
    """Another commit, or none, in the manifest alone."""
    for change in (lambda p: p.update(release_commit=f"git+https://github.com/acme/minilm@{'e' * 40}"),):
        report = outcome(
            GitHubRun(), api.SIGNER, change=lambda s, c=change: api.edited(s, "manifest", lambda v: c(v["predicate"]))
        )
        assert api.failures(report) == {"claims.commit"}


def test_a_declared_training_commit_is_never_compared(api: Any, outcome: Any) -> None:
    """Where the model was trained is declared; the certificate speaks of the release."""

    def train(value: Any) -> Any:
        value["predicate"]["training_commit"] = f"git+https://github.com/acme/training@{'d' * 40}"
        value["predicate"]["known"]["training_commit"] = "declared"

    report = outcome(GitHubRun(), api.SIGNER, change=lambda s: api.edited(s, "manifest", train))
    assert api.failures(report) == set()


def test_a_release_that_claims_a_run_and_was_signed_by_a_person_is_unproven(
    api: Any, keyless: Any, judge_keyless: Any, forge: Any
) -> None:
    """A person's certificate says nothing about a run, so the claim is a warning."""
    draft = api.Draft(run=keyless.default_run)
    expected = parse_identity("dev@example.com", issuer="https://accounts.google.com")
    report = judge_keyless(forge.release(draft.statements, PERSON), draft.directory, signer=expected)
    assert "claims.unproven" in api.warnings(report)


def test_every_bundle_of_a_release_is_checked(api: Any, keyless: Any, judge_keyless: Any, forge: Any) -> None:
    """A defect in the last bundle is found as in the first."""
    draft = api.Draft(run=keyless.default_run)
    for name in ("oms", "provenance"):
        bundles = forge.release(draft.statements, keyless.default_run.claims())
        value = json.loads(bundles[name])
        value["verificationMaterial"]["tlogEntries"] = []
        bundles[name] = json.dumps(value).encode()
        report = judge_keyless(bundles, draft.directory)
        assert api.failures(report) == {"log.missing"}
        assert [f.location for f in report.findings if f.id == "log.missing"] == [f"{name}.sigstore.json"]


CRYPTOGRAPHIC = {"signature", "certificate", "sct", "log", "timestamp", "signer", "event", "claims"}


def test_nothing_that_was_not_judged_is_called_passed(
    api: Any, keyless: Any, judge: Any, judge_keyless: Any, forge: Any
) -> None:
    """With the wrong method, or a signature that does not hold, who signed and where is neither proven nor passed."""
    draft = api.Draft(run=keyless.default_run)
    by_certificate = forge.release(draft.statements, keyless.default_run.claims())
    key_for_keyless = judge_keyless(api.by_key(draft.statements), draft.directory)
    keyless_for_key = judge(by_certificate, draft.directory, trust=keyless.trust)
    for report in (key_for_keyless, keyless_for_key):
        assert not {f.id for f in report.findings if f.status is Status.PASS and f.location} & CRYPTOGRAPHIC
    broken = {}
    for name, data in by_certificate.items():
        value = json.loads(data)
        value["dsseEnvelope"]["signatures"][0]["sig"] = "AAAA"
        broken[name] = json.dumps(value).encode()
    report = judge_keyless(broken, draft.directory)
    assert "signature.invalid" in api.failures(report)
    assert not {f.id for f in report.findings if f.status is Status.PASS} & {"signature", "signer", "event", "claims"}
