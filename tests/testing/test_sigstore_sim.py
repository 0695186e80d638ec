"""The simulator as a whole: unmodified sigstore-python signs and verifies against it."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import jwt
import pytest
import requests
from sigstore import dsse
from sigstore.errors import VerificationError
from sigstore.hashes import Hashed
from sigstore.models import Bundle, ClientTrustConfig, InvalidBundle, TrustedRoot
from sigstore.oidc import IdentityToken, Issuer
from sigstore.sign import SigningContext
from sigstore.verify import Verifier, policy
from sigstore_models.common.v1 import HashAlgorithm

from model_provenance.testing.sigstore_sim import SigstoreSim

GITHUB = "https://token.actions.githubusercontent.com"
RELEASE = "https://github.com/acme/minilm/.github/workflows/release.yml@refs/heads/main"
IDENTITY = policy.Identity(identity=RELEASE, issuer=GITHUB)


@pytest.mark.parametrize("rekor_version", [1, 2])
@pytest.mark.parametrize("intermediate", [True, False])
@pytest.mark.parametrize("ed25519_log", [True, False])
def test_sigstore_python_signs_and_verifies(*, rekor_version: int, intermediate: bool, ed25519_log: bool) -> None:
    """Statements and artifacts, through either Rekor, with either shape of CA and either kind of log key."""
    with SigstoreSim(rekor_version=rekor_version, intermediate=intermediate, ed25519_log=ed25519_log) as sim:
        config = ClientTrustConfig.from_json(sim.trust_config)
        with SigningContext.from_trust_config(config).signer(IdentityToken(sim.issue_github_token())) as signer:
            attestation = signer.sign_dsse(dsse.Statement(_statement()))
            signature = signer.sign_artifact(b"weights")
    verifier = Verifier(trusted_root=config.trusted_root)
    assert verifier.verify_dsse(Bundle.from_json(attestation.to_json()), IDENTITY)[1] == _statement()
    digest = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=hashlib.sha256(b"weights").digest())
    verifier.verify_artifact(digest, Bundle.from_json(signature.to_json()), IDENTITY)
    for bundle in (attestation, signature):
        assert bundle.verification_material.timestamp_verification_data is not None


def test_the_log_version_of_the_trust_config_is_the_one_used(
    sim: SigstoreSim, sign: Callable[..., Bundle], verifier: Callable[[SigstoreSim], Verifier]
) -> None:
    """v1 entries have a promise and a time, v2 entries neither; one trusted root verifies both."""
    first = sign(sim)
    second = sign(sim, config=sim.trust_config_for(rekor_version=2))
    assert first.log_entry._inner.kind_version.kind == "dsse"
    assert first.log_entry._inner.inclusion_promise is not None
    assert second.log_entry._inner.kind_version.version == "0.0.2"
    assert second.log_entry._inner.inclusion_promise is None
    for bundle in (first, second):
        verifier(sim).verify_dsse(bundle, IDENTITY)


def test_rekor_v2_without_a_timestamp_is_no_bundle(sim_v2: SigstoreSim, sign: Callable[..., Bundle]) -> None:
    """Nothing says when it was signed, so no client could tell that the certificate was valid."""
    with pytest.raises(InvalidBundle, match=r"signed timestamp"):
        sign(sim_v2, config=sim_v2.trust_config_for(tsa=False))


def test_the_tree_index_and_the_log_index_of_rekor_v1_differ(sim: SigstoreSim, sign: Callable[..., Bundle]) -> None:
    """As in production, where earlier shards come before: a verifier that takes one for the other fails."""
    entry = sign(sim).log_entry._inner
    assert entry.inclusion_proof.log_index == 0
    assert entry.log_index > entry.inclusion_proof.log_index


def test_the_same_key_store_is_the_same_sigstore(
    tmp_path: Path, sign: Callable[..., Bundle], verifier: Callable[[SigstoreSim], Verifier]
) -> None:
    """A later process with the same folder has the same trusted root and goes on with the same logs."""
    with SigstoreSim(state_dir=tmp_path / "state") as first:
        root, bundle = first.trusted_root, sign(first)
    with SigstoreSim(state_dir=tmp_path / "state") as second:
        assert second.trusted_root == root
        verifier(second).verify_dsse(bundle, IDENTITY)
        later = sign(second, name="later")
        verifier(second).verify_dsse(later, IDENTITY)
        assert later.log_entry._inner.inclusion_proof.tree_size == 2
    files = list((tmp_path / "state").iterdir())
    assert (tmp_path / "state" / "sigstore-sim.json").stat().st_mode & 0o077 == 0
    assert not [file for file in files if file.name.startswith("tmp")]


def test_another_simulator_is_another_sigstore(
    sim: SigstoreSim, sim_v2: SigstoreSim, sign: Callable[..., Bundle], verifier: Callable[[SigstoreSim], Verifier]
) -> None:
    """What one signed does not verify with the other's root."""
    with pytest.raises(VerificationError):
        verifier(sim).verify_dsse(sign(sim_v2), IDENTITY)


def test_the_trusted_root_says_that_it_is_a_demo_and_names_no_address(sim: SigstoreSim, tmp_path: Path) -> None:
    """A verifier cannot connect to anything in it, and a reader sees that nobody trusts it."""
    (tmp_path / "root.json").write_text(sim.trusted_root)
    TrustedRoot.from_file(str(tmp_path / "root.json"))
    assert "127.0.0.1" not in sim.trusted_root
    assert sim.trusted_root.count("demo.invalid") == 5
    assert "trusted by nobody" in sim.trusted_root


def test_many_threads_sign_at_once(sim: SigstoreSim, sign: Callable[..., Bundle]) -> None:
    """Every entry gets its own place in the log, with a proof that holds."""
    with ThreadPoolExecutor(8) as pool:
        bundles = list(pool.map(lambda number: sign(sim, name=str(number)), range(24)))
    verifier = Verifier(trusted_root=ClientTrustConfig.from_json(sim.trust_config).trusted_root)
    for bundle in bundles:
        verifier.verify_dsse(bundle, IDENTITY)
    assert {bundle.log_entry._inner.inclusion_proof.log_index for bundle in bundles} == set(range(24))


def test_it_listens_on_loopback_only_and_is_gone_afterwards() -> None:
    """127.0.0.1, one port, no thread left, and the port refuses afterwards."""
    before = set(threading.enumerate())
    with SigstoreSim() as sim:
        address = urlsplit(sim.url)
        assert address.hostname == "127.0.0.1"
        assert requests.get(f"{sim.url}/nothing", timeout=5).status_code == 404
    assert set(threading.enumerate()) == before
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", address.port or 0)) != 0
    with pytest.raises(RuntimeError, match="not running"):
        _ = sim.url


def test_stopping_does_not_wait_for_a_slow_answer(sim: SigstoreSim) -> None:
    """A request that is held back is let go when the simulator stops."""
    sim.misbehave("tsa", "slow", seconds=60)
    request = threading.Thread(
        target=lambda: requests.post(f"{sim.url}/api/v1/timestamp", data=b"", timeout=60), daemon=True
    )
    request.start()
    time.sleep(0.1)
    start = time.perf_counter()
    sim.stop()
    request.join(20)
    assert time.perf_counter() - start < 20
    assert not request.is_alive()


def test_starting_and_five_signatures_are_quick() -> None:
    """At most 0.3 s of the processor to start and 0.5 s for five statements, best of three: tests need no shared one."""
    attempts = [_timed_release() for _ in range(3)]
    assert min(started for started, _ in attempts) < 0.3
    assert min(signed for _, signed in attempts) < 0.5


def _timed_release() -> tuple[float, float]:
    start = time.process_time()
    with SigstoreSim() as sim:
        started = time.process_time() - start
        config = ClientTrustConfig.from_json(sim.trust_config)
        start = time.process_time()
        with SigningContext.from_trust_config(config).signer(IdentityToken(sim.issue_github_token())) as signer:
            for number in range(5):
                signer.sign_dsse(dsse.Statement(_statement(str(number))))
        return started, time.process_time() - start


def test_the_issuer_is_discovered_and_publishes_the_key_of_its_tokens(sim: SigstoreSim) -> None:
    """Sigstore's own client reads the discovery document; a JWT library verifies a token with the published key."""
    url = json.loads(sim.signing_config)["oidcUrls"][0]["url"]
    Issuer(url).session.close()
    discovery = requests.get(f"{url}/.well-known/openid-configuration", timeout=5).json()
    assert discovery["issuer"] == url
    keys = jwt.PyJWKSet.from_dict(requests.get(discovery["jwks_uri"], timeout=5).json())
    token = sim.issue_gitlab_token()
    key = keys[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, algorithms=["ES256"], audience="sigstore")["project_path"] == "acme/models/minilm"


def test_rekor_has_two_versions() -> None:
    """Any other is a mistake of the caller."""
    with pytest.raises(ValueError, match="versions 1 and 2"):
        SigstoreSim(rekor_version=3)


def _statement(name: str = "model") -> bytes:
    subject = [{"name": name, "digest": {"sha256": "cd" * 32}}]
    body = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subject,
        "predicateType": "https://p",
        "predicate": {},
    }
    return json.dumps(body).encode()
