"""Commits as people write them in a manifest or on the command line, made whole: `git+https://host/owner/repo@<hex>`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from model_provenance.domain.finding import Finding, failed, skipped
from model_provenance.domain.text import shown

#: No `@` before the last one: a user name or password in the URL would be published.
_FORM = re.compile(r"(?:(git\+https?://[^\s@?#]+)@)?([0-9a-f]{7,64})")
_FULL = (40, 64)


@dataclass(frozen=True, slots=True)
class CommitReference:
    """A commit, perhaps by a short id, perhaps without its repository."""

    #: `git+https://host/owner/repo`
    repository: str | None
    id: str

    @property
    def is_full(self) -> bool:
        """Whether the id is a whole SHA-1 or SHA-256 object name."""
        return len(self.id) in _FULL


def parse_commit(text: str) -> CommitReference | None:
    """Read a commit; None for any other text (`commit_problem` says why)."""
    match = _FORM.fullmatch(text)
    if match is None or 40 < len(match[2]) < 64:  # noqa: PLR2004 - between the lengths of SHA-1 and SHA-256
        return None
    return CommitReference(match[1], match[2])


def commit_problem(text: str) -> str | None:
    """What keeps `text` from being a commit; None where it is one. Never repeats a password."""
    if parse_commit(text) is not None:
        return None
    url, _, commit = text.rpartition("@")
    if "@" in url or re.match(r"[a-z+]+://[^/]*:[^/]*@", text):
        return "its address holds a user name or a password, which would be published; and an SSH address is no `git+https://`"
    if url and not url.startswith(("git+https://", "git+http://")):
        return f"its address `{shown(url, 80)}` does not start with `git+https://`"
    if re.fullmatch(r"[0-9A-Fa-f]+", commit):
        if commit != commit.lower():
            return "a commit id is written in lower case"
        return f"a commit id has 7 to 40 hex digits, or 64, not {len(commit)}"
    if "://" in commit:
        return "it does not name a commit: add `@` and the commit id"
    return f"`{shown(commit, 80)}` is a name that can move, not a commit id"


def resolve_commit(
    text: str,
    *,
    repository: str | None,
    lookup: Callable[[str], str | None],
    shallow: bool,
    location: str = "",
) -> tuple[str | None, tuple[Finding, ...]]:
    """The whole form of a declared training commit, and what there is to say about it.

    `repository` is the checkout's own remote as `https://host/owner/repo`; `lookup` gives the full id of an id that the
    checkout holds. A commit of another repository is taken as declared. A commit of this one that a shallow clone does
    not hold is a skipped finding; one that a whole clone does not hold is an error.
    """
    reference = parse_commit(text)
    if reference is None:
        return None, (
            failed("manifest.commit", f"`{shown(text)}` is no commit: {commit_problem(text)}", location=location),
        )
    own = None if repository is None else f"git+{repository.removesuffix('.git')}"
    if reference.repository is not None and reference.repository.removesuffix(".git") != own:
        return _of_another(reference, location)
    full = lookup(reference.id)
    base = reference.repository or own
    if full is not None:
        return (None if base is None else f"{base}@{full}"), ()
    return (f"{base}@{reference.id}" if base and reference.is_full else None), (
        _missing(reference.id, shallow, location),
    )


def _of_another(reference: CommitReference, location: str) -> tuple[str | None, tuple[Finding, ...]]:
    if reference.is_full:
        return f"{reference.repository}@{reference.id}", ()
    message = f"the short id {reference.id} belongs to another repository and cannot be completed here"
    remedy = "Write the full commit id: 40 hex digits."
    return None, (failed("manifest.commit", message, remedy=remedy, location=location),)


def _missing(commit: str, shallow: bool, location: str) -> Finding:
    if shallow:
        return skipped(
            "manifest.commit_unchecked",
            f"this shallow clone does not hold the training commit {commit}, so it was not checked",
            remedy="Check out the whole history: `fetch-depth: 0` for actions/checkout, `GIT_DEPTH: 0` for GitLab.",
            location=location,
        )
    return failed(
        "manifest.commit",
        f"this repository does not hold the training commit {commit}",
        remedy="Write the commit as git has it: `git rev-parse HEAD`, where the training ran.",
        location=location,
    )
