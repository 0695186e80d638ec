"""The two commits of a release: the one that releases is observed, the one that trained is declared."""

from __future__ import annotations

import re
from dataclasses import dataclass

from model_provenance.context.remote import repository_url, without_credentials
from model_provenance.context.repository import Repository
from model_provenance.domain.context import CiRun, Fact, GitState, Known
from model_provenance.domain.finding import Finding, skipped
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

_FULL = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
#: Git's own shortest abbreviation has four digits; seven is what it prints.
_ID = re.compile(r"[0-9a-f]{4,64}")
_ELSEWHERE = re.compile(r"git\+(?P<url>https://[^@\s]+)@(?P<id>[0-9a-f]+)")
_FULL_HISTORY = (
    "Fetch the whole history: `fetch-depth: 0` on actions/checkout, or the variable `GIT_DEPTH: 0` on GitLab."
)
_TRAINING_LINE = (
    "Add the line `training_commit: COMMIT` to the source manifest, or give --training-commit COMMIT; if this very job "
    "trained the model, give --trained-here."
)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as `git+https://host/repository@<id>`, with how it is known."""

    fact: Fact[str]
    findings: tuple[Finding, ...] = ()


def release_commit(git: GitState | None, run: CiRun | None, *, signed: bool) -> Commit:
    """The commit that releases: the run's, else git's. `signed` tells that the run comes from an identity token."""
    address = repository_address(git, run)
    id = run.commit if run is not None else git.commit if git is not None else None
    if id is None or address is None:
        why = "there is no commit" if id is None else "its repository has no remote that has a web address"
        return Commit(
            Fact(None, Known.UNKNOWN),
            (skipped("context.release_commit_unknown", f"release_commit is not recorded: {why}"),),
        )
    source = "identity token" if signed else "environment of the run" if run is not None else "git"
    return Commit(Fact(f"git+{address}@{id}", Known.OBSERVED, source))


def training_commit(
    *,
    option: str | None,
    manifest: str | None,
    trained_here: bool,
    released: Fact[str],
    address: str | None,
    repository: Repository | None,
) -> Commit:
    """The commit that trained, as declared by option or source manifest, or the release commit with `trained_here`.

    `address` is this repository's. Errors: `context.commit_unknown` for what cannot be a commit, and for declarations
    that contradict each other.
    """
    told = [(text, name) for text, name in ((option, "--training-commit"), (manifest, "the source manifest")) if text]
    if trained_here:
        if released.value is None:
            raise _unusable("--trained-here says that the release commit trained the model, but that is not known")
        told.append((released.value, "--trained-here"))
    if not told:
        message = "training_commit is not recorded: nothing says which commit trained the model"
        return Commit(
            Fact(None, Known.UNKNOWN), (skipped("context.training_commit_unknown", message, remedy=_TRAINING_LINE),)
        )
    commits = [declared_commit(text, name, address, repository) for text, name in told]
    known = {commit.fact.value for commit in commits if commit.fact.value is not None}
    if len(known) > 1:
        names = " and ".join(name for _, name in told)
        raise _unusable(
            f"{names} name different training commits: {', '.join(shown(value) for value in sorted(known))}"
        )
    findings = tuple(finding for commit in commits for finding in commit.findings)
    return Commit(next((commit.fact for commit in commits if commit.fact.value in known), commits[0].fact), findings)


def declared_commit(text: str, name: str, address: str | None, repository: Repository | None) -> Commit:
    """What a person typed as a commit, completed: an id, maybe short, or `git+https://host/repository@<id>`.

    A short id that a shallow clone does not hold stays unknown, with a finding that says how to fetch it. Errors:
    `context.commit_unknown`.
    """
    elsewhere = _ELSEWHERE.fullmatch(text)
    where = repository_url(elsewhere["url"]) if elsewhere else address
    id = elsewhere["id"] if elsewhere else text
    if not _ID.fullmatch(id) or (elsewhere and where is None):
        raise _unusable(f"{name} {_typed(text)} is no commit id (hex digits, at least four)")
    if where is None:
        raise _unusable(f"{name} {_typed(text)} does not say in which repository, and no remote of this one tells")
    full = repository.resolve(id) if repository is not None and where == address else None
    if full is None and not _FULL.fullmatch(id):
        if repository is None or where != address:
            raise _unusable(f"{name} {_typed(text)} is short, and the repository that could complete it is not here")
        if not repository.shallow:
            raise _unusable(f"{name} {_typed(text)} is the beginning of no commit of this repository, or of several")
        return Commit(
            Fact(None, Known.UNKNOWN), (_unchecked(name, text, "and is too short to be recorded", _FULL_HISTORY),)
        )
    fact = Fact(f"git+{where}@{full or id}", Known.DECLARED, name)
    if full is not None or repository is None or where != address:
        return Commit(fact)
    remedy = (
        _FULL_HISTORY if repository.shallow else "Check the id; a commit of a branch that is gone cannot be checked."
    )
    return Commit(fact, (_unchecked(name, text, "and is recorded as it was declared", remedy),))


def repository_address(git: GitState | None, run: CiRun | None) -> str | None:
    """`https://host/repository` of the source: the run's, else that of git's remote."""
    if run is not None:
        return repository_url(f"{run.server_url}/{run.repository}")
    return None if git is None else git.remote


def _unchecked(name: str, text: str, outcome: str, remedy: str) -> Finding:
    message = f"{name} {_typed(text)} is not among the commits of this clone, {outcome}"
    return skipped("context.commit_unchecked", message, remedy=remedy)


def _typed(text: str) -> str:
    return shown(without_credentials(text))


def _unusable(why: str) -> ModelProvenanceError:
    return ModelProvenanceError("context.commit_unknown", why)
