"""Level 3 by the table of reviewed builders, as maintainers add a row to it; and that the rows are what they should be."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from model_provenance.domain.evidence import SignerIdentity
from model_provenance.formats import slsa_level
from model_provenance.formats.identity import parse_signer
from model_provenance.formats.slsa_level import ReviewedBuilder
from model_provenance.testing.github_run import GitHubRun

ROOT = Path(__file__).resolve().parents[3]
FILE = ".github/workflows/release-model.yml"
URI = f"https://github.com/org/model-provenance/{FILE}"
BUILDER = f"org/model-provenance/{FILE}@refs/tags/v1"
REVIEWED, OTHER = "ab" * 20, "cd" * 20
SIGNER = "github:acme/minilm#718293041"


@pytest.fixture
def with_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table with one row, as CONTRIBUTING.md says to add it."""
    monkeypatch.setattr(slsa_level, "REVIEWED_BUILDERS", (ReviewedBuilder(URI, frozenset({REVIEWED})),))


@pytest.mark.parametrize(
    ("run", "builder", "level"),
    [
        (GitHubRun(job_workflow_ref=BUILDER, job_workflow_sha=REVIEWED), BUILDER, 3),
        (GitHubRun(job_workflow_ref=BUILDER, job_workflow_sha=OTHER), BUILDER, 2),
        (
            GitHubRun(job_workflow_ref=BUILDER, job_workflow_sha=REVIEWED, runner_environment="self-hosted"),
            BUILDER,
            1,
        ),
        (
            GitHubRun(job_workflow_ref=BUILDER.replace("release-model", "other"), job_workflow_sha=REVIEWED),
            BUILDER.replace("release-model", "other"),
            2,
        ),
        (
            GitHubRun(job_workflow_ref=BUILDER.replace("org/", "mallory/"), job_workflow_sha=REVIEWED),
            BUILDER.replace("org/", "mallory/"),
            2,
        ),
        (GitHubRun(workflow=FILE, job_workflow_sha=REVIEWED), None, 2),
    ],
    ids=[
        "reviewed",
        "another commit",
        "self-hosted",
        "another path",
        "another owner",
        "a copy in the repository itself",
    ],
)
@pytest.mark.usefixtures("with_row")
def test_a_row_gives_level_3_to_hosted_runs_of_that_commit_alone(
    api: Any, outcome: Any, run: GitHubRun, builder: str | None, level: int
) -> None:
    """A whole verified release by the reusable workflow, its certificate as Fulcio makes it."""
    report = outcome(run, parse_signer(SIGNER, builder=builder))
    assert api.failures(report) == set()
    assert report.slsa_level == level, report.slsa_reasons


def test_without_the_row_it_is_level_2_with_what_to_review(api: Any, outcome: Any) -> None:
    """Path and commit are said, as a policy would list them."""
    run = GitHubRun(job_workflow_ref=BUILDER, job_workflow_sha=OTHER)
    report = outcome(run, parse_signer(SIGNER, builder=BUILDER))
    assert api.failures(report) == set()
    assert report.slsa_level == 2
    assert any(URI in reason and OTHER in reason for reason in report.slsa_reasons)


def faults(table: tuple[ReviewedBuilder, ...]) -> list[str]:
    """What is wrong with a table of ours: other files than our workflow, and commits that are not whole or not of a release."""
    tags = git("tag", "--list", "v[0-9]*.[0-9]*.[0-9]*").split()
    released = {git("rev-parse", f"{tag}^{{commit}}").strip() for tag in tags}
    found = []
    for row in table:
        if not re.fullmatch(r"https://github\.com/[^/]+/model-provenance/" + re.escape(FILE), row.uri):
            found.append(f"{row.uri} is not our reusable workflow")
        if not row.commits:
            found.append(f"{row.uri} has no commit")
        for commit in sorted(row.commits):
            if not re.fullmatch(r"[0-9a-f]{40}", commit):
                found.append(f"{commit} is not a whole commit id")
            # A clone without tags, as CI makes it, cannot tell.
            elif tags and commit not in released:
                found.append(f"{commit} is not the commit of a release")
    return found


def git(*words: str) -> str:
    """Of this repository; nothing where it is not a clone."""
    done = subprocess.run(["git", *words], cwd=ROOT, check=False, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else ""


def test_the_shipped_table_has_only_our_workflow_at_released_commits() -> None:
    """And what is wrong with a row is found."""
    assert faults(slsa_level.REVIEWED_BUILDERS) == []
    assert faults((ReviewedBuilder(URI.replace("release-model", "ci"), frozenset({REVIEWED[:7]})),)) == [
        f"{URI.replace('release-model', 'ci')} is not our reusable workflow",
        f"{REVIEWED[:7]} is not a whole commit id",
    ]
    assert faults((ReviewedBuilder(URI, frozenset()),)) == [f"{URI} has no commit"]


def test_the_words_of_contributing_make_a_row() -> None:
    """The example there is Python that builds exactly such a row."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```python\n(REVIEWED_BUILDERS = .*?)```", text, re.DOTALL)
    names: dict[str, Any] = {"ReviewedBuilder": ReviewedBuilder, "frozenset": frozenset}
    exec(example, names)
    [row] = names["REVIEWED_BUILDERS"]
    assert row.uri == URI
    [commit] = row.commits
    values = (
        (9, f"{URI}@refs/tags/v1"),
        (10, commit),
        (11, "github-hosted"),
        (18, "https://github.com/acme/minilm/x@refs/heads/main"),
    )
    signer = SignerIdentity("keyless", values[0][1], "https://token.actions.githubusercontent.com", values)
    assert slsa_level.slsa_level(signer, has_provenance=True, reviewed=(row,))[0] == 3
