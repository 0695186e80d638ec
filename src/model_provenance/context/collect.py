"""`collect`: who and where we are, as git, the runner and the identity token say it, in one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from model_provenance.context import commits
from model_provenance.context.container import container_of
from model_provenance.context.repository import Reading, Repository
from model_provenance.context.run import bind, run_of, speaks_of_a_run, workspace_of
from model_provenance.context.source import source_root
from model_provenance.domain.context import CiRun, Context, GitState, Identity, Provider, Visibility
from model_provenance.domain.finding import Finding, skipped, warned
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

#: The last second of the year 9999; RFC 3339 has no form for later ones.
_LAST_SECOND = 253402300799
_NAMED_FILES = 5


def collect(
    model_dir: Path,
    *,
    env: Mapping[str, str],
    identity: Identity | None = None,
    training_commit: str | None = None,
    trained_here: bool = False,
    container_digest: str | None = None,
    source_training_commit: str | None = None,
) -> tuple[Context, tuple[Finding, ...]]:
    """The context of a release, and what a person should know about it.

    `identity` is what `tokens.identify` gave, None where no token signs; `training_commit` and `container_digest` are
    as typed on the command line, `source_training_commit` as the source manifest declares it. Errors: any `context.…`
    code but those of tokens; `context.token_mismatch` where token and environment disagree.
    """
    run, unbacked = bind(run_of(env), identity)
    claims = dict(identity.claims) if identity is not None and speaks_of_a_run(identity) else {}
    root = source_root(model_dir, workspace_of(env))
    repository = None if root is None else Repository(root, env)
    reading = None if repository is None else repository.read(model_dir)
    git = None if reading is None else _settled(reading, run, trained_here=trained_here)
    released = commits.release_commit(git, run, signed=bool(claims))
    trained = commits.training_commit(
        option=training_commit,
        manifest=source_training_commit,
        trained_here=trained_here,
        released=released.fact,
        address=commits.repository_address(git, run),
        repository=repository,
    )
    container = container_of(container_digest, run, claims, env, None if repository is None else repository.blob)
    context = Context(
        provider=Provider.LOCAL if run is None else run.provider,
        git=git,
        run=run,
        identity=identity,
        release_commit=released.fact,
        training_commit=trained.fact,
        container_digest=container.digest,
        container_image=container.image,
        # What the event says of the repository says nothing of an identity that is not the run's.
        visibility=Visibility.UNKNOWN if run is None or unbacked else run.visibility,
        epoch=_epoch(env, git, run),
    )
    about_git = _about_git(reading, run, trained_here=trained_here)
    return context, (*unbacked, *about_git, *released.findings, *trained.findings, *container.findings)


def _settled(reading: Reading, run: CiRun | None, *, trained_here: bool) -> GitState:
    """The state with what only the caller knows: new files of a model that this job trained are no dirt."""
    git = reading.state
    if trained_here:
        git = replace(git, dirty=bool(reading.changed))
    if run is not None and run.ref.startswith("refs/tags/") and run.commit == git.commit:
        git = replace(git, tag=run.ref.removeprefix("refs/tags/"))
    return git


def _about_git(reading: Reading | None, run: CiRun | None, *, trained_here: bool) -> tuple[Finding, ...]:
    if reading is None:
        if run is None:
            return ()  # the unknown release commit says it
        message = "no git checkout encloses the model, so it was not compared with the commit of the run"
        return (skipped("context.checkout_missing", message),)
    commit = reading.state.commit[:12]
    findings = []
    if reading.changed:
        files = _count(len(reading.changed), "tracked file differs", "tracked files differ")
        findings.append(warned("context.dirty", f"{files} from commit {commit}: {_names(reading.changed)}"))
    if reading.untracked and not trained_here:
        files = _count(len(reading.untracked), "entry", "entries")
        message = f"the model holds {files} that commit {commit} does not: {_names(reading.untracked)}"
        remedy = "Commit them; or, if this job trained the model, say so with --trained-here."
        findings.append(warned("context.dirty", message, remedy=remedy))
    return tuple(findings)


def _epoch(env: Mapping[str, str], git: GitState | None, run: CiRun | None) -> int | None:
    """SOURCE_DATE_EPOCH, else the time of the release commit (design, 1.3)."""
    text = env.get("SOURCE_DATE_EPOCH")
    if text:
        if not (
            text.isascii() and text.isdigit() and len(text) <= len(str(_LAST_SECOND)) and int(text) <= _LAST_SECOND
        ):
            raise ModelProvenanceError("context.source_date_epoch", f"SOURCE_DATE_EPOCH is {shown(text)}")
        return int(text)
    if git is None or (run is not None and run.commit != git.commit):
        return None
    return git.commit_time if 0 <= git.commit_time <= _LAST_SECOND else None


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _names(paths: tuple[str, ...]) -> str:
    more = f" and {len(paths) - _NAMED_FILES} more" if len(paths) > _NAMED_FILES else ""
    return ", ".join(shown(path, 80) for path in paths[:_NAMED_FILES]) + more
