"""What lies aside until it is whole: held while its run lives, removed by the next run when it does not, and nothing else is."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from model_provenance.disk import aside, publish
from model_provenance.disk.aside import EARLIER, MARK, PREFIX, Left, file_aside, folder_aside, sweep
from model_provenance.disk.publish import PublishedFile

SOURCE = Path(__file__).parents[2] / "src"
OURS = f"{PREFIX}0123456789abcdef"


def left_behind(parent: Path, *files: str, name: str = OURS) -> Path:
    """The folder of a run that was killed."""
    folder = parent / name
    for file in (MARK, *files):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("x")
    return folder


def test_what_a_killed_run_left_is_removed_and_named(tmp_path: Path) -> None:
    """Files, folders in folders, links (never what they lead to), folders without a mark that are empty."""
    folder = left_behind(tmp_path, "new/minilm/weights", "new/minilm/deep/er/x")
    (tmp_path / "mine").write_text("mine")
    (folder / "new" / "link").symlink_to(tmp_path)
    empty, file = tmp_path / f"{PREFIX}{'a' * 16}", tmp_path / f"{PREFIX}{'b' * 16}"
    empty.mkdir()
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
    assert sweep(tmp_path) == (Left(folder),)
    assert [path.name for path in tmp_path.iterdir()] == ["minilm-1.0.0"]

    (tmp_path / "minilm-1.0.0" / "receipt.json").write_text("newer")
    left_behind(tmp_path, f"{EARLIER}/minilm-1.0.0/receipt.json")
    sweep(tmp_path)
    assert (tmp_path / "minilm-1.0.0" / "receipt.json").read_text() == "newer"
    assert [path.name for path in tmp_path.iterdir()] == ["minilm-1.0.0"]


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
