"""How a run signs: with a key file, or keyless with the identity of the job."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from model_provenance.domain.context import Identity
from model_provenance.domain.evidence import Bundle, SignerIdentity, Statement
from model_provenance.domain.verification import Trust
from model_provenance.flows.files import read_file

if TYPE_CHECKING:
    from model_provenance.sign.key import KeySigner

_KEY_LIMIT = 64 * 1024
_CHAIN_LIMIT = 256 * 1024
_TRUST_LIMIT = 4 * 1024 * 1024


class Signer(Protocol):
    """Signs statements under one identity."""

    @property
    def identity(self) -> SignerIdentity:
        """Who signs; for keyless known once something has been signed."""
        ...

    def sign(self, statements: Sequence[Statement]) -> tuple[Bundle, ...]:
        """One bundle a statement, in order."""
        ...


@dataclass(frozen=True, slots=True)
class KeySigning:
    """Sign with this private key; `password` is asked only when the key is encrypted.

    With `certificate`, as the holder of that certificate of a private PKI; `chain` holds its intermediates.
    """

    path: Path
    password: Callable[[], bytes]
    certificate: Path | None = None
    chain: Path | None = None


@dataclass(frozen=True, slots=True)
class KeylessSigning:
    """Sign with an OIDC identity: the given token, else the one that the CI job offers."""

    trust_config: Path | None
    token: str | None
    allow_public_log: bool
    #: Hears of every token before it is used: where a runner is told what to hide.
    told: Callable[[str], None] | None = None


Signing = KeySigning | KeylessSigning


@dataclass(frozen=True, slots=True)
class Prepared:
    """A signer before the long work: its key is open, or its identity is known and its instance is chosen."""

    signer: Signer
    #: None with a key.
    identity: Identity | None
    #: True when what signing publishes stays within a private Sigstore, or is published nowhere (a key).
    private: bool
    allow_public_log: bool
    #: What verifies what it signs, or has signed in an earlier run.
    trust: Trust


@dataclass(frozen=True, slots=True)
class Signed:
    """The statements of a release with their bundles, in one order, and who signed."""

    statements: tuple[Statement, ...]
    bundles: tuple[Bundle, ...]
    signer: SignerIdentity | None


def prepare(signing: Signing, env: Mapping[str, str]) -> Prepared:
    """Open the key, or find out who would sign; everything that can fail early fails here, before a byte is hashed."""
    if isinstance(signing, KeySigning):
        from model_provenance.sign.keys import load_private_key  # noqa: PLC0415 - only with a key

        data = read_file(signing.path, option="--key", limit=_KEY_LIMIT)
        key = load_private_key(data, signing.password)
        own = key if signing.certificate is None else _certified(key, signing.certificate, signing.chain)
        return Prepared(own, None, True, True, Trust(None))

    from model_provenance.context.tokens import (  # noqa: PLC0415 - keyless
        TokenSource,
        ToldToken,
        find_token_source,
        identify,
        signing_token,
    )
    from model_provenance.flows.tree_heads import open_heads  # noqa: PLC0415
    from model_provenance.sign.keyless import KeylessSigner  # noqa: PLC0415
    from model_provenance.sign.trust_config import parse_trust_config  # noqa: PLC0415

    config = None
    if signing.trust_config is not None:
        config = read_file(signing.trust_config, option="--trust-config", limit=_TRUST_LIMIT)
    private = config is not None and parse_trust_config(config).is_private
    source: TokenSource = find_token_source(env, signing.token)
    if signing.told is not None:
        source = ToldToken(source, signing.told)
    identity = identify(source, now=int(time.time()))
    signer = KeylessSigner(trust_config=config, token=lambda: signing_token(source, identity, now=int(time.time())))
    trust = Trust(config, "public" if config is None else "custom", heads=open_heads(None, env))
    return Prepared(signer, identity, private, signing.allow_public_log, trust)


def signing_inputs(signing: Signing) -> dict[str, Path | None]:
    """Every file that says how, or to whom, one signs, by its option."""
    if isinstance(signing, KeySigning):
        return {"--key": signing.path, "--certificate": signing.certificate, "--certificate-chain": signing.chain}
    return {"--trust-config": signing.trust_config}


def _certified(signer: KeySigner, certificate: Path, chain: Path | None) -> Signer:
    from model_provenance.sign.certificate import certificate_signer  # noqa: PLC0415 - only with a certificate

    leaf = read_file(certificate, option="--certificate", limit=_CHAIN_LIMIT)
    above = None if chain is None else read_file(chain, option="--certificate-chain", limit=_CHAIN_LIMIT)
    return certificate_signer(signer, leaf, above, now=datetime.now(timezone.utc))
