"""The command line of releases of model_signing from before 1.1, without a network. Runs in their own environment.

They ask the public Sigstore for its configuration when they start, whatever they are then told to sign with; that one call is
taken out. Release 0.2 has no command line: `sign key` and `verify key` stand here as its library has them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main() -> None:
    """`sign key` and `verify key`, with the words of the releases."""
    try:
        from model_signing import _cli
    except ImportError:
        library()
        return
    from model_signing import signing

    signing.Config.use_sigstore_signer = lambda self, **_: self
    sys.argv[0] = "model_signing"
    _cli.main()


def library() -> None:
    """Release 0.2."""
    from model_signing import model
    from model_signing.api import HashingConfig
    from model_signing.signature.key import ECKeySigner, ECKeyVerifier
    from model_signing.signing.in_toto import DigestsIntotoPayload
    from model_signing.signing.in_toto_signature import IntotoSignature, IntotoSigner, IntotoVerifier

    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["sign", "verify"])
    parser.add_argument("how", choices=["key"])
    parser.add_argument("--signature", type=Path, required=True)
    parser.add_argument("--private_key")
    parser.add_argument("--public_key")
    parser.add_argument("model", type=Path)
    given = parser.parse_args()
    serializer = HashingConfig()._serializer
    if given.action == "sign":
        signer = IntotoSigner(ECKeySigner.from_path(given.private_key))
        model.sign(given.model, signer, DigestsIntotoPayload.from_manifest, serializer).write(given.signature)
        return
    verifier = IntotoVerifier(ECKeyVerifier.from_path(given.public_key))
    model.verify(IntotoSignature.read(given.signature), verifier, given.model, serializer)


if __name__ == "__main__":
    main()
