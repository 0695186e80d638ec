"""The expectation that would fit what was found, ready to paste: found, not trusted.

Everything in it comes out of an unverified bundle, so it is built only from values that our own parser accepts, and
quoted.
"""

from __future__ import annotations

import shlex

from model_provenance.domain.context import Provider
from model_provenance.domain.evidence import SignerIdentity
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import certificate
from model_provenance.formats.bundle import MaterialKind, parse_bundle
from model_provenance.formats.holder import BUILDER, CONFIG, ISSUER, REF, REPOSITORY, REPOSITORY_ID, split_uri
from model_provenance.formats.identity import ISSUERS, parse_identity, parse_signer, server_of

_MARK = "  # found in the evidence, not trusted"
_HINT_LIMIT = 100


def suggest(bundle: bytes) -> str | None:
    """`--signer …`, `--certificate-identity …` or `--key …` for a bundle; None where it names nobody."""
    try:
        parsed = parse_bundle(bundle)
        if parsed.material.kind is MaterialKind.PUBLIC_KEY:
            return _key(parsed.material.hint)
        return suggested(certificate.identity(certificate.load(parsed.material.certificates[0])))
    except ModelProvenanceError:
        return None


def suggested(found: SignerIdentity) -> str | None:
    """The same for an identity that has been read."""
    if found.method != "keyless":
        return _key(found.subject.removeprefix("key:"))
    words = signer_words(found)
    return None if words is None else shlex.join(words) + _MARK


def signer_words(found: SignerIdentity) -> list[str] | None:
    """The options of `verify` that pin a keyless signer, unquoted; None where no form of ours fits."""
    return _repository(found) or _identity(found)


def _key(hint: str | None) -> str:
    shown = hint if hint and len(hint) <= _HINT_LIMIT and hint.isalnum() else None
    return "--key release.pub" + (f"  # whose fingerprint is {shown}: found, not trusted" if shown else _MARK)


def _repository(found: SignerIdentity) -> list[str] | None:
    issuer, url, ref = found.extension(ISSUER) or "", found.extension(REPOSITORY) or "", found.extension(REF)
    servers = ((provider, server_of(provider, issuer)) for provider in ISSUERS)
    provider, server = next(((p, s) for p, s in servers if s is not None and url.startswith(f"{s}/")), (None, ""))
    if provider is None:
        return None
    number = found.extension(REPOSITORY_ID)
    text = f"{provider.value}:{url.removeprefix(f'{server}/')}" + (f"#{number}" if number else "")
    config, _ = split_uri(found.extension(CONFIG) or "")
    inside = config.removeprefix(url)
    if config.startswith(f"{url}/"):
        text += inside
    text += f"@{ref}" if ref else ""
    words, builder = ["--signer", text], None
    signs = found.extension(BUILDER) or ""
    if provider is Provider.GITHUB and signs and not signs.startswith(f"{url}/"):
        builder = signs.removeprefix(f"{server}/")
        words += ["--builder", builder]
    if issuer != ISSUERS[provider]:
        words += ["--certificate-oidc-issuer", issuer]
    try:
        parse_signer(text, builder=builder, issuer=issuer)
    except ModelProvenanceError:
        return None
    return words


def _identity(found: SignerIdentity) -> list[str] | None:
    try:
        expected = parse_identity(
            found.subject, issuer=found.issuer or "", source_repository=found.extension(REPOSITORY)
        )
    except ModelProvenanceError:
        return None
    words = ["--certificate-identity", expected.identity, "--certificate-oidc-issuer", expected.issuer]
    repository = expected.source_repository
    if repository is not None and not found.subject.startswith(f"{repository}/"):
        words += ["--source-repository", repository]
    return words
