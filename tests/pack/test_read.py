"""The one read: digests, layers and archives, checked against what independent tools make of the same files."""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.pack.conftest import MakeModel
from tests.pack.sinks import MemorySink

from model_provenance.disk.lanes import BLOCK_SIZE
from model_provenance.domain.files import Role
from model_provenance.domain.package import Layout, Package
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.oms import files_digest, model_digest
from model_provenance.pack.read import read, read_files
from model_provenance.pack.walk import walk

#: Sizes around the edges of tar blocks and of our own buffer.
EDGES = [0, 1, 511, 512, 513, BLOCK_SIZE - 513, BLOCK_SIZE - 512, BLOCK_SIZE, BLOCK_SIZE + 1, 2 * BLOCK_SIZE + 7]


def packed(root: Path, layout: Layout = Layout.LAYERS, **options: object) -> Package:
    """Walk and read."""
    with walk(root) as inventory:
        return read(inventory, layout=layout, **options)  # type: ignore[arg-type]


def edge_files() -> dict[str, bytes]:
    """Files of awkward sizes with contents that differ."""
    return {f"f{size}.json": bytes([i + 1]) * size for i, size in enumerate(EDGES)}


@pytest.fixture
def small_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files from 512 KiB on get a layer of their own, so that tests need no big ones."""
    monkeypatch.setattr("model_provenance.pack.plan.OWN_LAYER_SIZE", BLOCK_SIZE)


@pytest.mark.parametrize("layout", Layout)
def test_files_have_the_digests_that_sha256sum_prints(make_model: MakeModel, layout: Layout) -> None:
    """In every layout, with sizes, roles and the two digests that identify the model."""
    files = edge_files()
    package = packed(make_model(files), layout)
    assert {file.path: file.digest.hex for file in package.files} == {
        path: hashlib.sha256(data).hexdigest() for path, data in files.items()
    }
    assert [file.path for file in package.files] == sorted(files)
    assert package.total_bytes == sum(EDGES)
    assert {file.role for file in package.files} == {Role.CONFIG}
    assert package.model_digest == model_digest(package.files)
    assert package.files_digest == files_digest(package.files)
    assert all(file.sha1 is None for file in package.files)


@pytest.mark.usefixtures("small_layers")
def test_layers_are_tars_that_hold_the_files(make_model: MakeModel) -> None:
    """One layer a big file by name, all small ones last; each blob's digest and size are those of its bytes."""
    files = edge_files()
    sink = MemorySink()
    package = packed(make_model(files), sink=sink)
    big = sorted(path for path, data in files.items() if len(data) >= BLOCK_SIZE)
    assert len(package.layers) == len(big) + 1 == 4
    found = []
    for layer in package.layers:
        data = sink.blobs[layer.digest.hex]
        assert (len(data), hashlib.sha256(data).hexdigest()) == (layer.size, layer.digest.hex)
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            members = tar.getmembers()
            for member in members:
                content = tar.extractfile(member)
                assert content is not None
                assert content.read() == files[member.name.removeprefix("models/")]
        found.append([member.name.removeprefix("models/") for member in members])
    assert found == [*([path] for path in big), sorted(set(files) - set(big))]


@pytest.mark.usefixtures("small_layers")
def test_the_offset_annotation_tells_where_the_content_is(make_model: MakeModel) -> None:
    """512 for most names, later for those that need a pax record; the small files have none."""
    sink = MemorySink()
    files = {"w.bin": b"w" * BLOCK_SIZE, "模型.bin": b"x" * BLOCK_SIZE, "config.json": b"{}"}
    package = packed(make_model(files), sink=sink)
    first, second, small = (dict(layer.annotations) for layer in package.layers)
    assert first["dev.model-provenance.content.offset"] == "512"
    assert second["dev.model-provenance.content.offset"] == "1536"
    assert "dev.model-provenance.content.offset" not in small
    for layer, path in zip(package.layers[:2], ("w.bin", "模型.bin"), strict=True):
        offset = int(dict(layer.annotations)["dev.model-provenance.content.offset"])
        assert sink.blobs[layer.digest.hex][offset : offset + BLOCK_SIZE] == files[path]


def test_raw_blobs_are_the_files(make_model: MakeModel) -> None:
    """Blob digest and file digest are one; equal files are one blob with two names."""
    sink = MemorySink()
    files = {"a.bin": b"same", "b.bin": b"same", "empty": b"", "config.json": b"{}"}
    package = packed(make_model(files), Layout.RAW, sink=sink)
    assert [layer.digest for layer in package.layers] == [file.digest for file in package.files]
    assert sink.blobs == {hashlib.sha256(data).hexdigest(): data for data in files.values()}
    assert [dict(layer.annotations)["org.cncf.model.filepath"] for layer in package.layers] == sorted(files)


def test_without_a_sink_the_digests_are_the_same(make_model: MakeModel) -> None:
    """Describing a package writes nothing and gives the digests that writing it gives."""
    root = make_model(edge_files())
    for layout in (Layout.LAYERS, Layout.RAW):
        assert packed(root, layout) == packed(root, layout, sink=MemorySink())


def test_one_big_file_spread_over_threads_gives_the_same_bytes(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of cores moves no byte, only time."""
    root = make_model({"model.safetensors": bytes(range(256)) * 40_000, **edge_files()})
    packages = []
    for cores in (1, 2, 8):
        monkeypatch.setattr("model_provenance.disk.crew.cores", lambda cores=cores: cores)
        packages += [packed(root, layout, want_sha1=True) for layout in (Layout.LAYERS, Layout.TAR)]
    assert packages[0] == packages[2] == packages[4]
    assert packages[1] == packages[3] == packages[5]


def test_sha1_is_there_when_it_is_wanted(make_model: MakeModel) -> None:
    """For SPDX 2.x; nothing else changes."""
    root = make_model(edge_files())
    package = packed(root, want_sha1=True)
    assert {file.path: file.sha1 for file in package.files} == {
        path: hashlib.sha1(data).hexdigest() for path, data in edge_files().items()
    }
    assert package.package_digest == packed(root).package_digest


def test_progress_adds_up_to_the_model(make_model: MakeModel) -> None:
    """Every byte is counted once."""
    counts: list[int] = []
    package = packed(make_model(edge_files()), progress=counts.append)
    assert sum(counts) == package.total_bytes


def test_verification_reads_the_same_files(make_model: MakeModel) -> None:
    """`read_files` is the read without the package."""
    root = make_model(edge_files())
    with walk(root) as inventory:
        assert read_files(inventory) == packed(root).files


def unpack_plain(path: Path) -> bytes:
    """The tar as it is."""
    return path.read_bytes()


def unpack_gzip(path: Path) -> bytes:
    """The tar inside, by the system's gzip."""
    return subprocess.run(["gzip", "-dc", str(path)], capture_output=True, check=True).stdout


def unpack_zstd(path: Path) -> bytes:
    """The tar inside, by the library's one-shot interface."""
    return zstandard.ZstdDecompressor().decompress(path.read_bytes())


@pytest.mark.parametrize(
    ("layout", "unpack"),
    [(Layout.TAR, unpack_plain), (Layout.TAR_GZ, unpack_gzip), (Layout.TAR_ZST, unpack_zstd)],
)
def test_archives_unpack_to_the_same_tar(
    make_model: MakeModel, tmp_path: Path, layout: Layout, unpack: Callable[[Path], bytes]
) -> None:
    """Digest and size are those of the file, the tar inside is one and the same, members lie below `models/` in order."""
    files = edge_files()
    root = make_model(files)
    target = tmp_path / f"minilm-1.0.{layout.value}"
    package = packed(root, layout, archive=target)
    archive = package.archive
    assert archive is not None
    data = target.read_bytes()
    assert (archive.file_name, archive.size) == (target.name, len(data))
    assert archive.digest.hex == hashlib.sha256(data).hexdigest() == package.package_digest.hex
    inner = unpack(target)
    assert hashlib.sha256(inner).hexdigest() == packed(root, Layout.TAR).package_digest.hex
    with tarfile.open(fileobj=io.BytesIO(inner)) as tar:
        assert tar.getnames() == [f"models/{path}" for path in sorted(files)]
    assert {path.name for path in tmp_path.iterdir()} == {"model", target.name}


def test_an_archive_needs_no_file(make_model: MakeModel) -> None:
    """A dry run has the digest that the release will have."""
    root = make_model(edge_files())
    for layout in (Layout.TAR, Layout.TAR_GZ, Layout.TAR_ZST):
        target = root.parent / "x"
        written = packed(root, layout, archive=target, archive_name="minilm.tar")
        assert packed(root, layout, archive_name="minilm.tar") == written


def test_the_compression_is_recorded_with_all_that_decides_its_bytes(make_model: MakeModel) -> None:
    """Level and library version; a plain tar has none to record."""
    root = make_model()
    recorded = {layout: packed(root, layout).archive for layout in (Layout.TAR, Layout.TAR_GZ, Layout.TAR_ZST)}
    texts = {layout.value: archive.compression for layout, archive in recorded.items() if archive}
    zstd = ".".join(map(str, zstandard.ZSTD_VERSION))
    assert texts == {
        "tar": None,
        "tar.gz": f"gzip level 6, zlib {zlib.ZLIB_RUNTIME_VERSION}",
        "tar.zst": f"zstd level 3, libzstd {zstd}",
    }


def test_gzip_headers_hold_no_time_and_no_name(make_model: MakeModel, tmp_path: Path) -> None:
    """The ten bytes before the data are fixed."""
    target = tmp_path / "x.tar.gz"
    packed(make_model(), Layout.TAR_GZ, archive=target)
    assert target.read_bytes()[:10] == b"\x1f\x8b\x08\0\0\0\0\0\0\x03"
    assert gzip.decompress(target.read_bytes())[:7] == b"models/"


def test_zstd_frames_say_their_size_and_carry_a_checksum(make_model: MakeModel, tmp_path: Path) -> None:
    """Readers can allocate, and notice damage."""
    target = tmp_path / "x.tar.zst"
    packed(make_model(), Layout.TAR_ZST, archive=target)
    parameters = zstandard.get_frame_parameters(target.read_bytes())
    assert parameters.content_size == len(unpack_zstd(target))
    assert parameters.has_checksum


def test_an_archive_has_no_oci_layout(make_model: MakeModel) -> None:
    """The two wishes contradict each other, and nothing is silently left out."""
    with pytest.raises(ModelProvenanceError) as caught:
        packed(make_model(), Layout.TAR, sink=MemorySink())
    assert caught.value.code == "usage.invalid"


NAMES = st.text(st.characters(categories=("L", "N", "Zs")), min_size=1, max_size=30)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.dictionaries(NAMES, st.binary(max_size=3000), min_size=1, max_size=8))
def test_any_model_survives_the_systems_tar(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    """What `tar -x` writes is what was packed, byte for byte."""
    base = tmp_path_factory.mktemp("model")
    root, out = base / "m", base / "out"
    root.mkdir()
    out.mkdir()
    for name, data in files.items():
        (root / name).write_bytes(data)
    try:
        packed(root, Layout.TAR, archive=base / "x.tar")
    except ModelProvenanceError as error:
        if error.code in ("pack.name", "pack.name_clash", "pack.refused"):
            return
        raise
    subprocess.run(["tar", "-xf", str(base / "x.tar"), "-C", str(out)], check=True)
    assert {path.name: path.read_bytes() for path in (out / "models").iterdir()} == {
        path.name: path.read_bytes() for path in root.iterdir()
    }
