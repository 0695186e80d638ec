"""The second opinion: sigstore-python judges every keyless bundle too, and both verifiers must say yes.

Ours names what is wrong, check by check, and holds rules that the library does not (validity windows of authorities and
keys, tree sizes, known logs only); the library is the field's reviewed implementation. A disagreement is a failure.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.x509 import Certificate

from model_provenance.domain.digest import Digest
from model_provenance.domain.text import shown
from model_provenance.formats.bundle import Envelope, MessageSignature
from model_provenance.verify.trusted_root import TrustedRoot

#: Says why the library refuses a bundle, given its bytes, what we read in it, and the digest of a signed blob.
Objection = Callable[[bytes, Envelope | MessageSignature, Digest | None], str | None]


class _AnyHolder:
    """A policy without demands: who signed is decided by checks 7 and 8, on the same certificate."""

    def verify(self, cert: Certificate) -> None:
        """Accept."""


def second_opinion(root: TrustedRoot) -> Objection:
    """A function that answers None where the library accepts a bundle, and its reason where it does not."""
    from sigstore import models  # noqa: PLC0415 - half a second that a key signature need not pay
    from sigstore.hashes import Hashed  # noqa: PLC0415
    from sigstore.verify.verifier import Verifier  # noqa: PLC0415
    from sigstore_models.common.v1 import HashAlgorithm  # noqa: PLC0415
    from sigstore_models.trustroot import v1  # noqa: PLC0415

    def objection(data: bytes, content: Envelope | MessageSignature, digest: Digest | None) -> str | None:
        try:
            bundle = models.Bundle.from_json(data)
            verifier = Verifier(trusted_root=models.TrustedRoot(v1.TrustedRoot.from_json(root.data)))
            if isinstance(content, Envelope):
                signed = verifier.verify_dsse(bundle, _AnyHolder())
                # Two readings of one envelope would let each verifier judge another payload.
                return None if signed == (content.payload_type, content.payload) else "it reads another payload"
            if digest is None:
                return "the digest of the signed file is not known"
            verifier.verify_artifact(Hashed(algorithm=HashAlgorithm.SHA2_256, digest=digest.raw), bundle, _AnyHolder())
        except Exception as error:  # noqa: BLE001 - whatever the library raises about hostile input is a refusal
            return shown(str(error) or type(error).__name__, 300)
        return None

    return objection
