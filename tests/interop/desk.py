"""A folder with something that others sign, and our `verify TARGET --bundle` of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.interop.releasing import GITHUB_IDENTITY, GITHUB_ISSUER, answer, write_model

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


def problems(report: dict[str, Any]) -> list[str]:
    """What did not pass, one line each."""
    return [f"{f['id']} {f['status']}: {f['message']}" for f in report["findings"] if f["status"] != "pass"]
