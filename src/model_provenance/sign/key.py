"""Sign with a private key: no service, no network, no transparency log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec

from model_provenance.domain.evidence import Bundle, SignerIdentity, Statement
from model_provenance.formats.bundle import key_bundle
from model_provenance.formats.dsse import pae
from model_provenance.formats.public_key import CURVES, PublicKey, public_key


@dataclass(frozen=True)
class KeySigner:
    """Signs with an EC key on P-256, P-384 or P-521 and that curve's own hash (OMS v1.0, algorithm registry).

    `key.unsupported` for any other curve, when the signer is made.
    """

    private_key: ec.EllipticCurvePrivateKey = field(repr=False)
    public_key: PublicKey = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "public_key", public_key(self.private_key.public_key()))

    @property
    def identity(self) -> SignerIdentity:
        """`key:` and the hint that every bundle of this key carries."""
        return SignerIdentity("key", f"key:{self.public_key.hint}")

    def sign(self, statements: Sequence[Statement]) -> tuple[Bundle, ...]:
        """One bundle for each statement, in the same order, around exactly the statement's bytes."""
        return tuple(self._sign(statement) for statement in statements)

    def signature(self, payload: bytes) -> bytes:
        """The signature over a statement's DSSE pre-authentication encoding."""
        _, algorithm = CURVES[self.private_key.curve.name]
        return self.private_key.sign(pae(payload), ec.ECDSA(algorithm()))

    def _sign(self, statement: Statement) -> Bundle:
        data = key_bundle(statement.payload, self.signature(statement.payload), self.public_key.hint)
        return Bundle(statement.name, statement.predicate_type, data, statement.payload)
