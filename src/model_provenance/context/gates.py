"""What stops a signature before Sigstore is asked: the event, the checkout, and what would become public."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model_provenance.context.github import stranger_of
from model_provenance.context.run import speaks_of_a_run
from model_provenance.domain.context import CiRun, Context, Provider, Visibility
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

#: Events whose runs have the base repository's identity while others decide what they read or when they start.
_REFUSED_EVENTS = ("pull_request_target", "issue_comment", "workflow_run")
#: Events of a change that nobody has accepted yet.
_REVIEW_EVENTS = ("pull_request", "merge_request_event")


def check_may_sign(context: Context) -> None:
    """Refuse (21) an event that strangers steer, and a checkout that is not at the run's commit.

    Where no checkout encloses the model there is nothing to compare; `collect` has told so.
    """
    run, git = context.run, context.git
    if run is None:
        return
    if run.event in _REFUSED_EVENTS:
        raise ModelProvenanceError(
            "context.event_refused",
            f"runs of the event {run.event} may not sign: they have the repository's identity, but who opens a pull "
            "request or writes a comment can steer what they do",
        )
    if git is not None and git.commit != run.commit:
        remedy = None
        if run.provider is Provider.GITLAB:
            remedy = "Release from the commit that GitLab checked out; do not switch to another one in the job."
        raise ModelProvenanceError(
            "context.head_mismatch",
            f"the checkout is at {git.commit[:12]}, but the run is of commit {run.commit[:12]}: what is released would "
            "not be what the certificate says",
            remedy=remedy,
            location=git.root,
        )


def check_privacy(context: Context, *, private_instance: bool, allow_public_log: bool) -> None:
    """Refuse (21) to publish what is not known to be public, and list it; call before Fulcio is contacted.

    The certificate goes into public logs for ever: the CT log when Fulcio makes it, then Rekor.
    """
    personal = context.identity is not None and context.identity.personal
    if private_instance or allow_public_log or (context.visibility is Visibility.PUBLIC and not personal):
        return
    if personal:
        why = "the identity token speaks for a person"
    elif context.visibility is Visibility.UNKNOWN:
        why = "nothing says that the repository is public"
    else:
        why = f"the repository is {context.visibility.value}"
    lines = "\n".join(f"  {what}: {shown(value)}" for what, value in _published(context))
    raise ModelProvenanceError(
        "context.private", f"{why}, and signing would publish, for ever and for everybody:\n{lines}"
    )


def dry_run_reason(run: CiRun, event: Mapping[str, Any], wish: str) -> str | None:
    """Why a CI job only shows what a release would be; None where it signs. `event` is the payload that started it.

    `wish` is the input `dry-run`. A stranger's pull request has no identity to sign with, and its author cannot change
    that. One of the repository itself could sign, as an event that no gate takes: that is done only where it was asked for.
    """
    stranger = stranger_of(run, event)
    if stranger is not None:
        return f"this pull request is {stranger}'s, and GitHub gives its runs no identity to sign with"
    if wish == "true":
        return "the input `dry-run` is true"
    if wish == "auto" and run.event in _REVIEW_EVENTS:
        what = "pull" if run.provider is Provider.GITHUB else "merge"
        return f"this is a {what} request; a run after the merge signs"
    return None


def _published(context: Context) -> list[tuple[str, str]]:
    """What the certificate would carry, in words."""
    run, identity = context.run, context.identity
    found: list[tuple[str, str | None]] = []
    if identity is not None and not speaks_of_a_run(identity):
        email = dict(identity.claims).get("email")
        found += [("e-mail address", email), ("issuer", identity.issuer), ("subject", identity.subject)]
    elif run is not None:
        found += [
            ("repository", f"{run.server_url}/{run.repository}"),
            ("owner", run.owner),
            ("workflow", run.config_uri),
            ("workflow that signs", run.builder_uri if run.builder_uri != run.config_uri else None),
            ("ref", run.ref),
            ("commit", run.commit),
            ("event", run.event),
            ("run", run.run_url),
            ("deployment environment", run.environment),
        ]
    return [(what, value) for what, value in found if value]
