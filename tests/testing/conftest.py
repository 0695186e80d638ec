"""Fixtures of the simulators' tests: sigstore-python, unmodified, is the client."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from sigstore import dsse
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext
from sigstore.verify import Verifier

from model_provenance.testing.sigstore_sim import SigstoreSim

Sign = Callable[..., Bundle]


@pytest.fixture
def sim() -> Iterator[SigstoreSim]:
    """A running simulator whose clients use Rekor v1."""
    with SigstoreSim() as running:
        yield running


@pytest.fixture
def sim_v2() -> Iterator[SigstoreSim]:
    """A running simulator whose clients use Rekor v2."""
    with SigstoreSim(rekor_version=2) as running:
        yield running


@pytest.fixture(params=[1, 2])
def either(request: pytest.FixtureRequest) -> Iterator[SigstoreSim]:
    """Both, one after the other."""
    with SigstoreSim(rekor_version=request.param) as running:
        yield running


def statement(name: str = "model") -> bytes:
    """An in-toto statement; another name, another payload."""
    return json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": name, "digest": {"sha256": "ab" * 32}}],
            "predicateType": "https://example.com/predicate",
            "predicate": {},
        }
    ).encode()


@pytest.fixture
def sign() -> Sign:
    """Sign one statement the way sigstore-python does; the bundle as another process would read it."""

    def _sign(sim: SigstoreSim, *, token: str | None = None, config: str | None = None, name: str = "model") -> Bundle:
        context = SigningContext.from_trust_config(ClientTrustConfig.from_json(config or sim.trust_config))
        with context.signer(IdentityToken(token or sim.issue_github_token())) as signer:
            return Bundle.from_json(signer.sign_dsse(dsse.Statement(statement(name))).to_json())

    return _sign


@pytest.fixture
def verifier() -> Callable[[SigstoreSim], Verifier]:
    """sigstore-python's verifier with the simulator's trusted root."""
    return lambda sim: Verifier(trusted_root=ClientTrustConfig.from_json(sim.trust_config).trusted_root)
