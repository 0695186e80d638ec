"""One line about who signed."""

from __future__ import annotations

from model_provenance.domain.evidence import SignerIdentity
from model_provenance.domain.text import shown

#: Fulcio extension numbers (fulcio docs/oid-info.md).
SOURCE_REPOSITORY, SOURCE_REF, SOURCE_REPOSITORY_ID, RUN = 12, 14, 15, 21


def signer_line(signer: SignerIdentity) -> str:
    """`repository@ref (ID n), issuer …` for a keyless signer of CI; the certificate's subject or the key otherwise."""
    if signer.method == "key":
        return shown(signer.subject)
    if signer.method == "certificate":
        return f"{shown(signer.subject, 500)}, issued by {shown(signer.issuer or 'unknown', 500)}"
    repository, ref = signer.extension(SOURCE_REPOSITORY), signer.extension(SOURCE_REF)
    identifier = signer.extension(SOURCE_REPOSITORY_ID)
    who = shown(signer.subject)
    if repository and ref:
        known = f" (ID {shown(identifier)})" if identifier else ""
        who = f"{shown(repository)}{known} at {shown(ref)}"
    return f"{who}, issuer {shown(signer.issuer or 'unknown')}"
