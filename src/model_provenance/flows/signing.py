"""How a run signs: with a key file, or keyless with the identity of the job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from model_provenance.context.tokens import TokenSource, find_token
from model_provenance.domain.context import Identity
from model_provenance.domain.evidence import Bundle, SignerIdentity, Statement
from model_provenance.flows.files import read_file

_KEY_LIMIT = 64 * 1024
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
    """Sign with this private key; `password` is asked only when the key is encrypted."""

    path: Path
    password: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class KeylessSigning:
    """Sign with an OIDC identity: the given token, else the one that the CI job offers."""

    trust_config: Path | None
    token: str | None
    allow_public_log: bool


Signing = KeySigning | KeylessSigning
