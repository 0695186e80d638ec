"""The command line of releases of model_signing from before 1.1. Runs in their own environment.

They know the public Sigstore alone, and ask it for its configuration when they start, whatever they are then told to sign with.
Here `production` is what the variable `CLIENT_TRUST_CONFIG` names, and nothing where it names nothing: that is all that is
changed. Release 0.2 has no command line: the same words are given to its library here.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from sigstore import oidc, sign, verify
from sigstore._internal.fulcio import FulcioClient
from sigstore._internal.rekor.client import RekorClient
from sigstore._internal.trust import TrustedRoot


def main() -> None:
    """`sign` and `verify` with `sigstore`, `key` or `certificate`, with the words of the releases."""
    point_at(os.environ.get("CLIENT_TRUST_CONFIG"))
    try:
        from model_signing import _cli
    except ImportError:
        library()
        return
    sys.argv[0] = "model_signing"
    _cli.main()


def point_at(path: str | None) -> None:
    """What sigstore's classes take for the public instance."""
    context = verifier = None
    if path is not None:
        config = json.loads(Path(path).read_text())
        services = config["signingConfig"]
        rekor = RekorClient(services["rekorTlogUrls"][0]["url"] + "/")
        root_file = Path(path).with_suffix(".root.json")
        root_file.write_text(json.dumps(config["trustedRoot"]))
        root = TrustedRoot.from_file(str(root_file))
        fulcio = FulcioClient(services["caUrls"][0]["url"])
        context = sign.SigningContext(fulcio=fulcio, rekor=rekor, trusted_root=root)
        verifier = verify.Verifier(rekor=rekor, trusted_root=root)
    sign.SigningContext.production = classmethod(lambda cls: context)
    verify.Verifier.production = classmethod(lambda cls: verifier)
    # Whoever has a token asks no issuer for one.
    oidc.Issuer.production = classmethod(lambda cls: None)


def library() -> None:
    """Release 0.2."""
    from model_signing import model
    from model_signing.api import HashingConfig
    from model_signing.signing.in_toto import DigestsIntotoPayload
    from model_signing.signing.in_toto_signature import IntotoSignature
    from model_signing.signing.sign_sigstore import SigstoreSignature

    given = words()
    serializer = HashingConfig()._serializer
    if given.action == "sign":
        payload = DigestsIntotoPayload.from_manifest
        model.sign(given.model, signer(given), payload, serializer).write(given.signature)
        return
    kind = SigstoreSignature if given.how == "sigstore" else IntotoSignature
    model.verify(kind.read(given.signature), verifier(given), given.model, serializer)


def words() -> argparse.Namespace:
    """Those of the later command lines."""
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["sign", "verify"])
    parser.add_argument("how", choices=["sigstore", "key", "certificate"])
    parser.add_argument("--signature", type=Path, required=True)
    for name in ("private_key", "public_key", "signing_certificate", "identity_token", "identity", "identity_provider"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--certificate_chain", action="append")
    parser.add_argument("model", type=Path)
    return parser.parse_args()


def signer(given: argparse.Namespace) -> Any:
    """Who signs."""
    from model_signing.signature.key import ECKeySigner
    from model_signing.signing.in_toto_signature import IntotoSigner
    from model_signing.signing.sign_sigstore import SigstoreDSSESigner

    if given.how == "sigstore":
        return SigstoreDSSESigner(use_ambient_credentials=False, identity_token=given.identity_token)
    if given.how == "key":
        return IntotoSigner(ECKeySigner.from_path(given.private_key))
    from model_signing.signature.pki import PKISigner

    return IntotoSigner(PKISigner.from_path(given.private_key, given.signing_certificate, given.certificate_chain))


def verifier(given: argparse.Namespace) -> Any:
    """Who verifies; of certificates its verifier never worked."""
    from model_signing.signature.key import ECKeyVerifier
    from model_signing.signing.in_toto_signature import IntotoVerifier
    from model_signing.signing.sign_sigstore import SigstoreDSSEVerifier

    if given.how == "sigstore":
        return SigstoreDSSEVerifier(identity=given.identity, oidc_issuer=given.identity_provider)
    return IntotoVerifier(ECKeyVerifier.from_path(given.public_key))


if __name__ == "__main__":
    main()
