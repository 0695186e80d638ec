"""Commits as people write them in a manifest: an id, maybe short, or `git+https://host/owner/repo@<id>`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from model_provenance.domain.finding import Finding, failed, skipped
from model_provenance.domain.text import shown

#: No `@` before the last one: a user name or password in the URL would be published.
_FORM = re.compile(r"(?:(git\+https://[^\s@?#]+)@)?([0-9a-f]{7,64})")
_FULL_HISTORY = "Check out the whole history: `fetch-depth: 0` for actions/checkout, `GIT_DEPTH: 0` for GitLab."
_WRITE_IT = "Write the commit as git has it: `git rev-parse HEAD`, where the training ran."


@dataclass(frozen=True, slots=True)
class CommitReference:
    """A commit, perhaps by a short id, perhaps without its repository."""

    #: `git+https://host/owner/repo`
    repository: str | None
    id: str


def parse_commit(text: str) -> CommitReference | None:
    """Read a commit; None for any other text (`commit_problem` says why)."""
    match = _FORM.fullmatch(text)
    if match is None or 40 < len(match[2]) < 64:  # noqa: PLR2004 - between the lengths of SHA-1 and SHA-256
        return None
    return CommitReference(match[1], match[2])


def commit_problem(text: str) -> str | None:
    """What keeps `text` from being a commit; None where it is one. Never repeats an address, which may hold a token."""
    if parse_commit(text) is not None:
        return None
    url, _, commit = text.rpartition("@")
    if "@" in url or re.match(r"[a-z+]+://[^/]*@", text):
        return "its address holds a user name or a password (every SSH address does), which would be published"
    if url and not url.startswith("git+https://"):
        return "its address does not start with `git+https://`"
    if re.fullmatch(r"[0-9A-Fa-f]+", commit):
        if commit != commit.lower():
            return "a commit id is written in lower case"
        return f"a commit id has 7 to 40 hex digits, or 64, not {len(commit)}"
    if "://" in commit:
        return "it does not name a commit: add `@` and the commit id"
    return f"`{shown(commit, 80)}` is a name that can move, not a commit id"


def unresolved(
    text: str, *, resolve: Callable[[str], str | None], shallow: Callable[[], bool], location: str = ""
) -> tuple[Finding, ...]:
    """What there is to say about a declared commit that the checkout at hand does not hold; empty where it does.

    `resolve` gives the full id of an id that the checkout holds. A commit that names its repository may be of another
    one and is not looked for; where `shallow` says that history is cut off the check is skipped, never passed.
    """
    reference = parse_commit(text)
    if reference is None or reference.repository is not None or resolve(reference.id) is not None:
        return ()
    if shallow():
        message = f"this shallow clone does not hold the training commit {reference.id}, so it was not checked"
        return (skipped("manifest.commit_unchecked", message, remedy=_FULL_HISTORY, location=location),)
    message = f"this repository does not hold the training commit {reference.id}"
    return (failed("manifest.commit", message, remedy=_WRITE_IT, location=location),)
