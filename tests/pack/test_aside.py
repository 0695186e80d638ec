"""What lies aside until it is whole: held while its run lives, removed by the next run when it does not, and nothing else is."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from model_provenance.disk import aside, publish
from model_provenance.disk.aside import EARLIER, MARK, PREFIX, Left, file_aside, folder_aside, sweep
from model_provenance.disk.publish import PublishedFile
from model_provenance.formats import receipt, spool

SOURCE = Path(__file__).parents[2] / "src"
OURS = f"{PREFIX}0123456789abcdef"


SAID = {name: json.dumps({"schema": module.SCHEMA}) for module in (receipt, spool) for name in (module.NAME,)}


def left_behind(parent: Path, *files: str, name: str = OURS) -> Path:
    """The folder of a run that was killed."""
    folder = parent / name
    folder.mkdir(parents=True)
    folder.chmod(0o700)
    (folder / MARK).touch()
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(SAID.get(Path(file).name, "x"))
    return folder


def test_what_a_killed_run_left_is_removed_and_named(tmp_path: Path) -> None:
    """Files, folders in folders, links (never what they lead to), folders without a mark that are empty."""
    folder = left_behind(tmp_path, "new/minilm/weights", "new/minilm/deep/er/x")
    (tmp_path / "mine").write_text("mine")
    (folder / "new" / "link").symlink_to(tmp_path)
    empty, file = tmp_path / f"{PREFIX}{'a' * 16}", tmp_path / f"{PREFIX}{'b' * 16}"
    empty.mkdir(mode=0o700)
    file.write_text("half a file")

    assert sweep(tmp_path) == (Left(folder), Left(empty), Left(file))

    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_what_a_run_holds_is_neither_touched_nor_spoken_of(tmp_path: Path) -> None:
    """Files and folders alike; afterwards nothing is left."""
    path, descriptor = file_aside(tmp_path, 0o600)
    with folder_aside(tmp_path) as folder:
        (folder / "x").write_text("x")
        assert sweep(tmp_path) == ()
        assert {*tmp_path.iterdir()} == {path, folder}
        assert (folder / "x").exists()
    os.close(descriptor)
    assert sweep(tmp_path) == (Left(path),)
    assert not list(tmp_path.iterdir())


def test_what_a_run_finishes_with_meanwhile_is_not_spoken_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It got its name after it was opened here, and before its lock was asked for."""
    file = tmp_path / OURS
    file.write_text("whole")
    monkeypatch.setattr(aside, "_held", lambda descriptor: file.rename(tmp_path / "x") and "")
    assert sweep(tmp_path) == ()
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize(
    "name",
    [".model-provenance-tmp", f"{OURS}0", f"{OURS[:-1]}G", f"x{OURS}", f"{PREFIX}old", ".minilm.0123456789abcdef"],
)
def test_other_names_are_nobody_s(name: str, tmp_path: Path) -> None:
    """Only the whole form of a name counts."""
    left_behind(tmp_path, name=name)
    assert sweep(tmp_path) == ()
    assert (tmp_path / name / MARK).exists()


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    """Under our name a link lies that leads to a folder of ours elsewhere."""
    other, place = tmp_path / "other", tmp_path / "place"
    place.mkdir()
    elsewhere = left_behind(other, "precious")
    (place / OURS).symlink_to(elsewhere)
    assert sweep(place) == (Left(place / OURS, "it is a link"),)
    assert (elsewhere / "precious").exists()
    assert (place / OURS).is_symlink()


def test_a_file_with_a_second_name_and_a_pipe_are_left_alone(tmp_path: Path) -> None:
    """Neither is what a run of ours makes."""
    (tmp_path / "kept").write_text("x")
    (tmp_path / OURS).hardlink_to(tmp_path / "kept")
    pipe = tmp_path / f"{PREFIX}{'f' * 16}"
    os.mkfifo(pipe)
    assert sweep(tmp_path) == (
        Left(tmp_path / OURS, "it has a second name"),
        Left(pipe, "it is neither a file nor a folder"),
    )


def test_a_folder_without_our_mark_is_left_alone(tmp_path: Path) -> None:
    """Somebody took the name for something else."""
    folder = left_behind(tmp_path, "thesis.tex")
    (folder / MARK).unlink()
    assert sweep(tmp_path) == (Left(folder, "nothing in it says that it is of model-provenance"),)
    assert (folder / "thesis.tex").exists()


def mark_of(kind: str, folder: Path) -> None:
    """A mark that is not one of ours."""
    mark = folder / MARK
    mark.unlink()
    if kind == "link":
        mark.symlink_to(folder / "thesis.tex")
    elif kind == "second name":
        (folder.parent / "other").touch()
        mark.hardlink_to(folder.parent / "other")
    elif kind == "folder":
        mark.mkdir()
    elif kind == "content":
        mark.write_text("x")
    else:
        if os.geteuid() != 0:
            pytest.skip("this machine runs tests without the right to give files away")
        mark.touch()
        os.chown(mark, 65534, 65534)


@pytest.mark.parametrize("kind", ["link", "second name", "folder", "content", "owner"])
def test_a_mark_that_a_run_of_ours_did_not_make_is_none(kind: str, tmp_path: Path) -> None:
    """An empty file of this user's, under one name."""
    folder = left_behind(tmp_path, "thesis.tex")
    mark_of(kind, folder)
    assert sweep(tmp_path) == (Left(folder, "what says that it is of model-provenance was not made by it"),)
    assert (folder / "thesis.tex").exists()


@pytest.mark.parametrize("mode", [0o770, 0o710, 0o701, 0o2775])
def test_a_folder_that_others_may_enter_is_left_alone_with_a_mark_too(mode: int, tmp_path: Path) -> None:
    """In a shared folder somebody gives another's folder the name of ours, and puts a mark into it: we make none like that."""
    folder = left_behind(tmp_path, "private/weights")
    folder.chmod(mode)
    assert sweep(tmp_path) == (Left(folder, "others than its owner may enter it"),)
    assert (folder / "private" / "weights").exists()


def test_what_belongs_to_another_user_is_left_alone(tmp_path: Path) -> None:
    """In a shared folder anybody may make such a name; root could remove it, and does not."""
    if os.geteuid() != 0:
        pytest.skip("this machine runs tests without the right to give files away")
    folder = left_behind(tmp_path, "x")
    os.chown(folder, 65534, 65534)
    assert sweep(tmp_path) == (Left(folder, "it belongs to another user"),)
    assert (folder / "x").exists()


def test_a_folder_that_may_not_be_read_is_left_alone(tmp_path: Path) -> None:
    """Permissions bite everybody but root, so the sweep runs as nobody in particular."""
    folder = left_behind(tmp_path, "x")
    code = (
        "import os, sys; from pathlib import Path; from model_provenance.disk.aside import sweep\n"
        "for left in sweep(Path(sys.argv[1])): print(left.why)"
    )
    obeying = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    if obeying and shutil.which("setpriv") is None:
        pytest.skip("this machine runs tests as root and has no setpriv: permissions do not bite")
    folder.chmod(0)
    done = subprocess.run(
        [*obeying, sys.executable, "-c", code, tmp_path],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
    )
    folder.chmod(0o700)
    assert (done.stdout, done.stderr) == ("it cannot be opened (Permission denied)\n", "")
    assert (folder / "x").exists()


def test_where_another_machine_may_hold_it_nothing_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks of NFS may be of one machine only, as its mount options say."""
    folder = left_behind(tmp_path)
    monkeypatch.setattr(aside, "file_system", lambda descriptor: "nfs4")
    assert sweep(tmp_path) == (Left(folder, "whether another machine uses it cannot be told on this file system"),)
    assert folder.exists()


def test_an_earlier_release_that_had_stepped_aside_gets_its_name_again(tmp_path: Path) -> None:
    """Killed between two renames: the earlier release is there again. Where a newer one is, it goes."""
    folder = left_behind(tmp_path, f"{EARLIER}/minilm-1.0.0/receipt.json", "new/minilm-1.0.0/receipt.json")
    assert sweep(tmp_path) == (Left(folder, back="minilm-1.0.0"),)
    assert [path.name for path in tmp_path.iterdir()] == ["minilm-1.0.0"]

    newer = json.dumps({"schema": receipt.SCHEMA, "name": "newer"})
    (tmp_path / "minilm-1.0.0" / "receipt.json").write_text(newer)
    left_behind(tmp_path, f"{EARLIER}/minilm-1.0.0/receipt.json")
    assert sweep(tmp_path) == (Left(folder),)
    assert (tmp_path / "minilm-1.0.0" / "receipt.json").read_text() == newer
    assert [path.name for path in tmp_path.iterdir()] == ["minilm-1.0.0"]

    left_behind(tmp_path, f"{EARLIER}/minilm-1.0.0.unsigned/spool.json")
    assert sweep(tmp_path) == (Left(folder, back="minilm-1.0.0.unsigned"),)
    assert {path.name for path in tmp_path.iterdir()} == {"minilm-1.0.0", "minilm-1.0.0.unsigned"}


@pytest.mark.parametrize("files", [("tools/x",), ("a/receipt.json", "b/receipt.json"), ("receipt.json",)])
def test_only_one_release_is_put_back(files: tuple[str, ...], tmp_path: Path) -> None:
    """Whatever else lies there as if it had stepped aside neither gets a name beside the releases nor goes."""
    folder = left_behind(tmp_path, *(f"{EARLIER}/{file}" for file in files))
    assert sweep(tmp_path) == (Left(folder, "what stepped aside into it is not a release"),)
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    assert all((folder / EARLIER / file).exists() for file in files)


def test_an_earlier_release_whose_name_something_else_has_is_kept(tmp_path: Path) -> None:
    """Neither takes the place of the other."""
    folder = left_behind(tmp_path, f"{EARLIER}/minilm-1.0.0/receipt.json")
    (tmp_path / "minilm-1.0.0").write_text("mine")
    assert sweep(tmp_path) == (Left(folder, "a release in it lost its name to something else"),)
    assert (tmp_path / "minilm-1.0.0").read_text() == "mine"
    assert (folder / EARLIER / "minilm-1.0.0" / "receipt.json").exists()


def test_a_tree_of_any_depth_is_removed(tmp_path: Path) -> None:
    """It takes a few descriptors, however deep it is, and no recursion."""
    folder = left_behind(tmp_path)
    below = os.open(folder, os.O_RDONLY)
    for _ in range(40):
        os.mkdir("a", dir_fd=below)
        above, below = below, os.open("a", os.O_RDONLY, dir_fd=below)
        os.close(above)
    os.close(os.open("deepest", os.O_CREAT, dir_fd=below))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (below + 10, limits[1]))
    try:
        assert sweep(tmp_path) == (Left(folder),)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        os.close(below)
    assert not list(tmp_path.iterdir())


def test_what_is_half_removed_is_known_as_ours_by_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mark goes last of all, and where something stays, so does the mark."""
    folder, unlink = left_behind(tmp_path, "new/minilm/weights", "new/kept/config.json"), os.unlink

    def unlinked(name: str, **more: Any) -> None:
        if name == "config.json":
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        unlink(name, **more)

    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", unlinked)
        for _ in range(2):
            assert sweep(tmp_path) == (Left(folder, "it cannot be removed (Operation not permitted)"),)
            assert {path.name for path in folder.rglob("*") if path.is_file()} == {MARK, "config.json"}
    assert sweep(tmp_path) == (Left(folder),)


def test_what_is_mounted_in_it_is_not_entered(tmp_path: Path) -> None:
    """Neither another file system nor another place of the same one."""
    alone = ["unshare", "--mount", *(() if os.geteuid() == 0 else ("--user", "--map-root-user"))]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount anything, not even out of the sight of others")
    folder, other = (left_behind(tmp_path, "new/mounted/x", name=f"{PREFIX}{digit * 16}") for digit in "ab")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").touch()
    code = (
        "import sys; from pathlib import Path; from model_provenance.disk.aside import sweep\n"
        "place = Path(sys.argv[1]); (place / f'{sys.argv[2]}/new/mounted/precious').touch()\n"
        "print(*(left.why for left in sweep(place)), len([*place.rglob('precious')]), sep='\\n')"
    )
    mount = (
        'cd "$2"; mount --bind elsewhere "$3/new/mounted" && mount -t tmpfs x "$4/new/mounted" && "$0" -c "$1" . "$4"'
    )
    done = subprocess.run(
        [*alone, "sh", "-c", mount, sys.executable, code, tmp_path, folder.name, other.name],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
    )
    said = [f"it cannot be removed ({why})" for why in ("Device or resource busy", "something is mounted in it")]
    assert (done.stdout.splitlines(), done.stderr) == ([*said, "3"], "")
    assert (folder / MARK).exists()


def test_runs_that_sweep_all_the_time_take_nothing_from_each_other(tmp_path: Path) -> None:
    """Eight processes make, fill, look, and sweep in one folder: what one makes is there until it removes it."""
    code = (
        "import sys; from pathlib import Path; from model_provenance.disk.aside import folder_aside, sweep\n"
        "place = Path(sys.argv[1])\n"
        "for _ in range(60):\n"
        "    with folder_aside(place) as folder:\n"
        "        (folder / 'x').write_text('x'); sweep(place); assert (folder / 'x').read_text() == 'x'\n"
    )
    env = {**os.environ, "PYTHONPATH": str(SOURCE)}
    runs = [subprocess.Popen([sys.executable, "-c", code, tmp_path], env=env) for _ in range(8)]
    assert [run.wait(120) for run in runs] == [0] * 8
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("nameless", [True, False])
def test_a_file_that_was_being_written_when_its_run_was_killed(
    nameless: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With files that have no name nothing is left; elsewhere the next file in that folder removes what was."""
    if nameless and publish._nameless(tmp_path) is None:
        pytest.skip("this machine has no files without a name here")
    code = (
        "import os, signal, sys; from pathlib import Path; from model_provenance.disk import publish\n"
        f"publish._NAMELESS = publish._NAMELESS if {nameless} else 0\n"
        "file = publish.PublishedFile(Path(sys.argv[1]) / 'x'); file.write(b'half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, tmp_path], env={**os.environ, "PYTHONPATH": str(SOURCE)})
    assert killed.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == (0 if nameless else 1)

    monkeypatch.setattr(publish, "_NAMELESS", publish._NAMELESS if nameless else 0)
    with PublishedFile(tmp_path / "x") as file:
        file.write(b"whole")
        file.publish()
    with PublishedFile(tmp_path / "x") as file:
        file.write(b"replaced")
        file.publish()
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_bytes() == b"replaced"


def test_a_file_that_gets_a_name_for_a_rename_is_held_from_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run sweeps in the very moment: it removes nothing, and the file replaces what was there."""
    if publish._nameless(tmp_path) is None:
        pytest.skip("this machine has no files without a name here")
    (tmp_path / "x").write_bytes(b"earlier")
    link, found = publish._link, []

    def linked(descriptor: int, target: Path) -> None:
        link(descriptor, target)
        found.extend(sweep(tmp_path))

    monkeypatch.setattr(publish, "_link", linked)
    with PublishedFile(tmp_path / "x") as file:
        file.write(b"whole")
        file.publish()
    assert (found, [path.name for path in tmp_path.iterdir()]) == ([], ["x"])
    assert (tmp_path / "x").read_bytes() == b"whole"


def test_where_modes_are_not_kept_a_run_still_clears_its_own_folder(tmp_path: Path) -> None:
    """A file system that shows every folder as open to all (FAT, a shared drive): nothing lies there when the block has ended."""
    with folder_aside(tmp_path) as folder:
        (folder / "new").mkdir()
        folder.chmod(0o777)
    assert list(tmp_path.iterdir()) == []
