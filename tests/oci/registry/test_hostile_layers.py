"""What a layer may not do, even one that somebody signed: leave the folder, link, stand twice, hide bytes."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.oci.registry.workshop import REPOSITORY, Workshop, access_to

from model_provenance.domain.digest import Digest
from model_provenance.domain.files import Role
from model_provenance.domain.package import Blob, Descriptor
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.model_index import FILEPATH, Form, layer_media_type
from model_provenance.formats.oci import TITLE
from model_provenance.oci.auth import Authorizer
from model_provenance.oci.connections import Connections, Origin
from model_provenance.oci.logins import Login
from model_provenance.oci.model import Model
from model_provenance.oci.pull import read_layers
from model_provenance.oci.reference import Reference
from model_provenance.oci.registry import Registry
from model_provenance.oci.transport import Answer, Transport
from model_provenance.oci.unpack import Staging
from model_provenance.testing.registry_sim import RegistrySim

Registries = Callable[..., RegistrySim]
TAR, RAW = layer_media_type(Role.OTHER, Form.TAR), layer_media_type(Role.OTHER, Form.RAW)


def tar(*members: tuple[str, bytes], kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """An uncompressed archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(data), kind, link
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def pulled(
    sim: RegistrySim, folder: Path, layers: list[tuple[bytes, str, str]], signed: dict[str, bytes]
) -> dict[str, bytes]:
    """Layers (bytes, media type, name) into a folder, with a signed list of names."""
    descriptors = []
    for data, media_type, name in layers:
        digest = Digest.of(data)
        sim.store.put_blob(REPOSITORY, str(digest), data)
        descriptors.append(Descriptor(media_type, digest, len(data), ((FILEPATH, name), (TITLE, name))))
    model = Model(Digest.of(b"index"), (), tuple(descriptors))
    reference = Reference.parse(f"{sim.host}/{REPOSITORY}")
    names = {name: Digest.of(data) for name, data in signed.items()}
    with Registry(reference, access_to(sim, tries=2)) as registry, Staging(folder / "in", names) as staging:
        files = read_layers(registry, model, staging, None)
    return {file.path: (staging.path / file.path).read_bytes() for file in files}


@pytest.mark.parametrize(
    ("layers", "code"),
    [
        ([(tar(("models/../../evil", b"x")), TAR, "models")], "archive.malformed"),
        ([(tar(("/etc/evil", b"x")), TAR, "models")], "archive.malformed"),
        ([(tar(("other/evil", b"x")), TAR, "models")], "registry.malformed"),
        ([(tar(("models/a", b""), kind=tarfile.SYMTYPE, link="/etc/passwd"), TAR, "models")], "archive.malformed"),
        ([(tar(("models/a", b""), kind=tarfile.LNKTYPE, link="models/b"), TAR, "models")], "archive.malformed"),
        ([(tar(("models/.wh.a", b"")), TAR, "models")], "archive.malformed"),
        ([(tar(("models/a", b"1"), ("models/A", b"2")), TAR, "models")], "archive.malformed"),
        ([(tar(("models/a", b"1")) + b"hidden" * 100, TAR, "models")], "archive.malformed"),
        ([(tar(("models/a", b"1"))[:700], TAR, "models")], "archive.malformed"),
        ([(tar(("models/a", b"1")), TAR, "models"), (b"1", RAW, "a")], "registry.malformed"),
        ([(tar(("models/stranger", b"1")), TAR, "models")], "registry.malformed"),
        ([(tar(("models/a", b"other")), TAR, "models")], "registry.digest"),
        ([(b"1", RAW, "../evil")], "registry.malformed"),
        ([(b"1", RAW, "/evil")], "registry.malformed"),
        ([(b"1", "application/vnd.oci.image.layer.v1.tar+gzip", "a")], "layout.malformed"),
    ],
)
def test_a_layer_that_could_be_read_in_two_ways_is_refused(
    registry: Registries, tmp_path: Path, layers: list[tuple[bytes, str, str]], code: str
) -> None:
    """Each has a code, and nothing appears outside of the folder."""
    with pytest.raises(ModelProvenanceError) as refused:
        pulled(registry(), tmp_path, layers, {"a": b"1", "A": b"2", ".wh.a": b""})
    assert refused.value.code == code
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert not Path("/etc/evil").exists()


def test_a_good_layer_is_unpacked(registry: Registries, tmp_path: Path) -> None:
    """A tar of two files and a raw one, with a folder between."""
    layers = [(tar(("models/a", b"1"), ("models/sub/b", b"2")), TAR, "models"), (b"3", RAW, "c")]
    found = pulled(registry(), tmp_path, layers, {"a": b"1", "sub/b": b"2", "c": b"3"})
    assert found == {"a": b"1", "sub/b": b"2", "c": b"3"}


def test_a_foreign_index_is_refused(workshop: Workshop, registry: Registries) -> None:
    """An image index of somebody, and a manifest with no evidence: nothing to verify, and said so."""
    sim = registry()
    receipt = workshop.release(sim)
    model = receipt.package.documents[-1]
    index = b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'
    sim.store.put_manifest(REPOSITORY, "application/vnd.oci.image.index.v1+json", index, "foreign")
    sim.store.put_manifest(REPOSITORY, model.media_type, b'{"schemaVersion":2}', "broken")
    codes = []
    for what in (":foreign", ":broken", ":absent", ""):
        with pytest.raises(ModelProvenanceError) as refused:
            workshop.verify(sim, what)
        codes.append(refused.value.code)
    assert codes == ["registry.malformed", "evidence.missing", "registry.missing", "registry.reference"]


def test_a_login_is_not_sent_in_the_clear(registry: Registries) -> None:
    """Plain HTTP to another machine with a login: refused before the credentials leave."""
    transport = Transport(Connections({}))
    authorizer = Authorizer(Origin("http", "192.0.2.1", 80), Login("u", "p"), transport)
    answer = Answer("http://192.0.2.1/v2/", 401, {"www-authenticate": 'Basic realm="x"'}, b"")
    with pytest.raises(ModelProvenanceError) as refused:
        authorizer.challenged(answer, "repository:a:pull")
    assert refused.value.code == "registry.plain_http"
    assert authorizer.header("http://192.0.2.1/v2/", "repository:a:pull") == {}


def test_an_upload_without_a_place_to_go_is_an_answer_that_cannot_be_used(
    workshop: Workshop, registry: Registries
) -> None:
    """202 without Location."""
    sim = registry(location="none")
    with pytest.raises(ModelProvenanceError) as refused:
        workshop.release(sim)
    assert refused.value.code == "registry.answer"


def test_a_small_blob_is_stored_once(registry: Registries) -> None:
    """`push_blob` says whether it was there."""
    sim = registry()
    with Registry(Reference.parse(f"{sim.host}/{REPOSITORY}"), access_to(sim), write=True) as opened:
        assert opened.push_blob(Blob("text/plain", b"x")) is True
        assert opened.push_blob(Blob("text/plain", b"x")) is False


def test_where_modes_are_not_kept_a_fresh_folder_is_filled_and_an_earlier_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system that shows every folder as open to all: what was made just now is ours, what lay there may be anybody's."""
    true = Path.mkdir

    def mkdir(path: Path, **more: int) -> None:
        true(path, **more)  # type: ignore[arg-type]
        path.chmod(0o777)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with Staging(tmp_path / "in", {}) as staging:
        staging.put_in_place(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    with Staging(tmp_path / "in", {}):
        pass
    with pytest.raises(ModelProvenanceError, match="others than its owner may enter it") as caught:
        Staging(tmp_path / "in", {})
    assert caught.value.code == "pull.output"
