"""Machines that are full, forbid, or change a model while it is read, and runs that are stopped."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .command import Cli, ended, program, tree

NAMED = ("--name", "minilm", "--version", "1.0.0")
RELEASE = ("release", "model", *NAMED, "--key", "release.key", "--sbom-engine", "native")
#: Root may read everything; without these capabilities permissions bite root, too.
OBEYING = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")


def obeying() -> tuple[str, ...]:
    """Words that start a program which obeys permissions; the test is skipped where that cannot be had."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None or subprocess.run([*OBEYING, "true"], capture_output=True).returncode:
        pytest.skip("this machine runs tests as root and has no setpriv: permissions do not bite")
    return OBEYING


def while_read(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Do something when the first block of the weights is read."""
    readv, done = os.readv, []

    def changing(descriptor: int, buffers: list[memoryview]) -> int:
        if not done:
            done.append(change())
        return readv(descriptor, buffers)

    monkeypatch.setattr("os.readv", changing)


@pytest.mark.parametrize("name", ["model/config.json", "model", "release.key"])
def test_what_may_not_be_read_is_named(name: str, desk: Path) -> None:
    """A file, a folder, a key: exit status 2, the path, and that it is the permission."""
    before = tree(desk)
    (desk / name).chmod(0)
    try:
        outcome = ended(program(*RELEASE, cwd=desk, before=obeying()))
    finally:
        (desk / name).chmod(0o755)

    outcome.refused(2, "machine.permission", Path(name).name, "ermission")
    assert tree(desk) == before


@pytest.mark.parametrize("words", [("--output", "locked/minilm"), ("--output", "locked"), ("--oci-layout", "locked/x")])
def test_where_nothing_may_be_written_is_named(words: tuple[str, ...], desk: Path) -> None:
    """A folder without permission to write."""
    (desk / "locked").mkdir(mode=0o555)

    outcome = ended(program(*RELEASE, *words, cwd=desk, before=obeying()))

    if outcome.status:
        outcome.refused(2, "machine.permission", "locked")
        assert not list((desk / "locked").iterdir())
        assert not (desk / "dist").exists()
    else:
        # An empty folder may be replaced by a release, where its parent may be written.
        assert words == ("--output", "locked")


def test_a_file_that_changes_while_it_is_read_stops_the_release(
    desk: Path, release: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training job that still writes: nothing is signed."""
    with (desk / "model/model.safetensors").open("ab") as file:
        while_read(monkeypatch, lambda: (file.write(b"more"), file.flush()))

        release("--layout", "tar").refused(11, "pack.changed", "model.safetensors", "Wait until nothing writes")


def test_a_file_that_vanishes_stops_the_release(desk: Path, release: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Removed after it was listed."""
    while_read(monkeypatch, (desk / "model/tokenizer.json").unlink)

    release("--oci-layout", "layout").refused(11, "pack.vanished", "tokenizer.json")


def test_a_file_that_appears_stops_the_release(desk: Path, release: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a release does not list, a loader may still load."""
    while_read(monkeypatch, lambda: (desk / "model/late.py").write_text("import os"))

    release().refused(11, "pack.changed", "late.py: new")


def test_a_file_that_becomes_a_link_is_not_followed(desk: Path, release: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Swapped between listing and reading, to have a secret signed and published."""

    def swap() -> None:
        (desk / "model/config.json").unlink()
        (desk / "model/config.json").symlink_to("/etc/passwd")

    while_read(monkeypatch, swap)

    outcome = release()
    assert outcome.status in (2, 11), outcome
    assert "config.json" in outcome.err


def test_a_file_changed_while_it_is_verified_does_not_pass(
    desk: Path, release: Cli, verify: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was verified must be what is there afterwards."""
    assert release().status == 0
    while_read(monkeypatch, lambda: (desk / "model/README.md").write_text("other"))

    verify().refused(11, "pack.changed", "README.md")


@pytest.mark.parametrize("limit", [1_000, 6_000, 200_000])
@pytest.mark.parametrize("words", [("--layout", "tar"), ("--oci-layout", "layout")])
def test_a_file_that_cannot_grow_is_a_full_disk(limit: int, words: tuple[str, ...], desk: Path) -> None:
    """A quota on file sizes (RLIMIT_FSIZE): exit status 20, no half-written release, and after that it works."""
    with (desk / "model/model.safetensors").open("ab") as file:
        file.truncate(300_000)
    before = tree(desk)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    ended(program(*RELEASE, *words, cwd=desk, preexec_fn=limited)).refused(20, "machine.disk", "write", "space")

    assert tree(desk) == before


@pytest.mark.parametrize(
    "words",
    [
        ("sign", "model", "--bundle", "model.sig", "--key", "release.key"),
        ("sbom", "model", "--output", "sboms", "--sbom-engine", "native"),
    ],
)
def test_no_command_leaves_half_a_file(words: tuple[str, ...], desk: Path) -> None:
    """A signature or an SBOM is there whole or not at all."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))

    ended(program(*words, cwd=desk, preexec_fn=limited)).refused(20, "machine.disk", "write")

    assert not [path for path in desk.rglob("*") if path.name.startswith((".", "model.sig", "sbom."))]


@pytest.mark.parametrize("size", ["16k", "32k", "64k"])
def test_a_full_disk_is_said_and_leaves_nothing(size: str, desk: Path) -> None:
    """A file system with no space left, wherever in the release that happens."""
    (desk / "full").mkdir()
    script = 'mount -t tmpfs -o size="$1" full "$2" && shift 2 && { "$@"; status=$?; ls -A full; exit $status; }'
    space = ("unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", size, str(desk / "full"))
    if shutil.which("unshare") is None or subprocess.run([*space, "true"], capture_output=True, cwd=desk).returncode:
        pytest.skip("this machine mounts no file system of its own for a test")
    words = (*RELEASE, "--output", "full/release", "--layout", "tar")

    process = program(*words, cwd=desk, before=space)

    outcome = ended(process)
    outcome.refused(20, "machine.disk", "No space left", "Free space")
    assert outcome.out == "", "something was left behind"


def large(desk: Path) -> None:
    """Weights that take a moment to write."""
    header = b'{"w":{"dtype":"U8","shape":[134217728],"data_offsets":[0,134217728]}}'
    with (desk / "model/model.safetensors").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + (1 << 27))


def _as_at_a_terminal() -> None:
    """A shell that starts the tests in the background lets them ignore Ctrl-C, and that is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def until(condition: Callable[[], bool]) -> None:
    """Wait, at most 20 seconds."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_cleans_up_and_can_be_repeated(number: signal.Signals, desk: Path) -> None:
    """Ctrl-C, and what a CI runner sends when a job is cancelled."""
    large(desk)
    before = tree(desk, without=desk / "model")
    process = program(*RELEASE, "--layout", "tar", cwd=desk, preexec_fn=_as_at_a_terminal)
    until(lambda: any(desk.glob("dist/.model-provenance-tmp.*/new/minilm-1.0.0")))

    process.send_signal(number)

    ended(process).refused(2, "usage.interrupted", "Run it again")
    assert tree(desk, without=desk / "model") == before
