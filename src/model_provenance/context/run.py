"""The CI run, told twice: by the environment, which any step can set, and by the token, which the CI signed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from model_provenance.context import github, gitlab
from model_provenance.context.variables import visibility_named
from model_provenance.domain.context import CiRun, Identity, Provider, Visibility
from model_provenance.domain.finding import Finding, warned
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError


@dataclass(frozen=True, slots=True)
class CiService:
    """What is known of one CI service."""

    provider: Provider
    #: The run by its environment; None elsewhere, an error where it is here but incomplete.
    run_from: Callable[[Mapping[str, str]], CiRun | None]
    #: The fields of a run by its token's claims; empty for another issuer's.
    fields_of: Callable[[Mapping[str, str]], dict[str, str]]
    workspace_of: Callable[[Mapping[str, str]], Path | None]
    visibility_claim: str
    #: The page of a run: server, repository, run id, attempt.
    run_url: Callable[[str, str, str, str | None], str]


#: Asked in this order; the first that is here speaks. Where none is, this is a local run.
SERVICES = (
    CiService(
        provider=Provider.GITHUB,
        run_from=github.run_from,
        fields_of=github.fields_of,
        workspace_of=github.workspace_of,
        visibility_claim=github.VISIBILITY_CLAIM,
        run_url=github.run_url,
    ),
    CiService(
        provider=Provider.GITLAB,
        run_from=gitlab.run_from,
        fields_of=gitlab.fields_of,
        workspace_of=gitlab.workspace_of,
        visibility_claim=gitlab.VISIBILITY_CLAIM,
        run_url=gitlab.run_url,
    ),
)

#: What must agree where both say it. The attempt is informational; actor and deployment environment decide nothing.
_MUST_AGREE = (
    "repository",
    "repository_id",
    "owner",
    "owner_id",
    "commit",
    "ref",
    "event",
    "config_uri",
    "config_commit",
    "run_id",
    "runner_environment",
)


def run_of(env: Mapping[str, str]) -> CiRun | None:
    """The run as the environment tells it; None outside CI. Errors: `context.runner`, `context.event`."""
    return next((run for service in SERVICES if (run := service.run_from(env)) is not None), None)


def workspace_of(env: Mapping[str, str]) -> Path | None:
    """The folder that the CI checks out into; None outside CI."""
    return next((folder for service in SERVICES if (folder := service.workspace_of(env)) is not None), None)


def speaks_of_a_run(identity: Identity) -> bool:
    """True for the token of a CI job: its certificate will carry the run."""
    claims = dict(identity.claims)
    return any(service.fields_of(claims) for service in SERVICES)


def bind(run: CiRun | None, identity: Identity | None) -> tuple[CiRun | None, tuple[Finding, ...]]:
    """The run with the token's claims in place of what the environment only says.

    Errors: `context.token_mismatch` where the two disagree, `context.token_unusable`.
    """
    if identity is None:
        return run, ()
    claims = dict(identity.claims)
    said = [(service, fields) for service in SERVICES if (fields := service.fields_of(claims))]
    if not said:
        return run, () if run is None else (_unbacked(identity),)
    service, fields = said[0]
    if run is None or run.provider is not service.provider:
        here = "outside CI" if run is None else f"on {run.provider.value}"
        raise ModelProvenanceError(
            "context.token_mismatch",
            f"the identity token is of a {service.provider.value} run, but this process runs {here} by its environment",
            remedy="Sign in the job that the token was made for; a container that it starts needs the job's variables.",
        )
    _refuse_difference(run, fields)
    if service.provider is Provider.GITLAB:
        gitlab.check_usable(identity)
    visibility = visibility_named(claims.get(service.visibility_claim))
    known = run.visibility if visibility is Visibility.UNKNOWN else visibility
    bound = replace(run, **fields, visibility=known)  # type: ignore[arg-type]  # names of text fields only
    url = service.run_url(bound.server_url, bound.repository, bound.run_id, bound.run_attempt)
    return replace(bound, run_url=url), ()


def _refuse_difference(run: CiRun, fields: Mapping[str, str]) -> None:
    for name in _MUST_AGREE:
        by_environment, by_token = getattr(run, name), fields.get(name)
        if by_environment is not None and by_token is not None and by_environment != by_token:
            what = name.replace("_", " ")
            raise ModelProvenanceError(
                "context.token_mismatch",
                f"environment and identity token disagree, so signing stops: {what} is {shown(by_environment)} "
                f"by the environment and {shown(by_token)} by the token",
            )


def _unbacked(identity: Identity) -> Finding:
    return warned(
        "context.run_unbacked",
        f"the identity token of {shown(identity.issuer)} says nothing about this CI run, so commit, workflow and run "
        "stand in the environment alone and the certificate will not confirm them",
        remedy="Sign with the identity token of the job.",
    )
