"""The stack's trust from a TUF repository: our `trust`, sigstore-python's `--instance` and cosign's `initialize`."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner
from tests.interop.peers import Peers, accepted, refused
from tests.interop.releasing import GITHUB_IDENTITY, GITHUB_ISSUER, PUSH, Job, Released, command, release
from tests.interop.stack import Stack

from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.tuf_mirror import TufMirror


class Repository:
    """A served TUF repository with a root that was rotated once."""

    def __init__(self, folder: Path, stack: Stack) -> None:
        self.mirror = TufMirror(folder / "mirror")
        self.root = folder / "root.json"
        self.root.write_bytes(self.mirror.first_root())
        self.mirror.rotate_root(CryptoSigner.generate_ed25519())
        config = stack.signing_config.encode()
        self.mirror.publish({"trusted_root.json": stack.trusted_root.encode(), "signing_config.v0.2.json": config})
        self.url = ""


@pytest.fixture
def published(stack: Stack, tmp_path: Path) -> Iterator[Repository]:
    """On loopback."""

    class _Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    made = Repository(tmp_path, stack)
    handler = partial(_Handler, directory=str(made.mirror.folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.matrix("runs", "trust from a TUF repository ({how}), then release and verify", "servers")
@pytest.mark.parametrize("how", ["address", "folder"])
def test_trust_is_fetched_and_used(stack: Stack, published: Repository, tmp_path: Path, how: str) -> None:
    """`trust` writes what `release` and `verify` take."""
    mirror = published.url if how == "address" else str(published.mirror.folder)
    done = command(["trust", mirror, "--root", str(published.root), "--output", str(tmp_path / "sigstore")])
    assert done.returncode == 0, done.stderr
    config = (tmp_path / "sigstore" / "trust-config.json").read_text()
    made = release(stack, tmp_path / "release", PUSH, trust_config=config)
    with_root = Released(made.folder, made.model, tmp_path / "sigstore" / "trusted_root.json", PUSH, made.env)
    report = with_root.verify()
    assert report["result"] == "PASS", report["findings"]


@pytest.mark.matrix("theirs", "sigstore-python sign, trust from TUF", "a file")
def test_sigstore_python_signs_by_the_repository(
    stack: Stack, published: Repository, peers: Peers, tmp_path: Path
) -> None:
    """And ours verifies with what `trust` fetched from the same place."""
    file, bundle = tmp_path / "weights.bin", tmp_path / "weights.sigstore.json"
    file.write_bytes(b"weights")
    env = RunnerEnv.github(stack, directory=tmp_path / "runner")
    accepted(peers.sigstore("--instance", published.url, "trust-instance", str(published.root), env=env))
    accepted(peers.sigstore("--instance", published.url, "sign", "--bundle", str(bundle), str(file), env=env))
    output = str(tmp_path / "sigstore")
    assert command(["trust", published.url, "--root", str(published.root), "--output", output]).returncode == 0
    words = ["verify", str(file), "--bundle", str(bundle), "--trusted-root", f"{output}/trusted_root.json"]
    words += ["--certificate-identity", GITHUB_IDENTITY, "--certificate-oidc-issuer", GITHUB_ISSUER]
    assert command(words).returncode == 0


@pytest.mark.matrix("ours", "release: provenance, keyless", "cosign, trust from TUF (initialize)")
def test_cosign_verifies_by_the_repository(
    on_servers: Callable[[Job], Released], published: Repository, peers: Peers
) -> None:
    """Its default way to trust, without `--trusted-root`."""
    made = on_servers(PUSH)
    accepted(peers.cosign("initialize", "--mirror", published.url, "--root", str(published.root)))
    words = ["verify-blob-attestation", "--bundle", str(made.bundle("provenance")), "--digestAlg", "sha256"]
    words += ["--digest", made.model_digest, "--type", "slsaprovenance1", "--certificate-oidc-issuer", GITHUB_ISSUER]
    accepted(peers.cosign(*words, "--certificate-identity", GITHUB_IDENTITY))
    refused(peers.cosign(*words, "--certificate-identity", GITHUB_IDENTITY.replace("acme", "other")))
