"""Models that model_signing signs, in every way and every release, checked by ours; each also refused when it was changed."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tests.interop.desk import KEYLESS, OTHER, Desk, problems
from tests.interop.peers import Peers, accepted
from tests.interop.private_pki import Pki
from tests.interop.releasing import GITHUB_IDENTITY, GITHUB_ISSUER
from tests.interop.stack import Stack

from model_provenance.testing.sigstore_sim import SigstoreSim
from model_provenance.testing.trust import TrustedLog

RELEASES = ("0.2.0", "0.3.1", "1.0.1")


@pytest.mark.matrix("theirs", "model_signing sign sigstore", "a model")
def test_a_model_signed_by_model_signing(desk: Desk, stack: Stack, peers: Peers) -> None:
    """Keyless OMS."""
    words = ["sign", "sigstore", "--signature", str(desk.bundle), "--trust_config", str(desk.config)]
    accepted(peers.model_signing(*words, "--identity_token", stack.issue_github_token(), str(desk.model)))
    model_holds(desk, "--trusted-root", str(desk.root), *KEYLESS)
    assert desk.keyless(desk.model, *OTHER)["result"] == "FAIL"


@pytest.mark.matrix("theirs", "model_signing sign key, P-{curve}", "a model")
@pytest.mark.parametrize("curve", ["256", "384", "521"])
def test_a_model_signed_by_model_signing_with_a_key(desk: Desk, peers: Peers, curve: str) -> None:
    """Each curve that OMS has."""
    key, public = write_key(desk.folder, curve)
    words = ["sign", "key", "--signature", str(desk.bundle), "--private_key", str(key), str(desk.model)]
    accepted(peers.model_signing(*words))
    model_holds(desk, "--key", str(public))


@pytest.mark.matrix("theirs", "model_signing {release} sign key", "a model")
@pytest.mark.parametrize("release", RELEASES)
def test_a_model_signed_by_an_older_model_signing(desk: Desk, peers: Peers, release: str) -> None:
    """Each layout of the years before 1.1, as that release itself writes and accepts it."""
    key, public = write_key(desk.folder, "256")
    words = ["--signature", str(desk.bundle)]
    accepted(peers.older_model_signing(release, "sign", "key", *words, "--private_key", str(key), str(desk.model)))
    accepted(peers.older_model_signing(release, "verify", "key", *words, "--public_key", str(public), str(desk.model)))
    model_holds(desk, "--key", str(public))


@pytest.mark.matrix("theirs", "model_signing {release} sign sigstore", "a model")
@pytest.mark.parametrize("release", RELEASES)
def test_a_model_signed_keyless_by_an_older_model_signing(
    desk: Desk, stack: Stack, sim: SigstoreSim, peers: Peers, release: str
) -> None:
    """By a certificate of the real Fulcio, and in the simulator's log: they know no Rekor but version 1."""
    log = TrustedLog(sim.rekor_v1.HOST, sim.rekor_v1.key.public_key(), sim.rekor_v1.log_id)
    root, config = stack.with_rekor_v1(log, f"{sim.url}/rekor-v1")
    desk.root.write_text(root)
    desk.config.write_text(config)
    words = ["sigstore", "--signature", str(desk.bundle)]
    token = ["--identity_token", stack.issue_github_token()]
    theirs = partial(peers.older_model_signing, release, trust_config=desk.config)
    accepted(theirs("sign", *words, *token, str(desk.model)))
    provider = ["--identity_provider", GITHUB_ISSUER]
    accepted(theirs("verify", *words, "--identity", GITHUB_IDENTITY, *provider, str(desk.model)))
    model_holds(desk, "--trusted-root", str(desk.root), *KEYLESS)
    assert desk.keyless(desk.model, *OTHER)["result"] == "FAIL"


@pytest.mark.matrix("theirs", "model_signing {release} sign certificate", "a model")
@pytest.mark.parametrize("release", ["0.2.0", "1.0.1"])
def test_a_model_signed_with_a_certificate_by_an_older_model_signing(desk: Desk, peers: Peers, release: str) -> None:
    """Leaf, intermediate and root of a private PKI; not with the root of another."""
    pki = Pki(desk.folder)
    accepted(peers.older_model_signing(release, *certificate_words(desk, pki)))
    model_holds(desk, "--certificate-chain", str(pki.root))
    other = Pki(desk.folder / "other")
    assert desk.verify(desk.model, "--certificate-chain", str(other.root))["result"] == "FAIL"


def test_no_model_was_signed_with_a_certificate_by_model_signing_0_3(desk: Desk, peers: Peers) -> None:
    """Its command fails on a field that it misspells, so that layout does not exist."""
    said = peers.older_model_signing("0.3.1", *certificate_words(desk, Pki(desk.folder)))
    assert "raw_byutes" in said.stdout + said.stderr, said
    assert not desk.bundle.exists()


@pytest.mark.matrix("theirs", "model_signing's library, {method} with {hash_type}", "a model")
@pytest.mark.parametrize(
    ("method", "hash_type"),
    [(method, hash_type) for method in ("files", "shards") for hash_type in ("sha256", "blake2", "blake3")],
)
def test_a_model_hashed_in_other_ways_by_model_signing(desk: Desk, method: str, hash_type: str) -> None:
    """What its library writes and itself accepts; its own command line verifies only whole files with SHA-256.

    Its configuration never cuts for BLAKE3, which runs in parallel without that; its serializer does where it is asked.
    """
    from model_signing import hashing, signing, verifying
    from model_signing._serialization.file_shard import Serializer

    key, public = write_key(desk.folder, "256")
    config = hashing.Config()
    if method == "files":
        config.use_file_serialization(hashing_algorithm=hash_type)
    elif hash_type == "blake3":
        config._serializer = Serializer(config._build_sharded_file_hasher_factory(hash_type, shard_size=64))
    else:
        config.use_shard_serialization(hashing_algorithm=hash_type, shard_size=64)
    signer = signing.Config().use_elliptic_key_signer(private_key=key).set_hashing_config(config)
    signer.sign(desk.model, desk.bundle)
    own = verifying.Config().use_elliptic_key_verifier(public_key=public).set_hashing_config(config)
    own.verify(desk.model, desk.bundle)
    model_holds(desk, "--key", str(public))
    written = json.loads(base64.b64decode(json.loads(desk.bundle.read_text())["dsseEnvelope"]["payload"]))["predicate"]
    assert written["serialization"]["hash_type"].startswith(hash_type)
    sizes = {"files": None, "shards": 64}
    assert written["serialization"].get("shard_size") == sizes[method]


@pytest.mark.matrix("theirs", "model_signing sign certificate", "a model")
def test_a_model_signed_by_model_signing_with_a_certificate(desk: Desk, peers: Peers) -> None:
    """Leaf, intermediate and root of a private PKI; not with the root of another."""
    pki = Pki(desk.folder)
    accepted(peers.model_signing(*certificate_words(desk, pki)))
    model_holds(desk, "--certificate-chain", str(pki.root))
    other = Pki(desk.folder / "other")
    assert desk.verify(desk.model, "--certificate-chain", str(other.root))["result"] == "FAIL"


def certificate_words(desk: Desk, pki: Pki) -> list[str]:
    """`sign certificate`, the same in every release that has it."""
    words = ["sign", "certificate", "--signature", str(desk.bundle), "--private_key", str(pki.key)]
    return [
        *words,
        "--signing_certificate",
        str(pki.leaf),
        "--certificate_chain",
        str(pki.intermediate),
        str(desk.model),
    ]


def model_holds(desk: Desk, *expected: str) -> None:
    """The model verifies; not with a file changed, with one bit changed, with one added, with one removed."""
    report = desk.verify(desk.model, *expected)
    assert report["result"] == "PASS", problems(report)
    changes: list[Callable[[Path], object]] = [
        lambda model: (model / "config.json").write_text("{}"),
        lambda model: flip(model / "model.safetensors"),
        lambda model: (model / "added.txt").write_text("x"),
        lambda model: (model / "README.md").unlink(),
    ]
    for number, change in enumerate(changes):
        other = shutil.copytree(desk.model, desk.folder / f"changed-{number}" / "model")
        change(other)
        assert desk.verify(other, *expected)["result"] == "FAIL"


def flip(file: Path) -> None:
    """Another last bit: of a file in shards, only the last one is another."""
    with file.open("r+b") as opened:
        opened.seek(-1, 2)
        [last] = opened.read(1)
        opened.seek(-1, 2)
        opened.write(bytes([last ^ 1]))


def write_key(folder: Path, curve: str) -> tuple[Path, Path]:
    """A private and a public key, PEM."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key({"256": ec.SECP256R1, "384": ec.SECP384R1, "521": ec.SECP521R1}[curve]())
    private, public = folder / "model.key", folder / "model.pub"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(key.private_bytes(*form))
    spki = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    public.write_bytes(key.public_key().public_bytes(*spki))
    return private, public
