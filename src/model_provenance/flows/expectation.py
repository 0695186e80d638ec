"""Who must have signed, from the options; without one, a usage error that shows the ready option for what was found."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from model_provenance.domain.parts import DEFAULT_PARTS, PARTS
from model_provenance.domain.text import shown
from model_provenance.domain.verification import EvidenceFiles, KeyExpectation, PkiExpectation, SignerExpectation
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.files import read_file
from model_provenance.formats.identity import parse_identity, parse_signer
from model_provenance.verify.suggest import suggest

_KEY_LIMIT = 64 * 1024
_CHAIN_LIMIT = 256 * 1024


@dataclass(frozen=True, slots=True)
class SignerOptions:
    """The options of `verify` that say who must have signed."""

    key: Path | None = None
    certificate_chain: Path | None = None
    signer: str | None = None
    builder: str | None = None
    environment: str | None = None
    certificate_identity: str | None = None
    certificate_identity_regexp: str | None = None
    certificate_oidc_issuer: str | None = None
    source_repository: str | None = None
    allow_events: tuple[str, ...] = ()


def required_parts(text: str | None) -> tuple[str, ...]:
    """The parts that `--require` names, joined by commas; the default ones for None. Raises `usage.invalid`."""
    if text is None:
        return DEFAULT_PARTS
    parts = tuple(part.strip() for part in text.split(","))
    for part in parts:
        if part not in PARTS:
            raise ModelProvenanceError(
                "usage.invalid",
                f"--require: `{shown(part, 60)}` is no part of a model",
                remedy=f"There are: {', '.join(PARTS)}.",
            )
    return parts


def expected_signer(options: SignerOptions, evidence: EvidenceFiles) -> SignerExpectation:
    """Exactly one way of saying who signed; `usage.invalid` for none or several."""
    given = {
        "--key": options.key,
        "--certificate-chain": options.certificate_chain,
        "--signer": options.signer,
        "--certificate-identity": options.certificate_identity,
        "--certificate-identity-regexp": options.certificate_identity_regexp,
    }
    chosen = [name for name, value in given.items() if value is not None]
    if not chosen:
        raise _none_given(evidence)
    if len(chosen) > 1:
        raise ModelProvenanceError(
            "usage.invalid", f"{' and '.join(chosen)} exclude each other", remedy="Say in one way who must have signed."
        )
    _refuse_unused(options, chosen[0])
    if options.key is not None:
        return KeyExpectation(read_file(options.key, option="--key", limit=_KEY_LIMIT))
    if options.certificate_chain is not None:
        anchors = read_file(options.certificate_chain, option="--certificate-chain", limit=_CHAIN_LIMIT)
        return PkiExpectation(anchors, int(time.time()))
    if options.signer is not None:
        return parse_signer(
            options.signer,
            builder=options.builder,
            environment=options.environment,
            allow_events=options.allow_events,
            issuer=options.certificate_oidc_issuer,
        )
    if options.certificate_oidc_issuer is None:
        raise ModelProvenanceError(
            "usage.invalid",
            f"{chosen[0]} needs --certificate-oidc-issuer: the same subject means something else at another issuer",
            remedy="Add --certificate-oidc-issuer https://token.actions.githubusercontent.com (for GitHub Actions).",
        )
    return parse_identity(
        options.certificate_identity or options.certificate_identity_regexp or "",
        is_regexp=options.certificate_identity is None,
        issuer=options.certificate_oidc_issuer,
        source_repository=options.source_repository,
        allow_events=options.allow_events,
    )


def _refuse_unused(options: SignerOptions, chosen: str) -> None:
    """An option that would be ignored gives a false feeling: refuse it."""
    identity = chosen.startswith("--certificate-identity")
    unused = {
        "--builder": options.builder is not None and chosen != "--signer",
        "--environment": options.environment is not None and chosen != "--signer",
        "--certificate-oidc-issuer": options.certificate_oidc_issuer is not None
        and not identity
        and chosen != "--signer",
        "--source-repository": options.source_repository is not None and not identity,
        "--allow-event": bool(options.allow_events) and chosen in ("--key", "--certificate-chain"),
    }
    for name, is_unused in unused.items():
        if is_unused:
            raise ModelProvenanceError(
                "usage.invalid", f"{name} says nothing together with {chosen}", remedy=f"Leave {name} out."
            )


def _none_given(evidence: EvidenceFiles) -> ModelProvenanceError:
    found = None
    for _, bundle in evidence.bundles:
        found = suggest(bundle)
        if found is not None:
            break
    remedy = "Add --key FILE, or --signer github:OWNER/REPO, or --certificate-identity with --certificate-oidc-issuer."
    if found is not None:
        remedy += f"\nThe evidence says it was signed by this signer (found, not trusted: compare before you use it):\n{found}"
    return ModelProvenanceError("usage.invalid", "nobody said who must have signed", remedy=remedy)
