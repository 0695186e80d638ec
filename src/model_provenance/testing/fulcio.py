"""A code-signing certificate authority: an identity token and a proof of possession in, a certificate chain out."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from model_provenance.testing.ca import Authority, Leaf, authority, leaf_builder
from model_provenance.testing.ctlog import CtLog
from model_provenance.testing.faults import Fault, Faults, Service
from model_provenance.testing.identities import Principal, principal
from model_provenance.testing.keys import KeyStore, PublicKey, pem, verifier_key, verifies
from model_provenance.testing.loopback import RefusedError, Request, Response
from model_provenance.testing.oidc import Issuer

_AUDIENCE = "sigstore"


class Fulcio:
    """Issues ten-minute certificates with an embedded SCT (sigstore/fulcio, API v2)."""

    def __init__(
        self,
        store: KeyStore,
        issuer: Issuer,
        ct_log: CtLog,
        faults: Faults,
        clock: Callable[[], float],
        *,
        intermediate: bool,
    ) -> None:
        self._intermediate, self._issuer, self._ct_log = intermediate, issuer, ct_log
        self._store, self._faults, self._clock = store, faults, clock
        self.authority = self._authority("fulcio")

    def handle(self, request: Request) -> Response:
        """`POST /api/v2/signingCert`; 400 for a token, a key or a proof that is not good."""
        if request.path != "/api/v2/signingCert" or request.method != "POST":
            return Response.error(404, "no such page")
        body = request.json()
        claims = self._issuer.check(_token(request, body), audience=_AUDIENCE)
        who = principal(claims)
        chain = self.issue(who, _proven_key(body, who), claims)
        certificates = [pem(certificate) for certificate in chain]
        return Response.json({"signedCertificateEmbeddedSct": {"chain": {"certificates": certificates}}})

    def issue(self, who: Principal, key: PublicKey, claims: dict[str, Any]) -> list[x509.Certificate]:
        """Certificate and chain for an identity that is already established; faults apply."""
        hit = self._faults.hit
        now = datetime.fromtimestamp(int(self._clock()), timezone.utc)
        if hit(Service.FULCIO, Fault.OTHER_IDENTITY):
            who = principal(_mallory(claims))
        if hit(Service.FULCIO, Fault.OTHER_KEY):
            key = ec.generate_private_key(ec.SECP256R1()).public_key()
        leaf = Leaf(key, who.names, who.extensions, now)
        if hit(Service.FULCIO, Fault.EXPIRED):
            leaf = replace(leaf, start=now - timedelta(hours=1, minutes=10))
        issuer = self._authority("fulcio-rogue") if hit(Service.FULCIO, Fault.WRONG_KEY) else self.authority
        builder = leaf_builder(issuer, leaf)
        if hit(Service.FULCIO, Fault.NO_SCT):
            return [builder.sign(issuer.key, hashes.SHA256()), *issuer.chain]
        return [self._ct_log.certify(builder, issuer, now), *issuer.chain]

    def _authority(self, name: str) -> Authority:
        now = datetime.fromtimestamp(self._clock(), timezone.utc)
        usage = ExtendedKeyUsageOID.CODE_SIGNING
        return authority(self._store, name, "Demo Fulcio", now, intermediate=self._intermediate, usage=usage)


def _token(request: Request, body: dict[str, Any]) -> str:
    """From the Authorization header (sigstore-python) or the body (cosign, sigstore-js)."""
    if "credentials" in body:
        return str(body["credentials"]["oidcIdentityToken"])
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise RefusedError("there is no identity token")
    return token


def _proven_key(body: dict[str, Any], who: Principal) -> PublicKey:
    """The key to certify: from a certificate request signed with it, or with a signature over the subject."""
    if "certificateSigningRequest" in body:
        request = x509.load_pem_x509_csr(base64.b64decode(body["certificateSigningRequest"], validate=True))
        if not request.is_signature_valid:
            raise RefusedError("the certificate request is not signed by its own key")
        key = request.public_key()
    else:
        asked = body["publicKeyRequest"]
        key = verifier_key(asked["publicKey"]["content"].encode())
        if not verifies(key, base64.b64decode(asked["proofOfPossession"], validate=True), who.challenge.encode()):
            raise RefusedError("the signature supplied in the request could not be verified")
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise RefusedError("only EC keys are certified here")
    return key


def _mallory(claims: dict[str, Any]) -> dict[str, Any]:
    """The same claims for somebody else's repository."""
    mine = str(claims.get("repository") or claims.get("project_path") or "")
    owner = mine.rpartition("/")[0]
    theirs = {
        key: value.replace(mine, "mallory/minilm") if isinstance(value, str) and mine else value
        for key, value in claims.items()
    }
    for key in ("repository_owner", "namespace_path"):
        if theirs.get(key) == owner:
            theirs[key] = "mallory"
    if "email" in theirs:
        theirs["email"] = "mallory@example.com"
    return theirs
