"""The second opinion: sigstore-python judges every keyless bundle too, and both verifiers must say yes.

Ours names what is wrong, check by check, and holds rules that the library does not (validity windows of authorities and
keys, tree sizes, known logs only); the library is the field's reviewed implementation. A disagreement is a failure.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from cryptography.x509 import Certificate

from model_provenance.domain.digest import Digest
from model_provenance.domain.text import shown
from model_provenance.domain.verification import Opinions
from model_provenance.formats.bundle import Envelope, MessageSignature
from model_provenance.verify.trusted_root import TrustedRoot

#: Says why the library refuses a bundle, given its bytes, what we read in it, and the digest of a signed blob.
Objection = Callable[[bytes, Envelope | MessageSignature, Digest | None], str | None]


#: Kind of log entries that the library has no code for; npm's provenance has it.
_UNKNOWN = "intoto"


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
            value = json.loads(data)
            if any(_field(entry, "kindVersion", "kind_version")["kind"] == _UNKNOWN for entry in _entries(value)):
                # Releases are refused before (`assemble`); for a bundle of others our own checks stand alone.
                return None
            bundle = models.Bundle.from_json(json.dumps(_complete(value)))
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


def asked_once(root: TrustedRoot, opinions: Opinions) -> Objection:
    """The same, but for bundles that the library has accepted before, which need not load it again.

    Our own checks of them are carried out each time. What it refused is asked again: no refusal is remembered.
    """
    under = Digest.of(root.data)
    asked: list[Objection] = []

    def objection(data: bytes, content: Envelope | MessageSignature, digest: Digest | None) -> str | None:
        bundle = Digest.of(data)
        if opinions.accepted(under, bundle, digest):
            return None
        if not asked:
            asked.append(second_opinion(root))
        reason = asked[0](data, content, digest)
        if reason is None:
            opinions.accept(under, bundle, digest)
        return reason

    return objection


def _complete(bundle: Any) -> Any:
    """Write out what protobuf's JSON leaves out, zeros and empty lists, which the library insists on.

    The first entry of a log has both. The bundle has been parsed before: only what is absent is filled in.
    """
    for entry in _entries(bundle):
        _fill(entry, ("logIndex", "log_index"), "0")
        proof = _field(entry, "inclusionProof", "inclusion_proof")
        if isinstance(proof, dict):
            _fill(proof, ("logIndex", "log_index"), "0")
            _fill(proof, ("hashes",), [])
    return bundle


def _entries(bundle: Any) -> list[Any]:
    material = _field(bundle, "verificationMaterial", "verification_material")
    entries = _field(material, "tlogEntries", "tlog_entries") or []
    return [entry for entry in entries if isinstance(entry, dict)]


def _field(value: Any, *names: str) -> Any:
    """A field by either of the two names that protobuf's JSON gives it."""
    return next((value[name] for name in names if isinstance(value, dict) and name in value), None)


def _fill(value: dict[str, Any], names: tuple[str, ...], default: Any) -> None:
    if not any(name in value for name in names):
        value[names[0]] = default
