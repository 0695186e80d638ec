"""Which of the signers that a policy names a bundle claims to be by, so that it is verified as theirs.

A claim chooses only which expectation is verified: every one of them is the policy's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from model_provenance.domain.evidence import SignerIdentity
from model_provenance.domain.verification import KeyExpectation, SignerExpectation
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import certificate
from model_provenance.formats.bundle import MaterialKind, parse_bundle
from model_provenance.formats.identity import parse_identity
from model_provenance.policy.signers import PolicySigner, matching


def claimed(signers: frozenset[PolicySigner], bundles: Iterable[tuple[str, bytes]]) -> SignerExpectation:
    """The signer that the bundles claim to be by, if it is one of these; else any of them, which will not hold."""
    named = (matching(signers, claim) for claim in claims(bundles))
    ordered = sorted(signers, key=lambda signer: (signer.subject, signer.issuer or ""))
    return _expected(next((signer for signer in named if signer is not None), ordered[0]))


def claims(bundles: Iterable[tuple[str, bytes]]) -> Iterator[SignerIdentity]:
    """Who the bundles claim to be by; nothing is verified."""
    for _, data in bundles:
        try:
            material = parse_bundle(data).material
            if material.kind is MaterialKind.PUBLIC_KEY:
                yield SignerIdentity("key", f"key:{material.hint}")
            else:
                yield certificate.identity(certificate.load(material.certificates[0]))
        except ModelProvenanceError:
            # What cannot be read claims nothing; that it is there at all is the verifier's to judge.
            continue


def _expected(signer: PolicySigner) -> SignerExpectation:
    if signer.run is not None:
        return signer.run
    if signer.public_key is not None:
        return KeyExpectation(signer.public_key)
    return parse_identity(signer.subject, issuer=signer.issuer or "", source_repository=signer.source_repository)
