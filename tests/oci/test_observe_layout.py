"""Reading layouts back: ours whole, hostile ones with every problem told and no file believed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.oci.conftest import BUNDLES, Made, MakeLayout

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Bundle, Predicate
from model_provenance.domain.files import Role
from model_provenance.domain.package import Descriptor, Layout
from model_provenance.domain.verification import Observed, TargetKind
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.model_index import file_layer, model_index, raw_layer, small_files_layer
from model_provenance.formats.oci import REF_NAME, bundle_referrer, descriptor_of, descriptor_value, index
from model_provenance.formats.tar import END, member_header, padding
from model_provenance.oci.bundles import attached_bundles, read_bundles
from model_provenance.oci.observe import observe_layout


def findings(made: Made, reference: str | None = None) -> list[str]:
    """The codes of the findings of a layout that does not hold."""
    observed = observe_layout(made.path, reference)
    assert observed.files == ()
    assert observed.package_digest is None
    assert observed.manifest_digests == ()
    return [finding.id for finding in observed.findings]


@pytest.mark.parametrize("layout", [Layout.LAYERS, Layout.RAW])
@pytest.mark.parametrize("cores", [1, 2])
def test_our_layouts_are_read_back(
    make_layout: MakeLayout, monkeypatch: pytest.MonkeyPatch, layout: Layout, cores: int
) -> None:
    """The files, the model index and the manifests that it lists, by tag, by digest, and as the only model."""
    monkeypatch.setattr("model_provenance.disk.crew.cores", lambda: cores)
    made = make_layout(layout=layout)
    expected = Observed(
        TargetKind.OCI_LAYOUT,
        made.package.files,
        package_digest=made.package.package_digest,
        manifest_digests=made.package.manifest_digests[1:],
    )
    for reference in (None, "1.0.0", str(made.package.package_digest)):
        counts: list[int] = []
        assert observe_layout(made.path, reference, progress=counts.append) == expected
        assert sum(counts) == sum(layer.size for layer in made.package.layers)


def test_equal_files_are_one_blob_with_two_names(make_layout: MakeLayout) -> None:
    """In raw layouts; the blob is read once."""
    made = make_layout({"a.bin": b"same", "b.bin": b"same"}, layout=Layout.RAW)
    counts: list[int] = []
    observed = observe_layout(made.path, progress=counts.append)
    assert [file.path for file in observed.files] == ["a.bin", "b.bin"]
    assert sum(counts) == 4


def flip(path: Path, at: int = 700) -> None:
    """Change one byte."""
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("layout", [Layout.LAYERS, Layout.RAW])
def test_every_changed_layer_is_told(make_layout: MakeLayout, layout: Layout) -> None:
    """One finding for each blob, all at once."""
    made = make_layout(layout=layout)
    for layer in made.package.layers[:2]:
        flip(made.blob(layer.digest))
    assert findings(made) == ["layout.blob", "layout.blob"]


def become_folder(path: Path) -> None:
    """A folder takes the name."""
    path.unlink()
    path.mkdir()


def become_pipe(path: Path) -> None:
    """A FIFO takes the name."""
    path.unlink()
    os.mkfifo(path)


def become_link(path: Path) -> None:
    """A link to the very same bytes takes the name."""
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "changed": flip,
    "missing": Path.unlink,
    "longer": lambda path: path.write_bytes(path.read_bytes() + b" "),
    "shorter": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "empty": lambda path: path.write_bytes(b""),
    "folder": become_folder,
    "pipe": become_pipe,
    "link": become_link,
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("which", ["layer", "index", "image", "image config", "model", "model config"])
def test_no_damaged_blob_passes(make_layout: MakeLayout, which: str, damage: str) -> None:
    """Changed, missing, of another size, a folder, a FIFO or a link: never a file list, never a hang."""
    made = make_layout()
    image_config, image, model_config, model = made.package.documents
    digests = {
        "layer": made.package.layers[0].digest,
        "index": made.package.package_digest,
        "image": image.digest,
        "image config": image_config.digest,
        "model": model.digest,
        "model config": model_config.digest,
    }
    DAMAGES[damage](made.blob(digests[which]))
    assert findings(made) == ["layout.blob"]


def test_a_blobs_folder_that_is_a_link_is_not_followed(make_layout: MakeLayout, tmp_path: Path) -> None:
    """Nothing outside of the layout is read."""
    made = make_layout()
    (made.path / "blobs").rename(tmp_path / "elsewhere")
    (made.path / "blobs").symlink_to(tmp_path / "elsewhere")
    assert findings(made) == ["layout.blob"]


def tar_of(*files: tuple[str, bytes]) -> bytes:
    """A layer."""
    parts = [member_header(name, len(data)) + data + bytes(padding(len(data))) for name, data in files]
    return b"".join(parts) + END


def forged(made: Made, layers: list[Descriptor], *, with_image: bool = True) -> None:
    """Put a model index over these layers under the tag, as a writer with other intentions would."""
    described = model_index(layers, with_image=with_image)
    for document in (*described.documents, described.index):
        made.blob(document.digest).write_bytes(document.data)
    made.write_table(
        json.loads(index([descriptor_of(described.index, annotations={REF_NAME: "1.0.0"})]).data),
    )


def stored(made: Made, data: bytes) -> tuple[Digest, int]:
    """Store a layer."""
    made.blob(Digest.of(data)).write_bytes(data)
    return Digest.of(data), len(data)


@pytest.mark.parametrize(
    ("layers", "code"),
    [
        ([tar_of(("models/a", b"1")), tar_of(("models/a", b"2"))], "layout.malformed"),
        ([tar_of(("models/a", b"1")), tar_of(("models/A", b"2"))], "layout.malformed"),
        ([tar_of(("models/a", b"1")), tar_of(("models/a/b", b"2"))], "layout.malformed"),
        ([tar_of(("models/a", b"1"), ("etc/passwd", b"2"))], "layout.malformed"),
        ([tar_of(("models/.wh.a", b""))], "archive.malformed"),
        ([tar_of(("models/../a", b""))], "archive.malformed"),
        ([tar_of(("models/a", b"1")) + b"!"], "archive.malformed"),
        ([END], "layout.malformed"),
        ([b"no tar"], "archive.malformed"),
    ],
)
def test_layers_that_say_two_things_are_refused(make_layout: MakeLayout, layers: list[bytes], code: str) -> None:
    """Over all layers one path is one entry, below `models/`, without whiteouts and trailing bytes."""
    made = make_layout()
    forged(made, [small_files_layer(*stored(made, data)) for data in layers])
    assert findings(made) == [code]


@pytest.mark.parametrize("path", ["../x", "/x", "a/../b", "a\nb", ".wh.x", "e\u0301"])
def test_raw_layers_with_hostile_names_are_refused(make_layout: MakeLayout, path: str) -> None:
    """The annotation is a path that other tools write to."""
    made = make_layout()
    forged(made, [raw_layer(path, Role.WEIGHT, *stored(made, b"x"))], with_image=False)
    assert findings(made) == ["layout.malformed"]


def test_a_raw_layer_must_say_one_name(make_layout: MakeLayout) -> None:
    """File path and title are read by different tools: where they differ, each would write another file."""
    made = make_layout()
    digest, size = stored(made, b"x")
    kind = "application/vnd.cncf.model.weight.v1.raw"
    for names in ((), (("org.cncf.model.filepath", "a"), ("org.opencontainers.image.title", "b"))):
        forged(made, [Descriptor(kind, digest, size, names)], with_image=False)
        assert findings(made) == ["layout.malformed"]


def test_bytes_that_are_a_tar_for_one_and_a_file_for_the_other_are_refused(make_layout: MakeLayout) -> None:
    """An image layer that the ModelPack manifest calls raw: two models under one signature."""
    made = make_layout()
    forged(made, [raw_layer("a", Role.WEIGHT, *stored(made, tar_of(("models/a", b"1"))))], with_image=True)
    assert findings(made) == ["layout.malformed"]


def test_manifests_over_different_layers_are_refused(make_layout: MakeLayout) -> None:
    """What containerd mounts must be what a ModelPack tool pulls."""
    made = make_layout()
    one = model_index([small_files_layer(*stored(made, tar_of(("models/a", b"1"))))], with_image=True)
    two = model_index([small_files_layer(*stored(made, tar_of(("models/a", b"2"))))], with_image=True)
    mixed = json.loads(one.index.data)
    mixed["manifests"][-1] = json.loads(two.index.data)["manifests"][-1]
    for document in (*one.documents, *two.documents):
        made.blob(document.digest).write_bytes(document.data)
    entry = {"mediaType": mixed["mediaType"], **made.add(mixed), "annotations": {REF_NAME: "1.0.0"}}
    made.write_table({"schemaVersion": 2, "manifests": [entry]})
    assert findings(made) == ["layout.malformed"]


def test_layers_of_unknown_types_are_not_read(make_layout: MakeLayout) -> None:
    """Compressed layers of other tools are named, not guessed at."""
    made = make_layout()
    forged(made, [Descriptor("application/vnd.cncf.model.weight.v1.tar+gzip", *stored(made, b"x"))], with_image=False)
    (finding,) = observe_layout(made.path).findings
    assert finding.id == "layout.malformed"
    assert "tar+gzip" in finding.message


def test_a_size_that_lies_is_seen_before_the_blob_is_read(make_layout: MakeLayout) -> None:
    """Also where the same blob is listed with its true size."""
    made = make_layout()
    digest, size = stored(made, tar_of(("models/a", b"1")))
    forged(made, [file_layer("a", Role.WEIGHT, digest, size + 1, content=1)])
    assert findings(made) == ["layout.blob"]


def test_a_reference_must_name_exactly_one_model(make_layout: MakeLayout) -> None:
    """An unknown tag, or none with two models in the folder, is a usage error that lists what is there."""
    made = make_layout()
    make_layout({"other.gguf": b"x"}, tag="2.0.0", into=made.path)
    for reference in (None, "3.0.0", "sha256:" + "0" * 64):
        for ask in (observe_layout, read_bundles):
            with pytest.raises(ModelProvenanceError) as caught:
                ask(made.path, reference)
            assert caught.value.code == "layout.reference"
            assert "1.0.0, 2.0.0" in caught.value.message


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (lambda path: None, "layout.missing"),
        (lambda path: path.mkdir(), "layout.missing"),
        (lambda path: path.write_bytes(b""), "layout.missing"),
        (lambda path: (path.mkdir(), (path / "oci-layout").mkdir()), "layout.missing"),
        (lambda path: (path.mkdir(), (path / "oci-layout").write_bytes(b"x" * 5000)), "layout.missing"),
    ],
    ids=range(5),
)
def test_a_folder_that_is_no_layout_is_said(tmp_path: Path, prepare: Callable[[Path], object], code: str) -> None:
    """Missing, empty, a file, or with something else called oci-layout."""
    prepare(tmp_path / "x")
    for ask in (observe_layout, read_bundles):
        with pytest.raises(ModelProvenanceError) as caught:
            ask(tmp_path / "x")
        assert caught.value.code == code


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"schemaVersion": 2, "manifests": [1]}', b"[" * 3000, b"\xff"])
def test_a_damaged_table_is_a_finding(make_layout: MakeLayout, data: bytes) -> None:
    """Evidence cannot be found then, and no file is believed."""
    made = make_layout()
    (made.path / "index.json").write_bytes(data)
    assert findings(made) == ["layout.malformed"]
    with pytest.raises(ModelProvenanceError) as caught:
        read_bundles(made.path)
    assert caught.value.code == "layout.malformed"


def test_bundles_are_found_once_each(make_layout: MakeLayout) -> None:
    """Each is attached to every manifest of the model, and is one piece of evidence."""
    found = read_bundles(make_layout().path)
    assert sorted(data for _, data in found) == sorted(bundle.data for bundle in BUNDLES)
    assert [name for name, _ in found] == sorted(f"{Digest.of(data).hex}.sigstore.json" for _, data in found)


def test_bundles_under_a_fallback_tag_are_found(make_layout: MakeLayout) -> None:
    """A list of referrers under `sha256-…`, as tools without a referrers interface keep it, counts as well."""
    made = make_layout(bundles=())
    assert made.package.index is not None
    subject = descriptor_of(made.package.index)
    manifest, blobs = bundle_referrer(b'{"bundle": 1}', Predicate.OMS, subject, "2026-01-01T00:00:00Z")
    for blob in (manifest, *blobs):
        made.add(blob.data)
    fallback = index([descriptor_of(manifest)])
    made.add(fallback.data)
    table = made.table
    tag = f"sha256-{made.package.package_digest.hex}"
    table["manifests"].append(descriptor_value(descriptor_of(fallback, annotations={REF_NAME: tag})))
    made.write_table(table)
    assert [data for _, data in read_bundles(made.path)] == [b'{"bundle": 1}']
    assert observe_layout(made.path).package_digest == made.package.package_digest


def referrer(made: Made, **changes: Any) -> None:
    """List one more referrer of the model, with fields changed."""
    layer = {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", **made.add(b"other")}
    value = {
        "schemaVersion": 2,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", **made.add({})},
        "layers": [layer],
        "subject": {
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "digest": str(made.package.package_digest),
            "size": 1,
        },
        **changes,
    }
    table = made.table
    table["manifests"].append({"mediaType": "application/vnd.oci.image.manifest.v1+json", **made.add(value)})
    made.write_table(table)


def test_what_is_not_a_bundle_of_this_model_is_left_alone(make_layout: MakeLayout) -> None:
    """Referrers of other subjects, with two layers, or of other types."""
    made = make_layout()
    text = {"mediaType": "text/plain", **made.add(b"text")}
    other = {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": "sha256:" + "0" * 64, "size": 1}
    referrer(made, subject=other)
    referrer(made, layers=[text])
    referrer(made, layers=[text, text])
    assert len(read_bundles(made.path)) == len(BUNDLES)
    referrer(made)
    assert b"other" in [data for _, data in read_bundles(made.path)]


def test_a_layout_without_evidence_is_said(make_layout: MakeLayout) -> None:
    """Nothing checked is never a pass: 12."""
    with pytest.raises(ModelProvenanceError) as caught:
        read_bundles(make_layout(bundles=()).path)
    assert (caught.value.code, caught.value.exit_status) == ("evidence.missing", 12)


def test_more_referrers_than_the_bound_cannot_be_decided(
    make_layout: MakeLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking at a part of them would let whoever adds referrers choose the evidence."""
    made = make_layout()
    for name, bound in (("_SCANNED", 5), ("_BUNDLES", 1), ("_TOTAL", 10)):
        with monkeypatch.context() as patch:
            patch.setattr(f"model_provenance.oci.bundles.{name}", bound)
            with pytest.raises(ModelProvenanceError) as caught:
                read_bundles(made.path)
            assert (caught.value.code, caught.value.exit_status) == ("evidence.too_many", 15)


def test_a_bundle_larger_than_a_bundle_may_be_is_refused(make_layout: MakeLayout) -> None:
    """By its declared size, before it is read."""
    made = make_layout()
    layer = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "digest": "sha256:" + "1" * 64,
        "size": 2**40,
    }
    referrer(made, layers=[layer])
    with pytest.raises(ModelProvenanceError) as caught:
        read_bundles(made.path)
    assert caught.value.code == "evidence.too_many"


def test_a_damaged_bundle_is_refused(make_layout: MakeLayout) -> None:
    """By its digest."""
    made = make_layout()
    flip(made.blob(Digest.of(BUNDLES[0].data)))
    with pytest.raises(ModelProvenanceError) as caught:
        read_bundles(made.path)
    assert caught.value.code == "layout.blob"


def test_bundles_with_other_bytes_stand_beside(make_layout: MakeLayout) -> None:
    """A second signing of the same package adds its evidence; nothing is lost."""
    made = make_layout()
    more = Bundle("oms", Predicate.OMS, b'{"bundle": "oms again"}', b"{}")
    make_layout(bundles=(more,), into=made.path)
    assert len(read_bundles(made.path)) == len(BUNDLES) + 1


def test_what_an_earlier_run_attached_is_found_by_the_packages_digest(make_layout: MakeLayout, tmp_path: Path) -> None:
    """For a run that would only repeat it; nothing where there is no layout, or another package in it."""
    made = make_layout()
    assert attached_bundles(made.path, made.package.package_digest) == read_bundles(made.path)
    assert attached_bundles(made.path, Digest("0" * 64)) == ()
    assert attached_bundles(tmp_path / "missing", made.package.package_digest) == ()
