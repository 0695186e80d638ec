"""`trust`: a private Sigstore's trust from a TUF repository, by address and by folder, and every way in which it may be wrong."""

from __future__ import annotations

import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner

from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.trust import refresh_trust
from model_provenance.testing.sigstore_sim import SigstoreSim
from model_provenance.testing.tuf_mirror import TufMirror

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def published() -> dict[str, bytes]:
    """What a Sigstore publishes."""
    with SigstoreSim() as sim:
        return {
            "trusted_root.json": sim.trusted_root.encode(),
            "signing_config.v0.2.json": sim.signing_config.encode(),
        }


class Desk:
    """A repository, and a client of it."""

    def __init__(self, folder: Path, published: dict[str, bytes]) -> None:
        self.mirror = TufMirror(folder / "mirror")
        self.published, self.output = published, folder / "sigstore"
        self.mirror.publish(published)
        self.root = folder / "root.json"
        self.root.write_bytes(self.mirror.first_root())

    def refresh(self, mirror: str | None = None) -> Any:
        """From the folder."""
        return refresh_trust(mirror or str(self.mirror.folder), root=self.root, output=self.output)

    def refused(self, mirror: str | None = None) -> str:
        """The code; nothing that was there is overwritten."""
        before = {path.name: path.read_bytes() for path in self.output.glob("*.json")}
        with pytest.raises(ModelProvenanceError) as error:
            self.refresh(mirror)
        assert {path.name: path.read_bytes() for path in self.output.glob("*.json")} == before
        return error.value.code


@pytest.fixture
def desk(tmp_path: Path, published: dict[str, bytes]) -> Desk:
    """With one version published."""
    return Desk(tmp_path, published)


@pytest.fixture
def served(desk: Desk) -> Iterator[str]:
    """The repository's address."""

    class _Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(desk.mirror.folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("how", ["address", "folder", "file address"])
def test_what_is_published_is_written(desk: Desk, served: str, how: str) -> None:
    """Trusted root to the byte, and a trust config of both."""
    mirror = {"address": served, "folder": str(desk.mirror.folder), "file address": desk.mirror.folder.as_uri()}[how]
    fetched = desk.refresh(mirror)
    assert fetched.files == ("trusted_root.json", "trust-config.json")
    assert (desk.output / "trusted_root.json").read_bytes() == desk.published["trusted_root.json"]
    config = json.loads((desk.output / "trust-config.json").read_text())
    assert config["signingConfig"] == json.loads(desk.published["signing_config.v0.2.json"])
    assert config["trustedRoot"] == json.loads(desk.published["trusted_root.json"])


def test_without_a_signing_config_there_is_nothing_to_sign_with(desk: Desk) -> None:
    """A trusted root alone verifies."""
    desk.mirror.publish({"trusted_root.json": desk.published["trusted_root.json"]})
    assert desk.refresh().files == ("trusted_root.json",)


def test_a_new_version_replaces_the_old_one(desk: Desk) -> None:
    """As when the keys of a log change."""
    desk.refresh()
    value = json.loads(desk.published["trusted_root.json"])
    value["tlogs"] = value["tlogs"][:1]
    desk.mirror.publish({**desk.published, "trusted_root.json": json.dumps(value).encode()})
    desk.refresh()
    assert len(json.loads((desk.output / "trusted_root.json").read_text())["tlogs"]) == 1


def test_root_keys_may_change(desk: Desk) -> None:
    """Each root is signed by the one before; a client that knows the first follows."""
    desk.refresh()
    for _ in range(2):
        desk.mirror.rotate_root(CryptoSigner.generate_ed25519())
    desk.mirror.publish(desk.published)
    desk.refresh()


def test_a_root_that_the_one_before_did_not_sign_is_refused(desk: Desk, tmp_path: Path) -> None:
    """Somebody else's repository under the known address."""
    desk.refresh()
    other = TufMirror(tmp_path / "other")
    other.rotate_root(CryptoSigner.generate_ed25519())
    other.publish(desk.published)
    shutil.copy(other.folder / "2.root.json", desk.mirror.folder / "2.root.json")
    assert desk.refused() == "trust.tuf"


def test_another_repository_is_refused(desk: Desk, tmp_path: Path) -> None:
    """The root that the caller has decides."""
    other = TufMirror(tmp_path / "other")
    other.publish(desk.published)
    assert desk.refused(str(other.folder)) == "trust.tuf"


@pytest.mark.parametrize("file", ["timestamp.json", "1.snapshot.json", "1.targets.json"])
def test_changed_metadata_is_refused(desk: Desk, file: str) -> None:
    """Each role has its signature."""
    path = desk.mirror.folder / file
    value = json.loads(path.read_text())
    value["signed"]["expires"] = "2099-01-01T00:00:00Z"
    path.write_text(json.dumps(value))
    assert desk.refused() == "trust.tuf"


def test_a_changed_target_is_refused(desk: Desk) -> None:
    """Length and hash are signed."""
    [path] = (desk.mirror.folder / "targets").glob("*.trusted_root.json")
    path.write_bytes(path.read_bytes().replace(b"demo", b"memo", 1))
    assert desk.refused() == "trust.tuf"


def test_an_expired_repository_is_refused(desk: Desk) -> None:
    """Nobody has looked after it."""
    desk.refresh()
    desk.mirror.publish(desk.published, life=-DAY)
    assert desk.refused() == "trust.tuf"


def test_an_older_repository_is_refused(desk: Desk) -> None:
    """A mirror that goes back to what it had before."""
    desk.mirror.publish(desk.published, version=7)
    desk.refresh()
    desk.mirror.publish(desk.published, version=3)
    assert desk.refused() == "trust.tuf"


def test_a_repository_that_publishes_something_else_is_refused(desk: Desk) -> None:
    """A trusted root that cannot be read, and none at all."""
    desk.mirror.publish({"trusted_root.json": b"{}"})
    assert desk.refused() == "trust.root_invalid"
    desk.mirror.publish({"other.json": b"{}"})
    assert desk.refused() == "trust.tuf"


@pytest.mark.parametrize("mirror", ["nothing", "http://192.0.2.1/tuf", "ftp://example.com", "http://127.0.0.1:9"])
def test_a_mirror_that_is_none_is_said(desk: Desk, mirror: str) -> None:
    """Plain HTTP only on this machine."""
    assert desk.refused(mirror) == "trust.mirror"


def test_a_root_that_is_none_is_refused(desk: Desk) -> None:
    """Not a crash."""
    for data in (b"", b"{}", b"\xff", desk.published["trusted_root.json"]):
        desk.root.write_bytes(data)
        assert desk.refused() == "trust.tuf"
