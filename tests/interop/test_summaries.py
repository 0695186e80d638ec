"""Verification summaries, ours checked by cosign, and cosign's relied on by us; each refused for another verifier or model."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.interop.peers import Peers, accepted, refused
from tests.interop.releasing import command, repository

HEAD = "apiVersion: model-provenance/v1\nkind: Policy\nmetadata: {name: p}\n"
ID = "https://acme.example/gate"
TYPE = "https://slsa.dev/verification_summary/v1"
NAMED = ("--name", "minilm", "--version", "1.0.0")


@dataclass
class Desk:
    """A release as an archive, a key of cosign's to vouch with, and one of another."""

    folder: Path
    env: dict[str, str]

    def run(self, *words: str) -> Any:
        """Our program."""
        return command(list(words), cwd=self.folder, env=self.env)

    @property
    def archive(self) -> Path:
        """What was released."""
        return next((self.folder / "out").glob("*.tar"))


@pytest.fixture
def desk(tmp_path: Path, peers: Peers) -> Desk:
    """`out` has been released with `release.key`; `gate/cosign.key` and `other/cosign.key` are cosign's."""
    repository(tmp_path)
    folder = tmp_path / "minilm"
    desk = Desk(folder, {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "COSIGN_PASSWORD": "secret"})
    for name in ("gate", "other"):
        (folder / name).mkdir()
        accepted(peers.cosign("generate-key-pair", cwd=folder / name))
    accepted(desk.run("keygen", "--output", "release"))
    words = ("--sbom-engine", "native", "--layout", "tar", "--output", "out", "--key", "release.key")
    accepted(desk.run("release", "model", *NAMED, *words))
    (folder / "ours.yaml").write_text(f"{HEAD}spec: {{signers: [{{key: release.pub}}], sbom: {{formats: [spdx]}}}}\n")
    (folder / "consumer.yaml").write_text(
        f"{HEAD}spec: {{vsa: {{verifiers: [{{id: '{ID}', key: gate/cosign.pub}}], levels: [SLSA_BUILD_LEVEL_1]}}}}\n"
    )
    return desk


@pytest.mark.matrix("ours", "verify --vsa, cosign's key", "cosign verify-blob-attestation --key")
def test_cosign_verifies_a_summary(desk: Desk, peers: Peers) -> None:
    """By type and by the digest of the archive; not by another key, type or digest."""
    own = ("--policy", "ours.yaml", "--vsa", "v.json", "--vsa-key", "gate/cosign.key", "--verifier-id", ID)
    accepted(desk.run("verify", "out", *NAMED, *own))
    digest = hashlib.sha256(desk.archive.read_bytes()).hexdigest()

    def cosign(key: str, kind: str, of: str) -> Any:
        words = ("--bundle", "v.json", "--key", f"{key}/cosign.pub", "--type", kind, "--digest", of)
        return peers.cosign(
            "verify-blob-attestation", *words, "--digestAlg", "sha256", "--insecure-ignore-tlog", cwd=desk.folder
        )

    accepted(cosign("gate", TYPE, digest))
    refused(cosign("other", TYPE, digest))
    refused(cosign("gate", "slsaprovenance1", digest))
    refused(cosign("gate", TYPE, "00" * 32))


@pytest.mark.matrix("theirs", "cosign attest-blob --key", "a verification summary, for --accept-vsa")
def test_a_summary_signed_by_cosign_is_relied_on(desk: Desk, peers: Peers) -> None:
    """About the archive, by its digest; not with another `verifier.id`, resource, result, key, or archive."""
    predicate: dict[str, Any] = {
        "verifier": {"id": ID},
        "timeVerified": "2026-01-01T00:00:00Z",
        "resourceUri": "pkg:generic/model/minilm@1.0.0",
        "policy": {"uri": "https://acme.example/policy"},
        "verificationResult": "PASSED",
        "verifiedLevels": ["SLSA_BUILD_LEVEL_2"],
    }

    def relied(blob: Path, key: str = "gate", **changes: Any) -> Any:
        (desk.folder / "predicate.json").write_text(json.dumps({**predicate, **changes}))
        words = ("--key", f"{key}/cosign.key", "--type", TYPE, "--predicate", "predicate.json", "--bundle", "v.json")
        local = ("--tlog-upload=false", "--use-signing-config=false", "--new-bundle-format", "--yes")
        accepted(peers.cosign("attest-blob", *words, *local, str(blob), cwd=desk.folder))
        own = ("--policy", "consumer.yaml", "--accept-vsa", "v.json")
        return desk.run("verify", "out", "--key", "release.pub", *NAMED, *own)

    accepted(relied(desk.archive))
    payload = json.loads((desk.folder / "v.json").read_text())["dsseEnvelope"]["payload"]
    assert json.loads(base64.b64decode(payload))["predicateType"] == TYPE
    for changes in (
        {"verifier": {"id": "https://acme.example/other"}},
        {"resourceUri": "pkg:generic/model/minilm@0.9.0"},
        {"verificationResult": "FAILED"},
        {"verifiedLevels": ["SLSA_BUILD_LEVEL_0"]},
    ):
        assert relied(desk.archive, **changes).returncode == 13
    assert relied(desk.archive, key="other").returncode == 2
    assert relied(desk.folder / "ours.yaml").returncode == 13
