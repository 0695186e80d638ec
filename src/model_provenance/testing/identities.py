"""Token claims to certificate contents, as production Fulcio maps them (its config/identity and oid-info.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cryptography import x509

from model_provenance.testing import der
from model_provenance.testing.loopback import RefusedError

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
GITLAB_ISSUER = "https://gitlab.com"
EMAIL_ISSUER = "https://accounts.google.com"

_ARC = "1.3.6.1.4.1.57264.1"
#: .1 to .6 hold raw text, the later ones a DER UTF8String.
_LAST_RAW = 6


@dataclass(frozen=True)
class Provider:
    """How one kind of CI becomes a certificate: templates over the token's claims, and `url`, which tokens lack."""

    url: str
    name: str
    extensions: Mapping[int, str]


_GITHUB = Provider(
    url="https://github.com",
    name="{url}/{job_workflow_ref}",
    extensions={
        2: "{event_name}",
        3: "{sha}",
        4: "{workflow}",
        5: "{repository}",
        6: "{ref}",
        9: "{url}/{job_workflow_ref}",
        10: "{job_workflow_sha}",
        11: "{runner_environment}",
        12: "{url}/{repository}",
        13: "{sha}",
        14: "{ref}",
        15: "{repository_id}",
        16: "{url}/{repository_owner}",
        17: "{repository_owner_id}",
        18: "{url}/{workflow_ref}",
        19: "{workflow_sha}",
        20: "{event_name}",
        21: "{url}/{repository}/actions/runs/{run_id}/attempts/{run_attempt}",
        22: "{repository_visibility}",
        23: "{environment}",
        24: "{sub}",
    },
)
_GITLAB = Provider(
    url="https://gitlab.com",
    name="https://{ci_config_ref_uri}",
    extensions={
        9: "https://{ci_config_ref_uri}",
        10: "{ci_config_sha}",
        11: "{runner_environment}",
        12: "{url}/{project_path}",
        13: "{sha}",
        14: "refs/{_ref_folder}/{ref}",
        15: "{project_id}",
        16: "{url}/{namespace_path}",
        17: "{namespace_id}",
        18: "https://{ci_config_ref_uri}",
        19: "{ci_config_sha}",
        20: "{pipeline_source}",
        21: "{url}/{project_path}/-/jobs/{job_id}",
        22: "{project_visibility}",
        23: "{environment}",
        24: "{sub}",
    },
)
#: A GitHub Enterprise Server, as the Fulcio of its own company knows it: the same templates with its own address.
ENTERPRISE = "https://github.acme.example"
#: Another GitLab instance shares gitlab.com's template, so its certificates name `https://gitlab.com/…` as the source
#: (as public Fulcio does for Arch Linux): a verifier that does not look at the issuer takes one for the other.
PROVIDERS: Mapping[str, Provider] = {
    GITHUB_ISSUER: _GITHUB,
    GITLAB_ISSUER: _GITLAB,
    f"{ENTERPRISE}/_services/token": replace(_GITHUB, url=ENTERPRISE),
    "https://gitlab.archlinux.org": _GITLAB,
}
EMAIL_ISSUERS = frozenset({EMAIL_ISSUER, "https://oauth2.sigstore.dev/auth"})


@dataclass(frozen=True)
class Principal:
    """Whom a certificate speaks for."""

    #: What a proof of possession signs: the token's `sub`, or the e-mail address.
    challenge: str
    names: x509.SubjectAlternativeName
    extensions: tuple[x509.UnrecognizedExtension, ...]


def principal(claims: Mapping[str, Any]) -> Principal:
    """The identity in a token whose signature is already checked."""
    issuer = str(claims["iss"])
    if issuer in EMAIL_ISSUERS:
        return _person(claims)
    if issuer not in PROVIDERS:
        raise RefusedError(f"no issuer {issuer} is configured")
    provider = PROVIDERS[issuer]
    values = {"environment": "", "url": provider.url} | {k: v for k, v in claims.items() if isinstance(v, str)}
    values["_ref_folder"] = "heads" if claims.get("ref_type") == "branch" else "tags"
    try:
        name = provider.name.format_map(values)
        texts = {arc: template.format_map(values) for arc, template in provider.extensions.items()}
    except KeyError as error:
        raise RefusedError(f"value {error} not present in either claims or defaults") from error
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(name)])
    return Principal(str(claims["sub"]), names, _extensions({1: issuer, 8: issuer, **texts}))


def _person(claims: Mapping[str, Any]) -> Principal:
    address = claims.get("email")
    if not isinstance(address, str) or claims.get("email_verified") is not True:
        raise RefusedError("the token has no verified e-mail address")
    federated = claims.get("federated_claims")
    issuer = str(federated["connector_id"] if isinstance(federated, dict) else claims["iss"])
    names = x509.SubjectAlternativeName([x509.RFC822Name(address)])
    return Principal(address, names, _extensions({1: issuer, 8: issuer, 24: str(claims["sub"])}))


def _extensions(texts: Mapping[int, str]) -> tuple[x509.UnrecognizedExtension, ...]:
    """Empty ones are left out, as Fulcio does."""
    return tuple(
        x509.UnrecognizedExtension(
            x509.ObjectIdentifier(f"{_ARC}.{arc}"), text.encode() if arc <= _LAST_RAW else der.utf8(text)
        )
        for arc, text in sorted(texts.items())
        if text
    )
