"""Each fault is noticed by unmodified sigstore-python: when signing, when verifying, or in the bundle."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import requests
from rfc3161_client import PKIStatus
from sigstore._internal.fulcio.client import ExpiredCertificate, FulcioClientError
from sigstore._internal.rekor import RekorClientError
from sigstore.errors import VerificationError
from sigstore.models import Bundle
from sigstore.oidc import IdentityError
from sigstore.verify import Verifier, policy

from model_provenance.testing.faults import Fault, Service
from model_provenance.testing.github_run import GitHubRun
from model_provenance.testing.sigstore_sim import SigstoreSim

Sign = Callable[..., Bundle]
Verifiers = Callable[[SigstoreSim], Verifier]
IDENTITY = policy.Identity(
    identity="https://github.com/acme/minilm/.github/workflows/release.yml@refs/heads/main",
    issuer="https://token.actions.githubusercontent.com",
)


@pytest.mark.parametrize(
    ("service", "fault", "error"),
    [
        ("fulcio", "down", FulcioClientError),
        ("fulcio", "bad-gateway", FulcioClientError),
        ("fulcio", "garbage", requests.JSONDecodeError),
        ("fulcio", "expired", ExpiredCertificate),
        ("fulcio", "no-sct", VerificationError),
        ("fulcio", "other-key", RekorClientError),
        ("ctlog", "wrong-key", VerificationError),
        ("rekor", "down", RekorClientError),
        ("rekor", "bad-gateway", RekorClientError),
        ("rekor", "garbage", requests.JSONDecodeError),
        ("rekor", "conflict", RekorClientError),
    ],
)
def test_signing_fails(either: SigstoreSim, sign: Sign, service: str, fault: str, error: type[Exception]) -> None:
    """The client notices while it signs; once the service behaves again, signing works."""
    either.misbehave(service, fault)
    with pytest.raises(error):
        sign(either)
    either.behave()
    sign(either, name="again")


@pytest.mark.parametrize("rekor_version", [1, 2])
@pytest.mark.parametrize(
    ("service", "fault", "reason"),
    [
        ("fulcio", "wrong-key", "certificate chain"),
        ("fulcio", "other-identity", "SANs do not match"),
        ("rekor", "wrong-key", "checkpoint: invalid signature"),
        ("rekor", "wrong-checkpoint-key", "checkpoint: invalid signature"),
        ("rekor", "other-entry", "payload hash|inconsistent"),
        ("rekor", "bad-proof", "invalid root hash"),
    ],
)
def test_the_bundle_does_not_verify(
    sim: SigstoreSim, sign: Sign, verifier: Verifiers, *, service: str, fault: str, reason: str, rekor_version: int
) -> None:
    """The client signs without noticing; what it made does not verify, for the right reason."""
    config = sim.trust_config_for(rekor_version=rekor_version)
    sim.misbehave(service, fault)
    bundle = sign(sim, config=config)
    with pytest.raises(VerificationError, match=reason):
        verifier(sim).verify_dsse(bundle, IDENTITY)
    sim.behave()
    verifier(sim).verify_dsse(sign(sim, config=config, name="again"), IDENTITY)


def test_a_false_promise_of_rekor_v1_does_not_verify(sim: SigstoreSim, sign: Sign, verifier: Verifiers) -> None:
    """Proof and checkpoint are good, the signed entry timestamp is not the log's."""
    sim.misbehave("rekor", "wrong-promise-key")
    with pytest.raises(VerificationError, match="SET"):
        verifier(sim).verify_dsse(sign(sim), IDENTITY)


@pytest.mark.parametrize("fault", ["wrong-key", "other-message", "skewed"])
def test_a_bad_timestamp_does_not_verify(sim_v2: SigstoreSim, sign: Sign, verifier: Verifiers, fault: str) -> None:
    """Nothing else says when it was signed, or the time is outside the certificate's ten minutes."""
    sim_v2.misbehave("tsa", fault)
    bundle = sign(sim_v2)
    with pytest.raises(VerificationError):
        verifier(sim_v2).verify_dsse(bundle, IDENTITY)


@pytest.mark.parametrize("fault", ["down", "bad-gateway", "garbage"])
def test_sigstore_python_goes_on_without_a_timestamp(sim: SigstoreSim, sign: Sign, fault: str) -> None:
    """It only warns, where Rekor v1 gives a time too; a signer that wants a timestamp looks into the bundle."""
    sim.misbehave("tsa", fault)
    assert sign(sim).verification_material.timestamp_verification_data is None


def test_sigstore_python_keeps_a_rejection_as_if_it_were_a_timestamp(sim: SigstoreSim, sign: Sign) -> None:
    """The bundle holds an answer that stamps nothing: looking whether there is one is not enough."""
    sim.misbehave("tsa", "no-timestamp")
    material = sign(sim).verification_material.timestamp_verification_data
    assert material is not None
    assert [PKIStatus(stamp.status) for stamp in material.rfc3161_timestamps] == [PKIStatus.REJECTION]


def test_a_promise_from_the_future_does_not_verify(sim: SigstoreSim, sign: Sign, verifier: Verifiers) -> None:
    """Rekor v1's time lies outside the certificate's ten minutes."""
    sim.misbehave("rekor", "skewed")
    bundle = sign(sim, config=sim.trust_config_for(tsa=False))
    with pytest.raises(VerificationError):
        verifier(sim).verify_dsse(bundle, IDENTITY)


def test_a_slow_service_answers_late(sim: SigstoreSim, sign: Sign, verifier: Verifiers) -> None:
    """The answer is right, only not now."""
    sim.misbehave("fulcio", "slow", seconds=0.3)
    start = time.perf_counter()
    bundle = sign(sim)
    assert time.perf_counter() - start >= 0.3
    verifier(sim).verify_dsse(bundle, IDENTITY)


def test_a_fault_can_end_by_itself(sim: SigstoreSim) -> None:
    """502 twice, then right: what retrying is for."""
    sim.misbehave(Service.REKOR, Fault.BAD_GATEWAY, times=2)
    url = f"{sim.url}/rekor-v1/api/v1/log/entries/00"
    assert [requests.get(url, timeout=5).status_code for _ in range(4)] == [502, 502, 404, 404]


@pytest.mark.parametrize(
    ("fault", "status"), [("down", 503), ("forbidden", 403), ("bad-gateway", 502), ("garbage", 200)]
)
def test_the_token_endpoint_can_refuse(sim: SigstoreSim, fault: str, status: int) -> None:
    """The runner's endpoint fails in its own ways."""
    url, secret = sim.token_endpoint({"iss": "https://gitlab.com", "sub": "x"})
    sim.misbehave("oidc", fault)
    answer = requests.get(f"{url}&audience=sigstore", headers={"Authorization": f"bearer {secret}"}, timeout=5)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("fault", "error"),
    [("expired", IdentityError), ("wrong-audience", IdentityError), ("wrong-key", FulcioClientError)],
)
def test_a_bad_token_gets_no_certificate(sim: SigstoreSim, sign: Sign, fault: str, error: type[Exception]) -> None:
    """Refused by the client, or, when only the signature is wrong, by Fulcio."""
    url, secret = sim.token_endpoint(GitHubRun().claims())
    sim.misbehave("oidc", fault)
    headers = {"Authorization": f"bearer {secret}"}
    token = requests.get(f"{url}&audience=sigstore", headers=headers, timeout=5).json()["value"]
    with pytest.raises(error):
        sign(sim, token=token)


@pytest.mark.parametrize(("service", "fault"), [("ctlog", "down"), ("tsa", "no-sct"), ("oidc", "conflict")])
def test_a_fault_that_the_service_has_not_is_a_mistake_of_the_test(sim: SigstoreSim, service: str, fault: str) -> None:
    """A test that switches on nothing would prove nothing."""
    with pytest.raises(ValueError, match="has no fault"):
        sim.misbehave(service, fault)
    with pytest.raises(ValueError, match="not a valid"):
        sim.misbehave(service, "explode")
