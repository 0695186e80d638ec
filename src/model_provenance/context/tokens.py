"""Where an identity token comes from: given by the caller, asked of the GitHub runner, or left by GitLab in a variable.

Tokens and the runner's bearer secret are credentials: they stand in no message, no `repr`, no value of `domain`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from model_provenance.context import github, gitlab
from model_provenance.context.github_token import GitHubEndpoint
from model_provenance.context.identity import AUDIENCE, identity_of, same_run
from model_provenance.domain.context import Identity
from model_provenance.errors import ModelProvenanceError

#: Fulcio takes no token of this audience, so one that is only read can sign nothing if it leaks.
_READING_AUDIENCE = "model-provenance-claims"


class TokenSource(Protocol):
    """One way to get an identity token."""

    @property
    def any_audience(self) -> bool:
        """True where tokens are made on demand, for the audience that is asked for."""
        ...

    def fetch(self, audience: str) -> str:
        """A token, or the one there is. Errors: `context.token_endpoint`, `context.token_missing`."""
        ...


@dataclass(frozen=True, slots=True)
class GivenToken:
    """A token that exists already."""

    token: str = field(repr=False)
    any_audience: bool = field(default=False, init=False)

    def fetch(self, audience: str) -> str:  # noqa: ARG002 - its audience was fixed by who requested it
        """The token."""
        return self.token


@dataclass(frozen=True, slots=True)
class ToldToken:
    """The tokens of another source; `told` hears of each one first, so that a runner hides it from then on."""

    source: TokenSource
    told: Callable[[str], None]

    @property
    def any_audience(self) -> bool:
        """As the source has it."""
        return self.source.any_audience

    def fetch(self, audience: str) -> str:
        """The source's token. Errors: those of the source."""
        token = self.source.fetch(audience)
        self.told(token)
        return token


def find_token_source(env: Mapping[str, str], given: str | None = None) -> TokenSource:
    """The source of this process's identity: `--identity-token`, else the job's own.

    Errors: `context.token_missing` with the lines to add, or the reason why this run gets no token.
    """
    if given is not None:
        return GivenToken(given.strip())
    if github.is_here(env):
        url, secret = env.get("ACTIONS_ID_TOKEN_REQUEST_URL"), env.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
        if url and secret:
            return GitHubEndpoint(url, secret)
        raise _no_github_token(env)
    if gitlab.is_here(env):
        token = env.get("SIGSTORE_ID_TOKEN")
        if token:
            return GivenToken(token.strip())
        raise ModelProvenanceError(
            "context.token_missing",
            "this GitLab job has no SIGSTORE_ID_TOKEN, so there is no identity to sign with",
            remedy=f"Add to the job:\n{gitlab.ID_TOKENS_YAML}",
        )
    raise ModelProvenanceError(
        "context.token_missing",
        "keyless signing needs an identity token, and neither GitHub Actions nor GitLab CI/CD runs this process",
        remedy="Release in CI, give a token (--identity-token), or sign with a key (--key).",
    )


def identify(source: TokenSource, *, now: int) -> Identity:
    """Who would sign, before anything is signed. `now` is in seconds since 1970."""
    if source.any_audience:
        return identity_of(source.fetch(_READING_AUDIENCE), now=now, audience=_READING_AUDIENCE)
    return identity_of(source.fetch(AUDIENCE), now=now, audience=AUDIENCE)


def signing_token(source: TokenSource, identified: Identity, *, now: int) -> str:
    """The token to sign with, asked for when signing starts: what lives for minutes must not wait for an upload.

    Errors: those of `identity_of`, and `context.token_mismatch` where it is not of the run that was identified.
    """
    token = source.fetch(AUDIENCE)
    if not same_run(identity_of(token, now=now, audience=AUDIENCE), identified):
        raise ModelProvenanceError(
            "context.token_mismatch", "the identity token changed between describing the release and signing it"
        )
    return token


def _no_github_token(env: Mapping[str, str]) -> ModelProvenanceError:
    run = github.run_from(env)
    stranger = None if run is None else github.stranger_of(run, github.event_of(env))
    if stranger is not None:
        return ModelProvenanceError(
            "context.token_missing",
            f"this pull request comes from {stranger}, and GitHub gives such runs no identity token: code that nobody "
            "has reviewed could sign with it",
            remedy="Release when it is merged; on pull requests use `release --dry-run`, which signs nothing.",
        )
    return ModelProvenanceError(
        "context.token_missing",
        "this job may not request an identity token, so there is no identity to sign with",
        remedy=f"Add to the job (a reusable workflow's caller needs it too):\n{github.PERMISSIONS_YAML}",
    )
