"""Signing with a key: the bundles, and that model_signing accepts them."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Statement, Subject, SubjectKind
from model_provenance.domain.files import ModelFile, Role
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.bundle import Envelope, parse_bundle
from model_provenance.formats.dsse import pae
from model_provenance.formats.intoto import statement
from model_provenance.formats.oms import oms_statement
from model_provenance.sign.key import KeySigner

CURVES = {
    "P-256": (ec.SECP256R1(), hashes.SHA256()),
    "P-384": (ec.SECP384R1(), hashes.SHA384()),
    "P-521": (ec.SECP521R1(), hashes.SHA512()),
}
FILES = {
    "config.json": b"{}",
    "weights/a.safetensors": bytes(range(256)) * 64,
    "weights.d/b.bin": b"b",
    "ümlaut.txt": b"x",
}


def statements() -> list[Statement]:
    """Two statements about one model."""
    subjects = [Subject(SubjectKind.OMS_ROOT, Digest.of(b"model"))]
    kinds = ("https://slsa.dev/provenance/v1", "https://spdx.dev/Document")
    return [Statement(kind[-4:], kind, statement(subjects, kind, {"n": n})) for n, kind in enumerate(kinds)]


@pytest.fixture(params=CURVES)
def curve(request: pytest.FixtureRequest) -> str:
    """Each curve."""
    name: str = request.param
    return name


@pytest.fixture
def signer(curve: str) -> KeySigner:
    """A signer with a fresh key on the curve."""
    return KeySigner(ec.generate_private_key(CURVES[curve][0]))


def test_every_statement_gets_a_bundle_under_one_key(signer: KeySigner, curve: str) -> None:
    """Bundles come in the order of the statements, hold their exact bytes, and verify with the curve's own hash."""
    inputs = statements()
    bundles = signer.sign(inputs)
    assert [(b.name, b.predicate_type, b.payload) for b in bundles] == [
        (s.name, s.predicate_type, s.payload) for s in inputs
    ]
    for bundle in bundles:
        parsed = parse_bundle(bundle.data)
        assert isinstance(parsed.content, Envelope)
        assert parsed.content.payload == bundle.payload
        assert parsed.material.hint == signer.public_key.hint
        assert (bundle.log_entries, bundle.timestamps) == ((), ())
        key = signer.private_key.public_key()
        key.verify(parsed.content.signature, pae(bundle.payload), ec.ECDSA(CURVES[curve][1]))
        with pytest.raises(InvalidSignature):
            key.verify(parsed.content.signature, bundle.payload, ec.ECDSA(CURVES[curve][1]))


def test_nothing_to_sign_gives_nothing(signer: KeySigner) -> None:
    """No statements, no bundles."""
    assert signer.sign([]) == ()


def test_the_identity_is_the_hint(signer: KeySigner) -> None:
    """A key's identity is `key:` and the SHA-256 of its PEM text, as its bundles say."""
    assert (signer.identity.method, signer.identity.subject) == ("key", f"key:{signer.public_key.hint}")
    assert signer.identity.issuer is None


def test_other_curves_make_no_signer() -> None:
    """A signer on a curve that OMS does not know cannot be made."""
    with pytest.raises(ModelProvenanceError) as caught:
        KeySigner(ec.generate_private_key(ec.SECP256K1()))
    assert caught.value.code == "key.unsupported"


def model(root: Path) -> list[ModelFile]:
    """A model directory on disk, and its files as hashed."""
    files = []
    for name, data in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        files.append(ModelFile(name, len(data), Digest.of(data), Role.OTHER))
    return files


def model_signing(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the model_signing program of this environment."""
    program = Path(sys.executable).with_name("model_signing")
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_model_signing_verifies_our_oms_bundle(signer: KeySigner, tmp_path: Path) -> None:
    """`model_signing verify key` accepts our OMS bundle of a directory on every curve, and refuses a changed model."""
    root = tmp_path / "model"
    [bundle] = signer.sign([oms_statement(model(root), subject_name="model")])
    signature, key = tmp_path / "model.sig", tmp_path / "release.pub"
    signature.write_bytes(bundle.data)
    key.write_bytes(signer.public_key.pem)
    verify = ("verify", "key", root, "--signature", signature, "--public_key", key)
    passed = model_signing(*verify)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    if signer.public_key.algorithm == "EC P-256":
        (root / "config.json").write_bytes(b"[]")
        assert model_signing(*verify).returncode != 0


def test_the_bundle_that_model_signing_makes_is_read(tmp_path: Path) -> None:
    """What `model_signing sign key` writes is read as a key bundle with the same hint as ours would have."""
    signer = KeySigner(ec.generate_private_key(ec.SECP256R1()))
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key, signature = tmp_path / "release.key", tmp_path / "model.sig"
    key.write_bytes(signer.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    model(tmp_path / "model")
    made = model_signing("sign", "key", tmp_path / "model", "--signature", signature, "--private_key", key)
    assert made.returncode == 0, made.stderr
    theirs = parse_bundle(signature.read_bytes())
    assert theirs.material.hint == signer.public_key.hint
    assert isinstance(theirs.content, Envelope)
    signer.private_key.public_key().verify(
        theirs.content.signature, pae(theirs.content.payload), ec.ECDSA(hashes.SHA256())
    )


def test_a_bundle_holds_no_word_more_than_needed(signer: KeySigner) -> None:
    """The envelope is as long as the payload demands: the statement's bytes in base64, once."""
    [first, _] = signer.sign(statements())
    envelope = json.loads(first.data)["dsseEnvelope"]
    assert b64decode(envelope["payload"]) == first.payload
    assert list(envelope) == ["payload", "payloadType", "signatures"]
