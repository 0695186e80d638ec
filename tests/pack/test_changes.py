"""Models that change under the read, and disks that fill up: an error, and nothing under a final name."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.pack.conftest import MakeModel
from tests.pack.sinks import FullSink, MemorySink

from model_provenance.disk.lanes import BLOCK_SIZE
from model_provenance.domain.package import Layout
from model_provenance.errors import ModelProvenanceError
from model_provenance.pack.inventory import Inventory
from model_provenance.pack.read import read
from model_provenance.pack.walk import walk

BIG = {"model.safetensors": b"w" * (6 * BLOCK_SIZE), "config.json": b"{}", "sub/x.txt": b"x"}


def refused(inventory: Inventory, layout: Layout = Layout.LAYERS, **options: object) -> ModelProvenanceError:
    """The error that a read ends with."""
    with pytest.raises(ModelProvenanceError) as caught:
        read(inventory, layout=layout, **options)  # type: ignore[arg-type]
    return caught.value


def once(action: Callable[[], object], after: int = 3 * BLOCK_SIZE) -> Callable[[int], None]:
    """A progress callback that acts in the middle of the big file."""
    seen = 0

    def progress(count: int) -> None:
        nonlocal seen
        before, seen = seen, seen + count
        if before < after <= seen:
            action()

    return progress


def rewrite(path: Path) -> None:
    """Change one byte and put size and modification time back, as an attacker would."""
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(5)
        file.write(b"!")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def replace(path: Path) -> None:
    """Another file of the same content takes the name."""
    path.with_name("new").write_bytes(path.read_bytes())
    path.with_name("new").replace(path)


def link(path: Path) -> None:
    """A link to the very same file takes the name."""
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


CHANGES: dict[str, Callable[[Path], object]] = {
    "one byte, times put back": rewrite,
    "shorter": lambda path: os.truncate(path, 100),
    "longer": lambda path: os.truncate(path, 7 * BLOCK_SIZE),
    "replaced by another file": replace,
    "replaced by a link": link,
}


@pytest.mark.parametrize("layout", [Layout.LAYERS, Layout.RAW, Layout.TAR_ZST])
@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_while_it_is_read_is_refused(make_model: MakeModel, change: str, layout: Layout) -> None:
    """Also when size and modification time are put back: the inode's change time cannot be."""
    root = make_model(BIG)
    weights = root / "model.safetensors"
    with walk(root) as inventory:
        error = refused(inventory, layout, progress=once(lambda: CHANGES[change](weights)))
    assert error.exit_status in (11, 2)
    assert error.code in ("pack.changed", "pack.vanished", "pack.symlink")
    assert "model.safetensors" in str(error)


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changed_before_it_is_opened_is_refused(make_model: MakeModel, change: str) -> None:
    """What was listed is what is opened, and a link in its place is not followed."""
    root = make_model(BIG)
    with walk(root) as inventory:
        CHANGES[change](root / "model.safetensors")
        assert refused(inventory).code == "pack.changed"
        with pytest.raises(ModelProvenanceError) as caught:
            inventory.open("model.safetensors")
    assert caught.value.code == "pack.changed"


@pytest.mark.parametrize("kind", ["pipe", "folder", "link to a folder above"])
def test_a_file_replaced_by_something_else_is_refused(make_model: MakeModel, kind: str) -> None:
    """A FIFO does not block the run; a folder swapped for a link does not lead away."""
    root = make_model(BIG)
    target = root / "sub" / "x.txt"
    with walk(root) as inventory:
        target.unlink()
        if kind == "pipe":
            os.mkfifo(target)
        elif kind == "folder":
            target.mkdir()
        else:
            target.parent.rmdir()
            (root.parent / "elsewhere").mkdir()
            (root.parent / "elsewhere" / "x.txt").write_bytes(b"x")
            (root / "sub").symlink_to(root.parent / "elsewhere")
        assert refused(inventory).code == "pack.changed"


def test_a_file_that_vanishes_is_named(make_model: MakeModel) -> None:
    """Before it is opened, while it is open, and after it was read."""
    root = make_model(BIG)
    with walk(root) as inventory:
        (root / "config.json").unlink()
        error = refused(inventory)
        assert (error.code, error.location) == ("pack.vanished", "config.json")
    (root / "config.json").write_bytes(b"{}")
    with walk(root) as inventory:
        error = refused(inventory, progress=once((root / "model.safetensors").unlink))
        assert (error.code, error.location) == ("pack.vanished", "model.safetensors")
    (root / "model.safetensors").write_bytes(BIG["model.safetensors"])
    with walk(root) as inventory:
        read(inventory, layout=Layout.RAW)
        (root / "config.json").unlink()
        with pytest.raises(ModelProvenanceError, match=r"config\.json: gone") as caught:
            inventory.recheck()
        assert caught.value.code == "pack.vanished"


def test_a_file_that_appears_meanwhile_is_refused(make_model: MakeModel) -> None:
    """The tree is walked again at the end: a loader would find a file that nobody signed."""
    root = make_model(BIG)
    with walk(root) as inventory:
        error = refused(inventory, progress=once(lambda: (root / "evil.py").write_bytes(b"")))
    assert error.code == "pack.changed"
    assert "evil.py: new" in error.message


def test_a_folder_that_is_swapped_as_a_whole_is_refused(make_model: MakeModel) -> None:
    """The descriptor still sees the old folder; the path names another."""
    root = make_model(BIG)
    with walk(root) as inventory:
        root.rename(root.with_name("old"))
        make_model(BIG)
        with pytest.raises(ModelProvenanceError, match="replaced") as caught:
            inventory.recheck()
        assert caught.value.code == "pack.changed"
        for path in sorted(root.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        root.rmdir()
        with pytest.raises(ModelProvenanceError) as caught:
            inventory.recheck()
        assert caught.value.code == "pack.vanished"


def test_a_changed_link_is_seen_at_the_end(make_model: MakeModel) -> None:
    """A link that leads to another file of equal content is a change, too."""
    root = make_model({"a": b"1", "b": b"1"})
    (root / "link").symlink_to("a")
    with walk(root, allow_symlinks=True) as inventory:
        (root / "link").unlink()
        (root / "link").symlink_to("b")
        with pytest.raises(ModelProvenanceError, match="link: changed"):
            inventory.recheck()


def test_an_unchanged_model_passes_any_number_of_times(make_model: MakeModel) -> None:
    """Reading changes nothing that is compared."""
    with walk(make_model(BIG)) as inventory:
        read(inventory, layout=Layout.RAW)
        inventory.recheck()
        inventory.recheck()


@pytest.mark.parametrize("room", [0, 2 * BLOCK_SIZE])
def test_a_sink_without_space_ends_the_read(make_model: MakeModel, room: int) -> None:
    """What the sink raises comes out, every blob under way is aborted, every thread has ended."""
    root = make_model({**BIG, "other.safetensors": b"o" * 40 * BLOCK_SIZE})
    sink = FullSink(room)
    threads = threading.active_count()
    with walk(root) as inventory, pytest.raises(OSError, match="No space left"):
        read(inventory, layout=Layout.RAW, sink=sink)
    assert sink.aborted >= 1
    assert threading.active_count() == threads


def test_an_interrupt_ends_the_read(make_model: MakeModel) -> None:
    """Whatever is raised in the middle, nothing is committed and no thread is left."""
    sink = MemorySink()
    threads = threading.active_count()

    def interrupt() -> None:
        raise KeyboardInterrupt

    with walk(make_model({"w.bin": b"1" * 20 * BLOCK_SIZE})) as inventory, pytest.raises(KeyboardInterrupt):
        read(inventory, layout=Layout.LAYERS, sink=sink, progress=once(interrupt))
    assert (sink.blobs, sink.aborted) == ({}, 1)
    assert threading.active_count() == threads


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    """No file may grow beyond `limit`, as on a full disk (EFBIG where that is ENOSPC)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("layout", [Layout.TAR, Layout.TAR_GZ, Layout.TAR_ZST])
def test_a_full_disk_leaves_no_archive(make_model: MakeModel, layout: Layout) -> None:
    """Neither under its name nor under another; the run can be repeated."""
    root = make_model({"w.bin": os.urandom(3 * BLOCK_SIZE)})
    target = root.parent / "out" / "m.tar"
    target.parent.mkdir()
    with walk(root) as inventory:
        with file_size_limit(BLOCK_SIZE):
            error = refused(inventory, layout, archive=target)
        assert (error.code, error.exit_status) == ("machine.disk", 20)
        assert list(target.parent.iterdir()) == []
        assert read(inventory, layout=layout, archive=target).archive is not None
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.skipif(
    os.geteuid() != 0 or sys.platform != "linux",
    reason="this machine is not Linux with root, which mounts need",
)
def test_a_really_full_disk_is_said(make_model: MakeModel) -> None:
    """ENOSPC from the kernel, on a file system of 1 MiB in a mount namespace of its own."""
    root = make_model({"w.bin": os.urandom(4 * BLOCK_SIZE)})
    tiny = root.parent / "tiny"
    tiny.mkdir()
    code = (
        "import os, sys; from pathlib import Path; from model_provenance.pack.walk import walk\n"
        "from model_provenance.pack.read import read; from model_provenance.domain.package import Layout\n"
        "from model_provenance.errors import ModelProvenanceError\n"
        "try: read(walk(Path(sys.argv[1])), layout=Layout.TAR, archive=Path(sys.argv[2]) / 'm.tar')\n"
        "except ModelProvenanceError as error: print(error.code, error.message, os.listdir(sys.argv[2]))"
    )
    script = f'mount -t tmpfs -o size=1m none {tiny} && exec {sys.executable} -c "$CODE" {root} {tiny}'
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "CODE": code}
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False, env=env)
    if done.returncode and not done.stdout:
        pytest.skip(f"this machine has no mount namespace: {done.stderr[-200:]}")
    assert done.stdout.strip() == "machine.disk cannot write: No space left on device []"


def test_a_failed_check_at_the_end_leaves_no_archive(make_model: MakeModel) -> None:
    """The archive gets its name only after the tree has been walked again."""
    root = make_model(BIG)
    target = root.parent / "out" / "m.tar"
    target.parent.mkdir()
    with walk(root) as inventory:
        error = refused(inventory, Layout.TAR, archive=target, progress=once(lambda: (root / "new").write_bytes(b"")))
    assert error.code == "pack.changed"
    assert list(target.parent.iterdir()) == []


def test_an_existing_archive_survives_a_failed_run(make_model: MakeModel) -> None:
    """It is replaced whole or not at all."""
    root = make_model(BIG)
    target = root.parent / "m.tar"
    target.write_bytes(b"earlier")
    with walk(root) as inventory:
        with file_size_limit(BLOCK_SIZE):
            refused(inventory, Layout.TAR, archive=target)
        assert target.read_bytes() == b"earlier"


def test_an_output_folder_that_is_missing_is_said(make_model: MakeModel, tmp_path: Path) -> None:
    """Before a byte is read."""
    read_bytes: list[int] = []
    with walk(make_model()) as inventory:
        error = refused(inventory, Layout.TAR, archive=tmp_path / "no" / "m.tar", progress=read_bytes.append)
    assert error.code == "machine.io"
    assert "m.tar" in (error.location or "")
    assert read_bytes == []
