"""What other programs sign, checked by `verify TARGET --bundle`; each also refused for another target or another signer."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.interop.peers import Peers, accepted
from tests.interop.private_pki import Pki
from tests.interop.releasing import GITHUB_IDENTITY, GITHUB_ISSUER, GITLAB_ISSUER, answer, write_model
from tests.interop.stack import REKOR_PREVIOUS, Stack

from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim

CONTENT = b"weights that somebody signed"
SLSA = "https://slsa.dev/provenance/v1"
KEYLESS = ("--certificate-identity", GITHUB_IDENTITY, "--certificate-oidc-issuer", GITHUB_ISSUER)
OTHER = (
    "--certificate-identity",
    GITHUB_IDENTITY.replace("minilm", "other"),
    "--certificate-oidc-issuer",
    GITHUB_ISSUER,
)
PREDICATE = {
    "buildDefinition": {"buildType": "https://example.com/build/v1", "externalParameters": {}},
    "runDetails": {"builder": {"id": "https://example.com/builder"}},
}


@dataclass
class Desk:
    """A folder with something to sign, and what signers and verifiers need."""

    folder: Path
    root: Path
    config: Path
    signing_config: Path

    @property
    def file(self) -> Path:
        """A file."""
        return self.folder / "weights.bin"

    @property
    def model(self) -> Path:
        """A directory."""
        return self.folder / "model"

    @property
    def bundle(self) -> Path:
        """Where signatures go."""
        return self.folder / "signature.sigstore.json"

    def statement(self) -> Path:
        """An in-toto statement about the file."""
        subject = {"name": self.file.name, "digest": {"sha256": hashlib.sha256(CONTENT).hexdigest()}}
        value = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [subject],
            "predicateType": SLSA,
            "predicate": PREDICATE,
        }
        path = self.folder / "statement.json"
        path.write_text(json.dumps(value))
        (self.folder / "predicate.json").write_text(json.dumps(PREDICATE))
        return path

    def verify(self, target: Path | str, *more: str) -> dict[str, Any]:
        """`verify TARGET --bundle`; the JSON answer."""
        return answer(["verify", str(target), "--bundle", str(self.bundle), *more])

    def keyless(self, target: Path | str, *more: str) -> dict[str, Any]:
        """The same with the identity of the default job."""
        return self.verify(target, "--trusted-root", str(self.root), *(more or KEYLESS))


@pytest.fixture
def desk(stack: Stack, tmp_path: Path) -> Desk:
    """On the real servers."""
    return make_desk(stack, tmp_path)


def make_desk(sigstore: Any, folder: Path, config: str | None = None) -> Desk:
    """With the trust material of a Sigstore written down."""
    made = Desk(folder, folder / "root.json", folder / "trust-config.json", folder / "signing-config.json")
    made.root.write_text(sigstore.trusted_root)
    made.config.write_text(config or sigstore.trust_config)
    made.signing_config.write_text(sigstore.signing_config)
    made.file.write_bytes(CONTENT)
    write_model(made.model)
    return made


def holds(desk: Desk, *expected: str, scope: str = "bundle") -> None:
    """The bundle verifies for the file, by path and by digest; not for another file, not for another digest."""
    for target in (desk.file, f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"):
        report = desk.verify(target, *expected)
        assert report["result"] == "PASS", problems(report)
        assert report["scope"] == scope
    other = desk.folder / "other.bin"
    other.write_bytes(CONTENT + b"!")
    for target in (other, f"sha256:{hashlib.sha256(b'').hexdigest()}"):
        assert desk.verify(target, *expected)["result"] == "FAIL"


def keyless_holds(desk: Desk) -> None:
    """And not for another signer."""
    holds(desk, "--trusted-root", str(desk.root), *KEYLESS)
    assert desk.keyless(desk.file, *OTHER)["result"] == "FAIL"


def cosign_words(desk: Desk, token: str) -> list[str]:
    """What every keyless signature of cosign needs."""
    words = ["--signing-config", str(desk.signing_config), "--trusted-root", str(desk.root)]
    # A file: given as a word, cosign takes a token that is not signed with RSA for the name of one.
    (desk.folder / "token").write_text(token)
    return [*words, "--identity-token", str(desk.folder / "token"), "--bundle", str(desk.bundle), "--yes"]


@pytest.mark.matrix("theirs", "cosign sign-blob, keyless", "a file")
def test_a_file_signed_by_cosign(desk: Desk, stack: Stack, peers: Peers) -> None:
    """`messageSignature` with a Rekor v2 entry and a timestamp."""
    accepted(peers.cosign("sign-blob", *cosign_words(desk, stack.issue_github_token()), str(desk.file)))
    keyless_holds(desk)


@pytest.mark.matrix("theirs", "cosign attest-blob, keyless", "a statement about a file")
def test_a_statement_signed_by_cosign(desk: Desk, stack: Stack, peers: Peers) -> None:
    """Cosign's own statement, whose subject has a name; the entry is a hashedrekord over the DSSE's PAE."""
    desk.statement()
    words = ["--type", "slsaprovenance1", "--predicate", str(desk.folder / "predicate.json")]
    accepted(peers.cosign("attest-blob", *cosign_words(desk, stack.issue_github_token()), *words, str(desk.file)))
    keyless_holds(desk)


@pytest.mark.matrix("theirs", "cosign sign-blob, key", "a file")
def test_a_file_signed_by_cosigns_key(desk: Desk, peers: Peers) -> None:
    """Without a log."""
    accepted(peers.cosign("generate-key-pair", cwd=desk.folder))
    words = ["--key", str(desk.folder / "cosign.key"), "--bundle", str(desk.bundle), "--yes", "--tlog-upload=false"]
    accepted(peers.cosign("sign-blob", *words, "--use-signing-config=false", str(desk.file)))
    holds(desk, "--key", str(desk.folder / "cosign.pub"))


@pytest.mark.matrix("theirs", "cosign attest-blob, key", "a statement about a file")
def test_a_statement_signed_by_cosigns_key(desk: Desk, peers: Peers) -> None:
    """Without a log; and not with another key."""
    desk.statement()
    accepted(peers.cosign("generate-key-pair", cwd=desk.folder))
    words = ["--key", str(desk.folder / "cosign.key"), "--bundle", str(desk.bundle), "--yes", "--tlog-upload=false"]
    words += ["--type", "slsaprovenance1", "--predicate", str(desk.folder / "predicate.json")]
    accepted(peers.cosign("attest-blob", *words, "--use-signing-config=false", str(desk.file)))
    holds(desk, "--key", str(desk.folder / "cosign.pub"))
    accepted(peers.cosign("generate-key-pair", "--output-key-prefix", "other", cwd=desk.folder))
    assert desk.verify(desk.file, "--key", str(desk.folder / "other.pub"))["result"] == "FAIL"


@pytest.mark.matrix("theirs", "cosign sign-blob, key, with a log entry", "a file")
def test_a_logged_signature_by_cosigns_key(desk: Desk, stack: Stack, peers: Peers) -> None:
    """An entry that is there is checked in full, against the trusted root."""
    accepted(peers.cosign("generate-key-pair", cwd=desk.folder))
    words = ["--key", str(desk.folder / "cosign.key"), "--bundle", str(desk.bundle), "--yes"]
    words += ["--signing-config", str(desk.signing_config), "--trusted-root", str(desk.root)]
    accepted(peers.cosign("sign-blob", *words, str(desk.file)))
    holds(desk, "--key", str(desk.folder / "cosign.pub"), "--trusted-root", str(desk.root))


@pytest.mark.matrix("theirs", "sigstore-python sign", "a file")
def test_a_file_signed_by_sigstore_python(desk: Desk, stack: Stack, peers: Peers) -> None:
    """In a job, with its ambient token."""
    env = RunnerEnv.github(stack, directory=desk.folder / "runner")
    words = ["--trust-config", str(desk.config), "sign", "--bundle", str(desk.bundle), str(desk.file)]
    accepted(peers.sigstore(*words, env=env))
    keyless_holds(desk)


@pytest.mark.matrix("theirs", "sigstore-python attest", "a statement about a file")
def test_a_statement_signed_by_sigstore_python(desk: Desk, stack: Stack, peers: Peers) -> None:
    """In a job, with its ambient token."""
    desk.statement()
    env = RunnerEnv.github(stack, directory=desk.folder / "runner")
    words = ["attest", "--predicate", str(desk.folder / "predicate.json"), "--predicate-type", SLSA]
    words += ["--bundle", str(desk.bundle), str(desk.file)]
    accepted(peers.sigstore("--trust-config", str(desk.config), *words, env=env))
    keyless_holds(desk)


@pytest.mark.matrix("theirs", "sigstore-python sign, GitLab", "a file")
def test_a_file_signed_by_a_job_of_gitlab(desk: Desk, stack: Stack, peers: Peers) -> None:
    """`--signer gitlab:` is no less exact than GitHub's."""
    token = stack.issue_gitlab_token()
    words = ["sign", "--identity-token", token, "--bundle", str(desk.bundle), str(desk.file)]
    accepted(peers.sigstore("--trust-config", str(desk.config), *words))
    identity = "https://gitlab.com/acme/models/minilm//.gitlab-ci.yml@refs/heads/main"
    good = ("--certificate-identity", identity, "--certificate-oidc-issuer", GITLAB_ISSUER)
    assert desk.keyless(desk.file, *good)["result"] == "PASS"
    assert desk.keyless(desk.file, "--signer", "gitlab:acme/models/minilm#48151623")["result"] == "PASS"
    assert desk.keyless(desk.file, "--signer", "gitlab:acme/models/minilm#1")["result"] == "FAIL"


@pytest.mark.matrix("theirs", "sigstore-js, Rekor v1 entry `{kind}` (as actions/attest)", "a statement about a file")
@pytest.mark.parametrize("kind", ["dsse", "intoto"])
def test_a_statement_signed_as_the_attest_action_does(
    sim: SigstoreSim, peers: Peers, tmp_path: Path, kind: str
) -> None:
    """Both kinds of entries that Rekor v1 has for envelopes, against the simulator."""
    desk = make_desk(sim, tmp_path, sim.trust_config_for(rekor_version=1))
    words = [str(desk.config), sim.issue_github_token(), str(desk.statement()), str(desk.bundle), kind]
    accepted(peers.sigstore_js("attest", *words))
    keyless_holds(desk)


def test_an_envelope_entry_of_the_previous_rekor_is_refused(stack: Stack, peers: Peers, tmp_path: Path) -> None:
    """`dsse` 0.0.2 was taken by Rekor v2 until 2.2 and by no verifier since: refused by name, not misread."""
    desk = make_desk(stack, tmp_path, stack.trust_config_for(REKOR_PREVIOUS))
    words = [str(desk.config), stack.issue_github_token(), str(desk.statement()), str(desk.bundle), "dsse"]
    accepted(peers.sigstore_js("attest", *words))
    [entry] = json.loads(desk.bundle.read_text())["verificationMaterial"]["tlogEntries"]
    assert entry["kindVersion"] == {"kind": "dsse", "version": "0.0.2"}
    report = desk.keyless(desk.file)
    assert report["result"] == "ERROR", problems(report)
    assert any("0.0.2" in finding["message"] for finding in report["findings"]), problems(report)


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
@pytest.mark.parametrize("release", ["0.2.0", "0.3.1", "1.0.1"])
def test_a_model_signed_by_an_older_model_signing(desk: Desk, peers: Peers, release: str) -> None:
    """Each layout of the years before 1.1, as that release itself writes and accepts it."""
    key, public = write_key(desk.folder, "256")
    words = ["--signature", str(desk.bundle)]
    accepted(peers.older_model_signing(release, "sign", "key", *words, "--private_key", str(key), str(desk.model)))
    accepted(peers.older_model_signing(release, "verify", "key", *words, "--public_key", str(public), str(desk.model)))
    model_holds(desk, "--key", str(public))


@pytest.mark.matrix("theirs", "model_signing's library, {method} with {hash_type}", "a model")
@pytest.mark.parametrize(
    ("method", "hash_type"),
    [("files", "sha256"), ("files", "blake2"), ("files", "blake3"), ("shards", "sha256"), ("shards", "blake2")],
)
def test_a_model_hashed_in_other_ways_by_model_signing(desk: Desk, method: str, hash_type: str) -> None:
    """What its library writes; its own command line verifies only whole files with SHA-256. BLAKE3 it never cuts."""
    from model_signing import hashing, signing

    key, public = write_key(desk.folder, "256")
    config = hashing.Config()
    if method == "files":
        config.use_file_serialization(hashing_algorithm=hash_type)
    else:
        config.use_shard_serialization(hashing_algorithm=hash_type, shard_size=64)
    signer = signing.Config().use_elliptic_key_signer(private_key=key).set_hashing_config(config)
    signer.sign(desk.model, desk.bundle)
    model_holds(desk, "--key", str(public))


@pytest.mark.matrix("theirs", "model_signing sign certificate", "a model")
def test_a_model_signed_by_model_signing_with_a_certificate(desk: Desk, peers: Peers) -> None:
    """Leaf, intermediate and root of a private PKI; not with the root of another."""
    pki = Pki(desk.folder)
    words = ["sign", "certificate", "--signature", str(desk.bundle), "--private_key", str(pki.key)]
    words += ["--signing_certificate", str(pki.leaf), "--certificate_chain", str(pki.intermediate), str(desk.model)]
    accepted(peers.model_signing(*words))
    model_holds(desk, "--certificate-chain", str(pki.root))
    other = Pki(desk.folder / "other")
    assert desk.verify(desk.model, "--certificate-chain", str(other.root))["result"] == "FAIL"


def model_holds(desk: Desk, *expected: str) -> None:
    """The model verifies; not with a file changed, with one added, with one removed."""
    report = desk.verify(desk.model, *expected)
    assert report["result"] == "PASS", problems(report)
    changes: list[Callable[[Path], object]] = [
        lambda model: (model / "config.json").write_text("{}"),
        lambda model: (model / "added.txt").write_text("x"),
        lambda model: (model / "README.md").unlink(),
    ]
    for number, change in enumerate(changes):
        other = shutil.copytree(desk.model, desk.folder / f"changed-{number}" / "model")
        change(other)
        assert desk.verify(other, *expected)["result"] == "FAIL"


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


def problems(report: dict[str, Any]) -> list[str]:
    """What did not pass, one line each."""
    return [f"{f['id']} {f['status']}: {f['message']}" for f in report["findings"] if f["status"] != "pass"]
