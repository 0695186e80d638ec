"""Other programs, as they are installed, accept what we write; and we accept what they write."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from model_provenance.cli.main import run
from model_provenance.testing.github_run import GitHubRun
from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim

NAMED = ("--name", "minilm", "--version", "1.0.0")
SIGNER = "github:acme/minilm#718293041/.github/workflows/release.yml@refs/heads/main"
#: pyOpenSSL says of itself that it is going away; that is model_signing's concern.
QUIET = {"PYTHONWARNINGS": "ignore"}


def peer(program: str, *words: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """A program of this environment."""
    command = [str(Path(sys.executable).parent / program), *map(str, words)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env={"HOME": str(cwd), **QUIET, **env})


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, a key pair that `openssl` could have made, and a release by it, as an archive."""
    folder = tmp_path_factory.mktemp("peers")
    model = folder / "model"
    (model / "1_Pooling").mkdir(parents=True)
    header = b'{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}'
    (model / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(range(16)))
    (model / "config.json").write_text('{"architectures": ["BertModel"], "model_type": "bert"}')
    (model / "1_Pooling/config.json").write_text('{"word_embedding_dimension": 384}')
    (model / "README.md").write_text(
        "---\nlicense: apache-2.0\ndatasets: [snli]\nbase_model: acme/base\n---\n# MiniLM\n"
    )
    (model / ".gitattributes").write_text("*.safetensors filter=lfs\n")
    (model / "back\\slash and space.txt").write_text("x")
    plain_key(folder)
    words = ["release", str(model), *NAMED, "--key", str(folder / "key.pem"), "--sbom-engine", "native"]
    assert run([*words, "--layout", "tar.gz", "--output", str(folder / "release")]) == 0
    return folder


def plain_key(folder: Path) -> None:
    """`key.pem`, a private key without password, and `key.pub`."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "key.pub").write_bytes(public)


@pytest.mark.parametrize("signed_by", ["sign", "release"])
def test_model_signing_accepts_our_signature_by_a_key(signed_by: str, desk: Path, tmp_path: Path) -> None:
    """That of `sign`, and the OMS bundle of a release; a changed model is refused."""
    bundle = desk / "release/evidence/oms.sigstore.json"
    if signed_by == "sign":
        bundle = tmp_path / "model.sig"
        assert run(["sign", str(desk / "model"), "--bundle", str(bundle), "--key", str(desk / "key.pem")]) == 0
    words = ("verify", "key", "--signature", bundle, "--public_key", desk / "key.pub")

    accepted = peer("model_signing", *words, desk / "model", cwd=tmp_path)
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    changed = copy_of(desk / "model", tmp_path / "changed")
    (changed / "config.json").write_text("{}")
    assert peer("model_signing", *words, changed, cwd=tmp_path).returncode != 0


def test_we_accept_model_signings_signature_by_a_key(
    desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `model_signing sign key` writes, with its own list of what it leaves out; a changed model is refused."""
    model = copy_of(desk / "model", tmp_path / "model")
    words = ("sign", "key", "--signature", "model.sig", "--private_key", desk / "key.pem", "model")
    made = peer("model_signing", *words, cwd=tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    verify = ["verify", str(model), "--bundle", str(tmp_path / "model.sig"), "--key", str(desk / "key.pub")]

    assert run([*verify, "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["result"], report["scope"]) == ("PASS", "bundle")
    (model / "1_Pooling/config.json").write_text("{}")
    assert run(verify) == 11
    assert "files.changed" in capsys.readouterr().out


def test_a_signature_of_model_signing_is_no_release(desk: Path, tmp_path: Path) -> None:
    """It lists the files and says nothing else: as evidence of a release the rest is missing."""
    (tmp_path / "evidence").mkdir()
    words = ("sign", "key", "--signature", tmp_path / "evidence/oms.sigstore.json", "--private_key", desk / "key.pem")
    assert peer("model_signing", *words, desk / "model", cwd=tmp_path).returncode == 0

    expected = ["--key", str(desk / "key.pub"), *NAMED]
    assert run(["verify", str(desk / "model"), "--evidence", str(tmp_path / "evidence"), *expected]) == 12


def copy_of(model: Path, folder: Path) -> Path:
    """The same files."""
    shutil.copytree(model, folder)
    return folder


@pytest.mark.parametrize(("sums", "below"), [("SHA256SUMS", "release"), ("MODEL.SHA256SUMS", "model")])
def test_sha256sum_accepts_both_lists(sums: str, below: str, desk: Path) -> None:
    """One in the release folder, one in the model; each names every file."""
    checked = subprocess.run(
        ["sha256sum", "--strict", "-c", desk / "release" / sums], cwd=desk / below, capture_output=True, text=True
    )

    assert checked.returncode == 0, checked
    assert len(checked.stdout.splitlines()) == {"release": 5, "model": 5}[below]


def test_pyspdxtools_accepts_the_spdx_document(desk: Path, tmp_path: Path) -> None:
    """Parsed and validated by the reference implementation."""
    checked = peer("pyspdxtools", "-i", desk / "release/sbom.spdx.json", cwd=tmp_path)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_strict_validator_accepts_the_cyclonedx_document(desk: Path) -> None:
    """The JSON schema of CycloneDX with no unknown key."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = (desk / "release/sbom.cdx.json").read_text()
    version = SchemaVersion.from_version(json.loads(text)["specVersion"])

    assert JsonStrictValidator(version).validate_str(text) is None


@pytest.fixture(scope="module", params=[1, 2], ids=["rekor-v1", "rekor-v2"])
def keyless(
    request: pytest.FixtureRequest, desk: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Mapping[str, str]]]:
    """A keyless release of the model by a GitHub job; its folder, in which lie `trust.json` and `root.json`."""
    folder = tmp_path_factory.mktemp("keyless")
    with SigstoreSim(rekor_version=request.param) as sim, pytest.MonkeyPatch.context() as patch:
        (folder / "trust.json").write_text(sim.trust_config)
        (folder / "root.json").write_text(sim.trusted_root)
        env = RunnerEnv.github(sim)
        for name, value in env.items():
            patch.setenv(name, value)
        words = ["release", str(desk / "model"), *NAMED, "--sbom-engine", "native", "--output", str(folder / "release")]
        assert run([*words, "--trust-config", str(folder / "trust.json")]) == 0
        patch.undo()
        yield folder, env


def test_sigstore_python_accepts_every_bundle(keyless: tuple[Path, Mapping[str, str]]) -> None:
    """Certificate, log entry, timestamp and signature by the library, with the identity of the workflow."""
    from sigstore.models import Bundle, TrustedRoot
    from sigstore.verify import Verifier, policy

    folder, _ = keyless
    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(folder / "root.json")))
    identity = policy.Identity(
        identity=f"https://github.com/{GitHubRun().workflow_ref}", issuer="https://token.actions.githubusercontent.com"
    )
    bundles = sorted((folder / "release/evidence").glob("*.sigstore.json"))

    assert len(bundles) == 5
    for path in bundles:
        kind, payload = verifier.verify_dsse(Bundle.from_json(path.read_bytes()), identity)
        assert kind == "application/vnd.in-toto+json"
        assert json.loads(payload)["_type"] == "https://in-toto.io/Statement/v1"


def test_model_signing_accepts_our_keyless_bundle(keyless: tuple[Path, Mapping[str, str]], desk: Path) -> None:
    """With the same identity, against the same instance."""
    folder, _ = keyless
    whom = ("--identity", f"https://github.com/{GitHubRun().workflow_ref}")
    issuer = ("--identity_provider", "https://token.actions.githubusercontent.com")
    bundle = ("--signature", folder / "release/evidence/oms.sigstore.json", "--trust_config", folder / "trust.json")

    accepted = peer("model_signing", "verify", "sigstore", *bundle, *whom, *issuer, desk / "model", cwd=folder)

    assert accepted.returncode == 0, accepted.stdout + accepted.stderr


def test_we_accept_model_signings_keyless_signature(desk: Path, tmp_path: Path) -> None:
    """By the signer's repository and workflow, as for our own."""
    with SigstoreSim() as sim:
        (tmp_path / "trust.json").write_text(sim.trust_config)
        token = ("--identity_token", sim.issue_github_token())
        words = ("sign", "sigstore", "--signature", "model.sig", "--trust_config", "trust.json", *token, desk / "model")
        made = peer("model_signing", *words, cwd=tmp_path, **dict(RunnerEnv.github(sim)))
    assert made.returncode == 0, made.stdout + made.stderr
    verify = ["verify", str(desk / "model"), "--bundle", str(tmp_path / "model.sig")]

    assert run([*verify, "--signer", SIGNER, "--trust-config", str(tmp_path / "trust.json")]) == 0
    assert run([*verify, "--signer", "github:acme/other", "--trust-config", str(tmp_path / "trust.json")]) == 10
