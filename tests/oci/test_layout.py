"""Writing OCI layout folders: what lies there, and that runs can be interrupted and repeated."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.oci.conftest import BUNDLES, FILES, MakeLayout

from model_provenance.domain.digest import Digest
from model_provenance.domain.package import Blob, Layout
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.oci import REF_NAME
from model_provenance.oci.bundles import read_bundles
from model_provenance.oci.layout import LayoutSink, finish_layout
from model_provenance.oci.observe import observe_layout
from model_provenance.pack.read import read
from model_provenance.pack.walk import walk


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("layout", [Layout.LAYERS, Layout.RAW])
def test_a_layout_holds_every_blob_under_its_digest(make_layout: MakeLayout, layout: Layout) -> None:
    """Layers, configurations, manifests, index, bundles and the manifests that attach them; nothing else."""
    made = make_layout(layout=layout)
    files = contents(made.path)
    assert files.pop("oci-layout") == b'{"imageLayoutVersion":"1.0.0"}'
    files.pop("index.json")
    for name, data in files.items():
        assert name == f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"
    package = made.package
    assert package.index is not None
    subjects = len(package.manifest_digests)
    unique = (
        {layer.digest for layer in package.layers}
        | {blob.digest for blob in package.documents}
        | {package.index.digest}
    )
    assert len(files) == len(unique) + len(BUNDLES) + subjects * len(BUNDLES) + 1


def test_the_table_names_the_model_by_its_tag_and_lists_the_referrers(make_layout: MakeLayout) -> None:
    """Evidence beside the model, never in its index; entries carry artifact type and annotations, as lists of referrers do."""
    made = make_layout()
    model, *referrers = made.table["manifests"]
    assert model == {
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "digest": str(made.package.package_digest),
        "size": len(made.package.index.data if made.package.index else b""),
        "annotations": {"org.opencontainers.image.ref.name": "1.0.0"},
    }
    assert len(referrers) == 3 * len(BUNDLES)
    for entry in referrers:
        assert entry["artifactType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
        assert entry["annotations"]["org.opencontainers.image.created"] == "1970-01-01T00:00:00Z"
        manifest = json.loads(made.blob(entry["digest"]).read_bytes())
        assert manifest["annotations"] == entry["annotations"]
        assert manifest["subject"]["digest"] in map(str, made.package.manifest_digests)


def test_a_second_run_of_the_same_release_changes_no_byte(make_layout: MakeLayout) -> None:
    """Same files, same bundles: the folder is identical, and nothing is listed twice."""
    first = make_layout()
    before = contents(first.path)
    make_layout(into=first.path)
    assert contents(first.path) == before


def test_a_second_model_is_added_and_the_first_is_kept(make_layout: MakeLayout) -> None:
    """Unknown entries and fields in the table survive as well."""
    first = make_layout()
    table = first.table
    table["manifests"].append({"mediaType": "a/b", "digest": "sha256:" + "0" * 64, "size": 3, "x-unknown": [1]})
    first.write_table(table)
    second = make_layout({"other.gguf": b"other"}, tag="2.0.0", into=first.path)
    entries = second.table["manifests"]
    assert entries[: len(table["manifests"])] == table["manifests"]
    assert observe_layout(first.path, "1.0.0").package_digest == first.package.package_digest
    assert observe_layout(first.path, "2.0.0").package_digest == second.package.package_digest
    assert len(read_bundles(first.path, "1.0.0")) == len(BUNDLES)


def test_a_tag_does_not_move(make_layout: MakeLayout) -> None:
    """A version names one package for ever; the folder is as it was."""
    first = make_layout()
    table = first.table
    with pytest.raises(ModelProvenanceError) as caught:
        make_layout({"other.gguf": b"other"}, into=first.path)
    assert caught.value.code == "release.exists"
    assert first.table == table


def test_the_same_package_may_have_two_tags(make_layout: MakeLayout) -> None:
    """They name one model, and the evidence is listed once."""
    first = make_layout()
    second = make_layout(tag="latest", into=first.path)
    assert len(second.table["manifests"]) == len(first.table["manifests"]) == 2 + 3 * len(BUNDLES)
    assert observe_layout(first.path).package_digest == first.package.package_digest


def test_an_interrupted_run_lists_nothing_and_can_be_repeated(make_layout: MakeLayout, tmp_path: Path) -> None:
    """Killed in the middle of a blob: no index, no half-written blob under a digest; the next run completes it."""
    root, path = tmp_path / "m", tmp_path / "out"
    root.mkdir()
    for name, data in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(data * 20)
    code = (
        "import os, signal, sys; from pathlib import Path; from model_provenance.pack.walk import walk\n"
        "from model_provenance.pack.read import read; from model_provenance.domain.package import Layout\n"
        "from model_provenance.oci.layout import LayoutSink\n"
        "seen = []\n"
        "def kill(count):\n"
        "    seen.append(count)\n"
        "    if sum(seen) > 1500000: os.kill(os.getpid(), signal.SIGKILL)\n"
        "read(walk(Path(sys.argv[1])), layout=Layout.RAW, sink=LayoutSink(Path(sys.argv[2])), progress=kill)"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    done = subprocess.run([sys.executable, "-c", code, str(root), str(path)], check=False, env=env)
    assert done.returncode == -9
    assert not (path / "index.json").exists()
    for blob in (path / "blobs" / "sha256").iterdir():
        assert blob.name == hashlib.sha256(blob.read_bytes()).hexdigest()
    made = make_layout({name: data * 20 for name, data in FILES.items()}, layout=Layout.RAW, into=path)
    assert observe_layout(path).files == made.package.files


def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    """Blobs are not scattered into a home directory."""
    (tmp_path / "notes.txt").write_bytes(b"mine")
    with pytest.raises(ModelProvenanceError) as caught:
        LayoutSink(tmp_path)
    assert caught.value.code == "layout.foreign"
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(ModelProvenanceError) as caught:
        LayoutSink(tmp_path / "notes.txt")
    assert caught.value.code == "machine.io"


@pytest.mark.parametrize(
    ("name", "data"), [("oci-layout", b"{}"), ("oci-layout", b'{"imageLayoutVersion": "2"}'), ("index.json", b"[]")]
)
def test_a_damaged_layout_is_not_written_over(make_layout: MakeLayout, name: str, data: bytes) -> None:
    """Whoever owns it must look first."""
    made = make_layout()
    (made.path / name).write_bytes(data)
    with pytest.raises(ModelProvenanceError) as caught:
        LayoutSink(made.path)
    assert caught.value.code == "layout.malformed"


def test_a_full_disk_leaves_nothing_under_a_digest(tmp_path: Path) -> None:
    """The system's own refusal, while a blob is written."""
    import resource

    sink = LayoutSink(tmp_path / "out")
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "w.gguf").write_bytes(bytes(3_000_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with walk(tmp_path / "m") as inventory, pytest.raises(ModelProvenanceError) as caught:
            read(inventory, layout=Layout.LAYERS, sink=sink)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.code == "machine.disk"
    assert caught.value.__cause__ is not None
    assert getattr(caught.value.__cause__, "errno", None) == errno.EFBIG
    assert contents(tmp_path / "out") == {}


def test_a_blob_that_is_aborted_leaves_nothing(tmp_path: Path) -> None:
    """Also after it was committed, aborting is harmless."""
    sink = LayoutSink(tmp_path / "out")
    writer = sink.writer(3, "a/b")
    writer.write(b"abc")
    writer.abort()
    assert contents(tmp_path / "out") == {}
    sink.put(Blob("a/b", b"abc"))
    assert contents(tmp_path / "out") == {f"blobs/sha256/{Digest.of(b'abc').hex}": b"abc"}


def test_releases_that_end_at_the_same_time_are_all_listed(make_layout: MakeLayout, tmp_path: Path) -> None:
    """Reading the table, adding to it and replacing it is one step."""
    made = make_layout(tag="0", bundles=())
    tags = [str(number) for number in range(1, 9)]
    with ThreadPoolExecutor(len(tags)) as crew:
        list(crew.map(lambda tag: finish_layout(made.path, made.package, tag=tag), tags))
    table = json.loads((made.path / "index.json").read_bytes())
    assert sorted(entry["annotations"][REF_NAME] for entry in table["manifests"]) == ["0", *tags]


def test_a_folder_that_another_process_keeps_is_busy(make_layout: MakeLayout, monkeypatch: pytest.MonkeyPatch) -> None:
    """For so long as it keeps it, and no longer."""
    monkeypatch.setattr("model_provenance.oci.layout._PATIENCE_SECONDS", 0.1)
    made = make_layout()
    code = "import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], 0), fcntl.LOCK_EX); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(made.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(ModelProvenanceError) as caught:
            finish_layout(made.path, made.package, tag="2")
        other.communicate()
    assert (caught.value.code, int(caught.value.exit_status)) == ("layout.busy", 20)
    finish_layout(made.path, made.package, tag="2")


def test_what_another_run_cleared_is_not_listed(make_layout: MakeLayout) -> None:
    """A table names what is there."""
    made = make_layout()
    (made.path / "blobs" / "sha256" / made.package.layers[0].digest.hex).unlink()
    with pytest.raises(ModelProvenanceError) as caught:
        finish_layout(made.path, made.package, tag="2")
    assert caught.value.code == "layout.blob"


def test_an_archive_cannot_be_listed(make_layout: MakeLayout, tmp_path: Path) -> None:
    """It has no index; that is a defect of the caller."""
    made = make_layout()
    with walk(tmp_path / "model0") as inventory:
        archive = read(inventory, layout=Layout.TAR)
    with pytest.raises(ModelProvenanceError) as caught:
        finish_layout(made.path, archive, tag="x")
    assert caught.value.code == "internal.error"


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
def test_skopeo_reads_every_manifest_and_blob(make_layout: MakeLayout, tmp_path: Path) -> None:
    """An independent tool follows index, both manifests and all blobs."""
    made = make_layout()
    target = tmp_path / "copy"
    subprocess.run(["skopeo", "copy", "-q", "--all", f"oci:{made.path}:1.0.0", f"dir:{target}"], check=True)
    copied = {path.name: path.read_bytes() for path in target.iterdir()}
    for layer in made.package.layers:
        assert Digest.of(copied[layer.digest.hex]) == layer.digest
    for document in made.package.documents:
        name = document.digest.hex
        assert copied.get(name, copied.get(f"{name}.manifest.json")) == document.data
