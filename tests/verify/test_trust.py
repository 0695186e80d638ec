"""Trusted roots: what is read, what is refused, and where that of public Sigstore comes from without a connection."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp  # type: ignore[attr-defined]

from model_provenance.domain.digest import Digest
from model_provenance.domain.verification import Trust
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.bundle import InclusionProof, TlogEntry
from model_provenance.testing.log import checkpoint
from model_provenance.testing.merkle import MerkleTree, leaf_hash
from model_provenance.verify import production_root, trusted_root
from model_provenance.verify.checkpoint import entry_head, verify_inclusion


@pytest.fixture(scope="session")
def root(keyless: Any) -> Any:
    """The simulator's trusted root as JSON values."""
    return lambda: json.loads(keyless.sim.trusted_root)


def parse(value: Any) -> Any:
    """Read JSON values as a trusted root."""
    return trusted_root.parse(json.dumps(value).encode())


def test_a_trusted_root_is_read(root: Any) -> None:
    """Authorities with their chains, logs with their keys and windows."""
    found = parse(root())
    assert len(found.certificate_authorities[0].chain) == 2
    assert len(found.logs) == 2
    assert len(found.certificate_logs) == len(found.timestamp_authorities) == 1


def test_the_root_inside_a_client_trust_config_is_taken(root: Any, keyless: Any) -> None:
    """`--trust-config` holds the same root beside a signing config."""
    config = json.loads(keyless.sim.trust_config_for()) if keyless.sim._server else None
    assert config is not None
    assert parse(config).logs == parse(root()).logs
    snake = {"media_type": config["mediaType"], "trusted_root": config["trustedRoot"]}
    assert parse(snake).logs == parse(root()).logs


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r.update(mediaType="application/json"),
        lambda r: r["tlogs"][0]["publicKey"]["validFor"].pop("start"),
        lambda r: r["tlogs"][0]["publicKey"].pop("validFor"),
        lambda r: r["tlogs"][0]["publicKey"].update(rawBytes="AAAA"),
        lambda r: r["tlogs"][0]["publicKey"].update(rawBytes="???"),
        lambda r: r["tlogs"][0].pop("logId"),
        lambda r: r.update(tlogs={}),
        lambda r: r.update(ctlogs=r["ctlogs"] * 300),
        lambda r: r["certificateAuthorities"][0]["certChain"].update(certificates=[]),
        lambda r: r["certificateAuthorities"][0]["certChain"]["certificates"][0].update(rawBytes="AAAA"),
        lambda r: r["certificateAuthorities"][0].pop("validFor"),
        lambda r: r["certificateAuthorities"][0]["validFor"].update(end="tomorrow"),
        lambda r: r["certificateAuthorities"][0]["validFor"].update(start="2026-13-01T00:00:00Z"),
    ],
)
def test_a_malformed_root_is_refused(root: Any, change: Any) -> None:
    """As an error of the caller, who gave it: exit status 2, never an empty set of trust."""
    value = root()
    change(value)
    with pytest.raises(ModelProvenanceError) as caught:
        parse(value)
    assert caught.value.code == "trust.root_invalid"


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"null", b"\xff", b"{" * 1000, b" " * 5_000_000])
def test_junk_is_no_root(data: Any) -> None:
    """Whatever it is."""
    with pytest.raises(ModelProvenanceError) as caught:
        trusted_root.parse(data)
    assert caught.value.code == "trust.root_invalid"


def test_a_log_with_a_key_of_an_unknown_kind_is_left_out(root: Any) -> None:
    """A new kind of key must not make every other log unusable; its own entries are of an unknown log."""
    value = root()
    value["tlogs"][0]["publicKey"]["keyDetails"] = "ML_DSA_65"
    assert len(parse(value).logs) == 1


def test_windows_hold_their_ends(root: Any) -> None:
    """A range is closed at both ends, to the fraction of a second."""
    value = root()
    value["tlogs"][0]["publicKey"]["validFor"] = {"start": "2026-01-01T00:00:00.5Z", "end": "2026-01-01T00:00:01Z"}
    window = parse(value).logs[0].window
    start = datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=timezone.utc)
    end = datetime(2026, 1, 1, 0, 0, 1, tzinfo=timezone.utc)
    tick = timedelta(microseconds=1)
    assert [window.holds(t) for t in (start - tick, start, end, end + tick)] == [False, True, True, False]


def test_a_malformed_root_stops_a_verification(api: Any, keyless: Any, judge_keyless: Any) -> None:
    """It is not one more finding: nothing could be judged with it."""
    draft = api.Draft(run=keyless.default_run)
    with pytest.raises(ModelProvenanceError) as caught:
        judge_keyless(keyless.sign(draft.statements), draft.directory, trust=Trust(b"{}"))
    assert caught.value.exit_status == 2


# --- the root of public Sigstore


def test_the_embedded_production_root_is_read(tmp_path: Any) -> None:
    """What the sigstore package brings is enough: authorities, logs and timestamp authorities of public Sigstore."""
    found = trusted_root.parse(production_root.production_root(tmp_path, tmp_path))
    assert any("rekor.sigstore.dev" in log.url for log in found.logs)
    assert found.certificate_authorities
    assert found.certificate_logs
    assert found.timestamp_authorities


class Repository:
    """A TUF repository with two versions of its root, and the cache that a client would have of it."""

    def __init__(self, folder: Path) -> None:
        self.metadata, self.targets = folder / "metadata", folder / "targets"
        (self.metadata / "root_history").mkdir(parents=True)
        self.targets.mkdir()
        self.first, self.second = CryptoSigner.generate_ed25519(), CryptoSigner.generate_ed25519()
        self.embedded = self._root(1, self.first, [self.first])
        (self.metadata / "root_history" / "2.root.json").write_bytes(
            self._root(2, self.second, [self.first, self.second])
        )
        self.publish(b'{"trusted": "root"}', self.second)

    def _root(self: Any, version: Any, key: Any, signers: Any) -> Any:
        signed = Root(version=version, expires=datetime(2020, 1, 1, tzinfo=timezone.utc), consistent_snapshot=True)
        for role in ("root", "timestamp", "snapshot", "targets"):
            signed.add_key(key.public_key, role)
        return self._signed(signed, signers)

    def _signed(self: Any, signed: Any, signers: Any) -> Any:
        metadata = Metadata(signed)
        for signer in signers:
            metadata.sign(signer, append=True)
        return metadata.to_bytes()

    def publish(self, target: bytes, signer: CryptoSigner) -> None:
        """Write target and metadata as a client caches them; expired long ago, which does not matter offline."""
        expires = datetime(2020, 1, 1, tzinfo=timezone.utc)
        targets = Targets(expires=expires)
        targets.targets["trusted_root.json"] = TargetFile.from_data("trusted_root.json", target, ["sha256"])
        data = self._signed(targets, [signer])
        (self.metadata / "targets.json").write_bytes(data)
        snapshot = Snapshot(expires=expires)
        snapshot.meta["targets.json"] = MetaFile(1, len(data), {"sha256": hashlib.sha256(data).hexdigest()})
        data = self._signed(snapshot, [signer])
        (self.metadata / "snapshot.json").write_bytes(data)
        timestamp = Timestamp(expires=expires)
        timestamp.snapshot_meta = MetaFile(1, len(data), {"sha256": hashlib.sha256(data).hexdigest()})
        (self.metadata / "timestamp.json").write_bytes(self._signed(timestamp, [signer]))
        (self.targets / "trusted_root.json").write_bytes(target)


@pytest.fixture
def repository(tmp_path: Any, monkeypatch: Any) -> Any:
    """A repository whose first root is the embedded one."""
    made = Repository(tmp_path)
    embedded = {"root.json": made.embedded, "trusted_root.json": b"embedded"}
    monkeypatch.setattr(production_root, "_embedded", embedded.__getitem__)
    return made


def test_a_cached_root_counts_when_its_chain_verifies(repository: Any) -> None:
    """From the embedded root over every later one to the target, expired or not."""
    assert production_root.production_root(repository.metadata, repository.targets) == b'{"trusted": "root"}'


@pytest.mark.parametrize("name", ["timestamp.json", "snapshot.json", "targets.json", "root_history/2.root.json"])
@pytest.mark.parametrize("how", ["changed", "missing", "junk"])
def test_a_cached_root_does_not_count_when_any_part_of_its_chain_is_not_as_signed(
    repository: Any, name: Any, how: Any
) -> None:
    """Whoever can write to the cache cannot change what is trusted: the embedded root is used."""
    path = repository.metadata / name
    if how == "missing":
        path.unlink()
    elif how == "junk":
        path.write_bytes(b"{}")
    else:
        value = json.loads(path.read_bytes())
        value["signed"]["expires"] = "2099-01-01T00:00:00Z"
        path.write_bytes(json.dumps(value).encode())
    assert production_root.production_root(repository.metadata, repository.targets) == b"embedded"


def test_a_cached_target_that_was_exchanged_does_not_count(repository: Any) -> None:
    """The metadata names its digest."""
    (repository.targets / "trusted_root.json").write_bytes(b'{"trusted": "evil"}')
    assert production_root.production_root(repository.metadata, repository.targets) == b"embedded"


def test_a_cache_signed_by_other_keys_does_not_count(repository: Any) -> None:
    """A whole repository of somebody else, consistent in itself."""
    repository.publish(b'{"trusted": "evil"}', CryptoSigner.generate_ed25519())
    assert production_root.production_root(repository.metadata, repository.targets) == b"embedded"


def test_a_cache_signed_by_keys_that_were_rotated_out_does_not_count(repository: Any) -> None:
    """The first root's keys are no longer those of the second."""
    repository.publish(b'{"trusted": "old"}', repository.first)
    assert production_root.production_root(repository.metadata, repository.targets) == b"embedded"


# --- inclusion proofs


@settings(max_examples=60)
@given(size=st.integers(1, 70), data=st.data())
def test_every_leaf_of_every_tree_is_proven_and_no_other(keyless: Any, size: Any, data: Any) -> None:
    """Proofs of an RFC 6962 tree hold for their leaf, index and size, and for no neighbour."""
    tree = MerkleTree()
    for number in range(size):
        tree.append(leaf_hash(b"%d" % number))
    index = data.draw(st.integers(0, size - 1))
    sim = keyless.sim
    log = next(log for log in trusted_root.parse(sim.trusted_root.encode()).logs if log.id == sim.rekor_v2.log_id)
    root = tree.root()
    note = checkpoint(sim.rekor_v2.HOST, (sim.rekor_v2.HOST, log.id), size, root, sim.rekor_v2.key)

    def holds(body: bytes, at: int, hashes: list[bytes], of: int = size) -> bool:
        proof = InclusionProof(at, root, of, tuple(hashes), note)
        entry = TlogEntry(at, log.id, "x", "1", None, body, None, proof)
        try:
            verify_inclusion(entry, entry_head(entry, log))
        except ModelProvenanceError as error:
            assert error.code in ("log.inclusion", "log.checkpoint")  # noqa: PT017 - the only way out
            return False
        return True

    hashes = tree.inclusion_proof(index)
    assert holds(b"%d" % index, index, hashes)
    assert not holds(b"%d" % (index + 1), index, hashes)
    if size > 1:
        assert not holds(b"%d" % index, (index + 1) % size, hashes)
        assert not holds(b"%d" % index, index, hashes[:-1])
    assert not holds(b"%d" % index, index, [*hashes, b"\0" * 32])
    assert not holds(b"%d" % index, index, hashes, of=size + 1)


@given(st.text(max_size=200))
def test_no_checkpoint_text_breaks_the_reader(keyless: Any, note: Any) -> None:
    """A note of any form is refused and nothing else happens."""
    log = trusted_root.parse(keyless.sim.trusted_root.encode()).logs[0]
    body = b"x"
    for text in (note, f"origin\n1\n{base64.b64encode(leaf_hash(body)).decode()}\n\n{note}"):
        proof = InclusionProof(0, leaf_hash(body), 1, (), text)
        with pytest.raises(ModelProvenanceError) as caught:
            entry_head(TlogEntry(0, log.id, "x", "1", None, body, None, proof), log)
        assert caught.value.code == "log.checkpoint"


def test_the_digest_of_a_custom_root_is_known(keyless: Any) -> None:
    """A report can say which root was used."""
    assert keyless.trust.digest == Digest.of(keyless.sim.trusted_root.encode())
