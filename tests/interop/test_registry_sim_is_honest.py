"""The simulated registry answers as the real ones do: status and the headers that a client relies on, request by request."""

from __future__ import annotations

import hashlib
import http.client
import json
from pathlib import Path
from types import ModuleType
from urllib.parse import urljoin, urlsplit

import pytest
from tests.interop.registries import start

from model_provenance.testing.registry_sim import RegistrySim

#: Real registry -> the profile that plays it.
PLAYED = {"olareg": "spec-1.1", "distribution": "distribution-2.8", "docker-registry": "distribution-2.8"}
BLOB = b"hello"
OTHER = b"other"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def digest_of(data: bytes) -> str:
    """As registries write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Talk:
    """Raw requests to one registry; remembers what a client would see."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.seen: list[tuple[str, int, tuple[str, ...]]] = []

    def ask(self, label: str, method: str, path: str, body: bytes = b"", **headers: str) -> http.client.HTTPResponse:
        """One request on a connection of its own; `path` may be a whole address."""
        parts = urlsplit(urljoin(f"http://{self.host}", path))
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, f"{parts.path}?{parts.query}", body or None, sent)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        known = ("Location", "Docker-Content-Digest", "OCI-Subject", "Content-Range")
        self.seen.append((label, answer.status, tuple(name for name in known if answer.headers.get(name))))
        return answer

    def upload(self, label: str, data: bytes, digest: str) -> None:
        """POST, one PATCH, PUT."""
        place = self.ask(f"{label}: POST", "POST", "/v2/sim/real/blobs/uploads/", Content_Length="0").headers[
            "Location"
        ]
        patched = self.ask(f"{label}: PATCH", "PATCH", place, data, Content_Type="application/octet-stream")
        place = patched.headers["Location"] or place
        sign = "&" if "?" in place else "?"
        self.ask(f"{label}: PUT", "PUT", f"{place}{sign}digest={digest}", Content_Length="0")


def script(host: str) -> list[tuple[str, int, tuple[str, ...]]]:
    """What a push, a read and some mistakes look like from outside."""
    talk, base = Talk(host), "/v2/sim/real"
    talk.ask("a missing blob", "HEAD", f"{base}/blobs/{digest_of(b'nothing')}")
    talk.upload("a blob", BLOB, digest_of(BLOB))
    talk.upload("a blob with another digest", OTHER, digest_of(b"not it"))
    talk.ask("the blob", "HEAD", f"{base}/blobs/{digest_of(BLOB)}")
    talk.ask("a part of it", "GET", f"{base}/blobs/{digest_of(BLOB)}", Range="bytes=1-2")
    talk.ask("a missing manifest", "GET", f"{base}/manifests/none", Accept=MANIFEST)
    config = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(b"{}"), "size": 2}
    talk.upload("the empty configuration", b"{}", digest_of(b"{}"))
    layer = {"mediaType": "text/plain", "digest": digest_of(BLOB), "size": len(BLOB)}
    value = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
    one = json.dumps(value).encode()
    talk.ask("a manifest", "PUT", f"{base}/manifests/{digest_of(one)}", one, Content_Type=MANIFEST)
    talk.ask(
        "a manifest under a wrong digest", "PUT", f"{base}/manifests/{digest_of(b'no')}", one, Content_Type=MANIFEST
    )
    subject = {"mediaType": MANIFEST, "digest": digest_of(one), "size": len(one)}
    two = json.dumps({**value, "artifactType": "text/x", "subject": subject}).encode()
    talk.ask("a referrer", "PUT", f"{base}/manifests/{digest_of(two)}", two, Content_Type=MANIFEST)
    talk.ask("referrers", "GET", f"{base}/referrers/{digest_of(one)}", Accept=INDEX)
    listed = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [subject]}).encode()
    talk.ask("an index with a tag", "PUT", f"{base}/manifests/1.0.0", listed, Content_Type=INDEX)
    talk.ask("the tag", "HEAD", f"{base}/manifests/1.0.0", Accept=INDEX)
    talk.ask("the tag again", "PUT", f"{base}/manifests/1.0.0", listed, Content_Type=INDEX)
    talk.ask("the tags", "GET", f"{base}/tags/list")
    return talk.seen


@pytest.mark.parametrize("name", sorted(PLAYED))
def test_the_simulated_registry_answers_as_the_real_one(name: str, tools: ModuleType, tmp_path: Path) -> None:
    """The same requests, the same statuses, the same headers to go on with."""
    real = start(name, tmp_path / "registry", tools)
    if real is None:
        pytest.skip(f"{name} is not installed")
    try:
        true = script(real.host)
    finally:
        real.stop()
    with RegistrySim(PLAYED[name]) as sim:
        played = script(sim.host)
    assert played == true
