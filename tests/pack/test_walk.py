"""Finding the files of a model: what is listed, left out and refused, before anything is read or written."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from tests.pack.conftest import MakeModel

from model_provenance.domain.files import Role
from model_provenance.errors import ModelProvenanceError
from model_provenance.pack.scope import contains
from model_provenance.pack.walk import walk


def paths(root: Path, **options: object) -> list[str]:
    """The names that a walk lists."""
    with walk(root, **options) as inventory:  # type: ignore[arg-type]
        return [entry.path for entry in inventory.entries]


def refusal(root: Path, **options: object) -> ModelProvenanceError:
    """The error that a walk ends with."""
    with pytest.raises(ModelProvenanceError) as caught:
        paths(root, **options)
    return caught.value


def open_descriptors() -> int:
    """How many descriptors this process has."""
    folder = Path("/proc/self/fd" if Path("/proc/self/fd").exists() else "/dev/fd")
    return len(list(folder.iterdir()))


def test_files_are_listed_by_code_point_with_size_and_role(make_model: MakeModel) -> None:
    """Order is that of the names, whatever the order of the directory."""
    root = make_model({"b/x.json": b"12", "a.txt": b"1", "b.gguf": b"123", "Z": b"", "é": b""})
    with walk(root) as inventory:
        found = [(entry.path, entry.size, entry.role) for entry in inventory.entries]
    assert found == [
        ("Z", 0, Role.OTHER),
        ("a.txt", 1, Role.DOC),
        ("b.gguf", 3, Role.WEIGHT),
        ("b/x.json", 2, Role.CONFIG),
        ("é", 0, Role.OTHER),
    ]


def test_what_git_keeps_at_the_root_is_left_out(make_model: MakeModel) -> None:
    """`.git`, `.github`, `.gitignore` and `.gitattributes` at the root only; every other dotfile belongs to the model."""
    root = make_model(
        {".git/config": b"", ".github/w.yml": b"", ".gitignore": b"", ".gitattributes": b"", ".hidden": b"", "a": b"",
         "sub/.gitignore": b""}
    )  # fmt: skip
    assert paths(root) == [".hidden", "a", "sub/.gitignore"]


@pytest.mark.parametrize("ignore", ["logs", "logs/", "./logs", "logs/../logs", "ABS/logs", "ABS/../model/logs"])
def test_an_ignored_path_covers_what_is_under_it(make_model: MakeModel, ignore: str) -> None:
    """Relative to the model or absolute below it, in any spelling."""
    root = make_model({"logs/1": b"", "logs/x/2": b"", "logs.txt": b"", "a": b""})
    assert paths(root, ignore=[ignore.replace("ABS", str(root))]) == ["a", "logs.txt"]


@pytest.mark.parametrize("ignore", ["missing", "/elsewhere", "../other", "*", "lo*", "[a]"])
def test_ignore_paths_are_exact(make_model: MakeModel, ignore: str) -> None:
    """No globs, and a path that matches nothing is fine."""
    assert paths(make_model({"logs/1": b"", "a": b""}), ignore=[ignore]) == ["a", "logs/1"]


def test_ignored_and_excluded_paths_are_recorded_relative_to_the_model(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is recorded does not tell where the model lay; a bundle inside the model is excluded by its real path."""
    root = make_model({"a": b"", "model.sig": b"", "logs/1": b"", "x": b""})
    link = root.parent / "link"
    link.symlink_to(root)
    monkeypatch.chdir(root)
    with walk(link, ignore=[f"{root}/logs", "x/", "/else"], exclude=[Path("model.sig"), root.parent]) as inventory:
        assert inventory.ignored == ("logs", "model.sig", "x")
        assert [entry.path for entry in inventory.entries] == ["a"]


def test_an_ignored_path_that_is_not_utf8_is_refused(make_model: MakeModel) -> None:
    """It would have to stand in a signed statement."""
    assert refusal(make_model(), ignore=["a\udcff"]).code == "usage.invalid"


def test_one_file_is_a_model(make_model: MakeModel) -> None:
    """A GGUF given by itself is a model of one file, under its own name."""
    root = make_model({"model.gguf": b"GGUF", "other": b""})
    with walk(root / "model.gguf") as inventory:
        assert [entry.path for entry in inventory.entries] == ["model.gguf"]
        with inventory.open("model.gguf") as file:
            assert file.read() == b"GGUF"


@pytest.mark.parametrize(
    ("files", "ignore"), [({}, []), ({".git/config": b""}, []), ({"a": b""}, ["a"]), ({"a": b""}, ["."])]
)
def test_a_model_without_files_is_nothing_to_do(
    make_model: MakeModel, files: dict[str, bytes], ignore: list[str]
) -> None:
    """An empty folder, or one of which nothing is left, ends with 3."""
    error = refusal(make_model(files), ignore=ignore)
    assert (error.code, error.exit_status) == ("pack.empty", 3)


@pytest.mark.parametrize("name", ["missing", "a\0b", "file/below"])
def test_a_path_that_is_not_there_is_said(tmp_path: Path, name: str) -> None:
    """A missing model is a usage error that names the path."""
    (tmp_path / "file").write_bytes(b"")
    error = refusal(tmp_path / name)
    assert error.code in ("pack.missing", "machine.io")
    assert error.location


def test_special_files_are_refused_by_name(make_model: MakeModel) -> None:
    """A FIFO is not opened, which would wait for ever; sockets neither."""
    root = make_model()
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        with tempfile.TemporaryDirectory(dir="/tmp") as short:
            listening.bind(f"{short}/s")
            Path(short, "s").rename(root / "sock")
        error = refusal(root)
    assert error.code == "pack.special_file"
    assert "pipe: a device, FIFO or socket" in error.message
    assert "sock: " in error.message
    assert refusal(root / "pipe").code == "pack.special_file"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (b"new\nline", r"new\nline: the name cannot be used: it holds control characters"),
        (b"\xff\xfe", "it is not UTF-8"),
        ("e\u0301.json".encode(), "normal form C"),
        (b"\x1b[2Jevil", r"\x1b[2Jevil"),
        (b".wh.x", "deletes files"),
    ],
)
def test_names_that_cannot_be_used_are_refused_and_shown_escaped(
    make_model: MakeModel, name: bytes, reason: str
) -> None:
    """The message holds no raw control character of the name."""
    root = make_model()
    (Path(os.fsdecode(os.fsencode(root) + b"/" + name))).write_bytes(b"")
    error = refusal(root)
    assert error.code == "pack.name"
    assert reason in error.message
    assert error.message.isprintable()


def test_unusual_names_are_no_obstacle(make_model: MakeModel) -> None:
    """Spaces, a leading dash, other scripts, an emoji."""
    names = sorted(["-rf", "a b.json", "模型.bin", "🤗.txt", "--", "a'\"$`.txt"])
    assert paths(make_model(dict.fromkeys(names, b"1"))) == names


def test_names_that_differ_only_by_case_are_refused(make_model: MakeModel) -> None:
    """Files and folders; both names are shown."""
    root = make_model({"Config.json": b"", "config.json": b"", "D/x": b"", "d/y": b""})
    error = refusal(root)
    assert error.code == "pack.name_clash"
    assert error.message.count("differs from") == 2
    assert "Config.json" in error.message
    assert "config.json" in error.message


def test_all_refused_names_are_reported_at_once(make_model: MakeModel) -> None:
    """One error lists links, pipes, names and secrets together, sorted, with a bound on its length."""
    root = make_model({".env": b"", "a": b"", "sub/.netrc": b"", "x\ny": b"", **{f"n/\t{i}": b"" for i in range(40)}})
    os.mkfifo(root / "pipe")
    (root / "link").symlink_to("a")
    error = refusal(root)
    assert error.code == "pack.refused"
    assert error.message.startswith("45 names in the model are refused:\n  .env: ")
    assert error.message.endswith("and 25 more")
    assert len(error.message.splitlines()) == 22
    assert "--allow-symlinks" in error.remedy
    assert "--ignore-path" in error.remedy


def test_more_files_than_can_be_signed_are_refused(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound holds for files, and for folders that hold none."""
    root = make_model({f"{i}": b"" for i in range(12)})
    monkeypatch.setattr("model_provenance.pack.walk.FILE_LIMIT", 10)
    assert refusal(root).code == "pack.limit"
    monkeypatch.setattr("model_provenance.pack.walk._NAME_LIMIT", 5)
    for i in range(12):
        (root / str(i)).unlink()
        (root / f"d{i}").mkdir()
    assert refusal(root).code == "pack.limit"


def test_what_may_not_be_read_is_listed_with_the_rest() -> None:
    """Unreadable files and folders, seen by a user who is not root."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        root = Path(folder)
        root.chmod(0o755)
        (root / "a").write_bytes(b"")
        (root / "secret.bin").write_bytes(b"")
        (root / "secret.bin").chmod(0)
        (root / "closed").mkdir(mode=0)
        # A root user may read everything, so it becomes another one after the imports.
        code = (
            "import os, sys; from pathlib import Path; from model_provenance.pack.walk import walk\n"
            "from model_provenance.errors import ModelProvenanceError\n"
            "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "try: walk(Path(sys.argv[1]))\n"
            "except ModelProvenanceError as error: print(error.code, error.message)"
        )
        env = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "-c", code, folder], capture_output=True, text=True, check=False, env=env, cwd="/"
        )
        (root / "closed").chmod(0o755)
    assert done.stdout.startswith("machine.permission 2 names in the model are refused:"), done.stderr
    assert "closed/: cannot list: Permission denied" in done.stdout
    assert "secret.bin: it may not be read" in done.stdout


def test_an_inventory_closes_what_it_holds(make_model: MakeModel) -> None:
    """No descriptor is left, neither after use nor after a refusal."""
    root = make_model()
    before = open_descriptors()
    for _ in range(3):
        with walk(root, allow_symlinks=True) as inventory:
            inventory.recheck()
        inventory.close()
        refusal(root, ignore=["."])
    after = open_descriptors()
    assert before == after


def test_an_unknown_name_is_not_opened(make_model: MakeModel) -> None:
    """Only what was listed can be opened, so an index inside the model cannot reach out of it."""
    with walk(make_model()) as inventory:
        for name in ("../model/config.json", "/etc/passwd", "missing"):
            with pytest.raises(ModelProvenanceError) as caught:
                inventory.open(name)
            assert caught.value.code == "pack.vanished"


def test_contains_sees_through_links_and_missing_paths(tmp_path: Path) -> None:
    """An output that would land inside the model is seen before it exists."""
    model = tmp_path / "model"
    model.mkdir()
    (tmp_path / "link").symlink_to(model)
    assert contains(model, model)
    assert contains(model, model / "dist" / "x")
    assert contains(model, tmp_path / "link" / "out")
    assert contains(tmp_path / "link", model / "out")
    assert not contains(model, tmp_path / "model2")
    assert not contains(model, tmp_path)
