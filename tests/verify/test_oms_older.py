"""OMS signatures that we never make: shards, BLAKE2b, BLAKE3, and the layout of version 0.2; each change is refused."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from model_provenance.flows.expectation import SignerOptions
from model_provenance.flows.verify import VerifyRequest, verify
from model_provenance.formats.bundle import key_bundle
from model_provenance.formats.dsse import PAYLOAD_TYPE
from model_provenance.formats.intoto import named_statement
from model_provenance.sign.key import KeySigner

FILES = {"a.bin": b"x" * 2500, "b/c.txt": b"hi", "b/exact": b"y" * 2000}
V1 = "https://model_signing/signature/v1.0"
V0_2 = "https://model_signing/Digests/v0.1"


def digest(hash_type: str, data: bytes) -> str:
    """Hex."""
    if hash_type == "blake3":
        from blake3 import blake3

        return str(blake3(data).hexdigest())
    return hashlib.new(hash_type, data).hexdigest()


def resources(files: Mapping[str, bytes], hash_type: str, shard: int | None) -> list[dict[str, str]]:
    """As the specification lists them."""
    listed = []
    for name, data in sorted(files.items()):
        if shard is None:
            listed.append({"name": name, "algorithm": hash_type, "digest": digest(hash_type, data)})
            continue
        for start in range(0, len(data), shard):
            piece = data[start : start + shard]
            full = f"{name}:{start}:{start + len(piece)}"
            algorithm = f"{hash_type}-sharded-{shard}"
            listed.append({"name": full, "algorithm": algorithm, "digest": digest(hash_type, piece)})
    return listed


def predicate(hash_type: str, shard: int | None, files: Mapping[str, bytes] = FILES) -> dict[str, Any]:
    """A v1.0 predicate."""
    how: dict[str, Any] = {"method": "files" if shard is None else "shards", "hash_type": hash_type}
    if shard is not None:
        how["shard_size"] = shard
    return {"resources": resources(files, hash_type, shard), "serialization": {**how, "allow_symlinks": False}}


def payload(value: Mapping[str, Any]) -> bytes:
    """The statement with its right root."""
    root = hashlib.sha256(b"".join(bytes.fromhex(r["digest"]) for r in value["resources"])).hexdigest()
    return named_statement([("model", root)], V1, value)


class Desk:
    """A model, a key, and `verify` with what is signed."""

    def __init__(self, folder: Path, curve: Any = ec.SECP256R1) -> None:
        self.key = ec.generate_private_key(curve())
        self.signer = KeySigner(self.key)
        self.folder, self.model = folder, folder / "model"
        for name, data in FILES.items():
            (self.model / name).parent.mkdir(parents=True, exist_ok=True)
            (self.model / name).write_bytes(data)
        (folder / "key.pub").write_bytes(self.signer.public_key.pem)

    def sign(self, data: bytes) -> None:
        """A DSSE bundle over a payload."""
        self.write(key_bundle(data, self.signer.signature(data), self.signer.public_key.hint))

    def sign_0_2(self, data: bytes, *, algorithm: Any = hashes.SHA256) -> None:
        """A bundle with version 0.2's own encoding."""
        message = f"DSSEV1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(data)} {data!r}".encode()
        signature = self.key.sign(message, ec.ECDSA(algorithm()))
        self.write(key_bundle(data, signature, self.signer.public_key.hint))

    def write(self, bundle: bytes) -> None:
        """The bundle."""
        (self.folder / "model.sig").write_bytes(bundle)

    def verify(self, target: Path | None = None, **more: Any) -> Any:
        """The report."""
        signer = SignerOptions(key=self.folder / "key.pub")
        return verify(VerifyRequest(target or self.model, signer, bundles=(self.folder / "model.sig",), **more))

    def codes(self, **more: Any) -> set[str]:
        """What fails."""
        return {f.id for f in self.verify(**more).findings if f.severity.value == "error"} - {"verify.blocked"}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """On disk."""
    return Desk(tmp_path)


WAYS = [("sha256", 1000), ("sha256", 2000), ("blake2b", None), ("blake2b", 1000), ("blake3", None), ("blake3", 700)]


@pytest.mark.parametrize(("hash_type", "shard"), WAYS)
def test_every_way_of_hashing_verifies(desk: Desk, hash_type: str, shard: int | None) -> None:
    """And the report's files carry SHA-256 of the same read."""
    desk.sign(payload(predicate(hash_type, shard)))
    report = desk.verify()
    assert report.result.value == "PASS", report.findings
    assert {f.path: f.digest.hex for f in report.verified.files} == {
        name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()
    }


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte": (lambda m: (m / "a.bin").write_bytes(b"x" * 2499 + b"y"), "files.changed"),
    "a byte in the first shard": (lambda m: (m / "a.bin").write_bytes(b"y" + b"x" * 2499), "files.changed"),
    "a longer file": (lambda m: (m / "b/exact").write_bytes(b"y" * 2001), "files.changed"),
    "a removed file": (lambda m: (m / "b/c.txt").unlink(), "files.missing"),
    "an added file": (lambda m: (m / "new").write_bytes(b"z"), "files.extra"),
    "a renamed file": (lambda m: (m / "a.bin").rename(m / "z.bin"), "files.missing"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(("hash_type", "shard"), WAYS)
def test_every_change_is_refused(desk: Desk, hash_type: str, shard: int | None, change: str) -> None:
    """By its own finding."""
    desk.sign(payload(predicate(hash_type, shard)))
    act, code = CHANGES[change]
    act(desk.model)
    found = desk.codes()
    assert found & {code, "files.changed" if shard else code}, found


def test_a_file_that_grew_is_refused_even_when_unsigned_files_are_ignored(desk: Desk) -> None:
    """A shard more of a signed file is no unsigned file."""
    desk.sign(payload(predicate("sha256", 1000)))
    (desk.model / "new").write_bytes(b"z")
    assert desk.codes(ignore_unsigned_files=True) == set()
    (desk.model / "b/exact").write_bytes(b"y" * 2001)
    assert desk.codes(ignore_unsigned_files=True) == {"files.changed"}


def test_empty_files_have_no_shard_and_that_is_said(desk: Desk) -> None:
    """OMS v1.0 leaves them out of shards; as whole files they are listed."""
    (desk.model / "empty").write_bytes(b"")
    desk.sign(payload(predicate("sha256", 1000)))
    report = desk.verify()
    assert report.result.value == "PASS"
    assert any("empty" in f.message for f in report.findings if f.severity.value == "warning")
    desk.sign(payload(predicate("blake2b", None)))
    assert desk.codes() == {"files.extra"}


def test_protobufs_floats_are_whole_numbers(desk: Desk) -> None:
    """`1000.0` is what the reference writes; half a byte is nothing."""
    value = predicate("sha256", 1000)
    value["serialization"]["shard_size"] = 1000.0
    statement = json.loads(payload(predicate("sha256", 1000)))
    statement["predicate"] = value
    desk.sign(json.dumps(statement).encode())
    assert desk.codes() == set()
    value["serialization"]["shard_size"] = 1000.5
    desk.sign(json.dumps(statement).encode())
    assert desk.codes() == {"oms.unsupported"}


def _shape(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    value = predicate("sha256", 1000)
    change(value)
    return value


DEFECTS = {
    "no resource": (_shape(lambda v: v["resources"].clear()), "oms.malformed"),
    "a name twice": (_shape(lambda v: v["resources"].append(v["resources"][0])), "oms.malformed"),
    "a name outside": (_shape(lambda v: v["resources"][0].update(name="../a.bin:0:1000")), "oms.malformed"),
    "a name without range": (_shape(lambda v: v["resources"][0].update(name="a.bin")), "oms.malformed"),
    "a range of words": (_shape(lambda v: v["resources"][0].update(name="a.bin:0:x")), "oms.malformed"),
    "another hash": (_shape(lambda v: v["resources"][0].update(algorithm="blake2b")), "oms.malformed"),
    "another shard size": (_shape(lambda v: v["resources"][0].update(algorithm="sha256-sharded-9")), "oms.malformed"),
    "a short digest": (_shape(lambda v: v["resources"][0].update(digest="ab")), "oms.malformed"),
    "an unknown hash": (_shape(lambda v: v["serialization"].update(hash_type="md5")), "oms.unsupported"),
    "an unknown method": (_shape(lambda v: v["serialization"].update(method="tree")), "oms.unsupported"),
    "no size": (_shape(lambda v: v["serialization"].pop("shard_size")), "oms.unsupported"),
    "size zero": (_shape(lambda v: v["serialization"].update(shard_size=0)), "oms.unsupported"),
    "size true": (_shape(lambda v: v["serialization"].update(shard_size=True)), "oms.unsupported"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_signed_with_a_good_key_is_refused(desk: Desk, defect: str) -> None:
    """For its own reason."""
    value, code = DEFECTS[defect]
    desk.sign(payload(value))
    assert code in desk.codes()


def test_the_subject_is_the_root_of_the_pieces(desk: Desk) -> None:
    """Another digest is another model."""
    desk.sign(named_statement([("model", "ab" * 32)], V1, predicate("blake2b", None)))
    assert "oms.root" in desk.codes()


def test_a_tiny_shard_of_a_large_model_does_not_fill_the_memory(desk: Desk) -> None:
    """A hostile bundle says how files are to be cut."""
    from model_provenance.errors import ModelProvenanceError

    with (desk.model / "a.bin").open("wb") as file:
        file.truncate(1 << 30)
    value = predicate("sha256", 1000)
    value["serialization"]["shard_size"] = 1
    desk.sign(payload(value))
    with pytest.raises(ModelProvenanceError) as error:
        desk.verify()
    assert error.value.code == "oms.unsupported"


# --- version 0.2


def old_payload(files: Mapping[str, bytes] = FILES) -> bytes:
    """One subject a file, nothing else."""
    subjects = [(name, hashlib.sha256(data).hexdigest()) for name, data in sorted(files.items())]
    return named_statement(subjects, V0_2, {"unused": "Unused, just passed due to API requirements"})


@pytest.mark.parametrize("curve", [ec.SECP256R1, ec.SECP384R1, ec.SECP521R1])
def test_version_0_2_verifies(tmp_path: Path, curve: Any) -> None:
    """With its own encoding, and SHA-256 by every key; also with today's encoding."""
    desk = Desk(tmp_path, curve)
    desk.sign_0_2(old_payload())
    assert desk.codes() == set()
    desk.sign(old_payload())
    assert desk.codes() == set()


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_model_of_version_0_2_is_refused(desk: Desk, change: str) -> None:
    """As any other."""
    desk.sign_0_2(old_payload())
    act, code = CHANGES[change]
    act(desk.model)
    assert code in desk.codes()


def test_the_old_encoding_is_for_the_old_statement_alone(desk: Desk) -> None:
    """A statement of today signed over it is not signed."""
    desk.sign_0_2(payload(predicate("sha256", None)))
    assert desk.codes() == {"signature.invalid"}


def test_a_signature_of_another_payload_is_refused(desk: Desk) -> None:
    """Of version 0.2, too."""
    desk.sign_0_2(old_payload())
    value = json.loads((desk.folder / "model.sig").read_bytes())
    value["dsseEnvelope"]["payload"] = base64.b64encode(old_payload({**FILES, "a.bin": b"!"})).decode()
    desk.write(json.dumps(value).encode())
    assert "signature.invalid" in desk.codes()


@pytest.mark.parametrize("name", ["../a", "/a", "b//c", ""])
def test_a_name_of_version_0_2_stays_inside(desk: Desk, name: str) -> None:
    """Signed with a good key."""
    desk.sign_0_2(old_payload({name: b""}))
    assert "oms.malformed" in desk.codes()
