"""Runs that are killed (SIGKILL, a power cut): nothing half-written under a final name, and the next run clears what was left."""

from __future__ import annotations

import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from .command import Outcome, ended, program
from .test_bad_machines import NAMED, RELEASE, large, until

PLACES = {"tar": ("--layout", "tar"), "raw": ("--layout", "raw"), "layout": ("--oci-layout", "dist/layout")}
SAID = "an earlier run was interrupted; what it left is removed"


def lying(desk: Path) -> set[str]:
    """What lies where releases are put."""
    return {path.name for path in desk.glob("dist/*")}


def verified(desk: Path, version: str = "1.0.0") -> Outcome:
    """The release folder, its archive or the model beside it."""
    evidence = f"dist/minilm-{version}"
    target = (evidence,) if list(desk.glob(f"{evidence}/*.tar")) else ("model", "--evidence", evidence)
    return ended(program("verify", *target, "--key", "release.pub", "--name", "minilm", "--version", version, cwd=desk))


@pytest.mark.parametrize("kind", PLACES)
def test_killed_at_any_moment_and_run_again(kind: str, desk: Path) -> None:
    """Random moments: then one run is enough, its release is whole, and nothing else lies there."""
    large(desk)
    words = (*RELEASE, *PLACES[kind])
    left = set()
    for number in range(5):
        process = program(*words, cwd=desk)
        if number < 2:  # surely in the middle
            until(lambda: any(desk.glob("dist/.model-provenance-tmp.*/new")))
            time.sleep(random.uniform(0, 0.2))
        else:
            time.sleep(random.uniform(0.1, 1.2))
        process.kill()
        process.communicate()
        left = {name for name in lying(desk) if name.startswith(".")}
        assert len(left) <= 1, "a later run left what an earlier one had left"
        if (desk / "dist/minilm-1.0.0").exists():
            assert verified(desk).status == 0
            shutil.rmtree(desk / "dist/minilm-1.0.0")

    done = ended(program(*words, cwd=desk))

    assert done.status == 0, done
    assert (SAID in done.out) == bool(left), done
    assert all(name in done.out for name in left), done
    assert lying(desk) == {"minilm-1.0.0", *(("layout",) if kind == "layout" else ())}
    assert verified(desk).status == 0
    if kind == "layout":
        assert not [path for path in desk.glob("dist/layout/**/*") if path.name.startswith(".")]
        assert ended(program("verify", "dist/layout", "--key", "release.pub", *NAMED, cwd=desk)).status == 0


def test_a_run_that_lives_is_not_harmed_by_another(desk: Path) -> None:
    """One stands still in the middle while another clears and releases beside it; both releases are whole in the end."""
    large(desk)
    slow = program(*RELEASE, "--layout", "tar", cwd=desk)
    until(lambda: any(desk.glob("dist/.model-provenance-tmp.*/new/minilm-1.0.0")))
    slow.send_signal(signal.SIGSTOP)
    (held,) = lying(desk)
    killed = program(*RELEASE, "--layout", "tar", "--version", "2.0.0", cwd=desk)
    until(lambda: len(lying(desk)) == 2)
    killed.kill()
    killed.communicate()
    (left,) = lying(desk) - {held}

    other = ended(program(*RELEASE, "--layout", "tar", "--version", "3.0.0", cwd=desk))
    slow.send_signal(signal.SIGCONT)

    assert (other.status, left in other.out, held in other.out) == (0, True, False), other
    assert ended(slow).status == 0
    assert lying(desk) == {"minilm-1.0.0", "minilm-3.0.0"}
    assert verified(desk).status == 0
    assert verified(desk, "3.0.0").status == 0


def test_what_is_not_ours_is_named_and_stays(desk: Path) -> None:
    """A link of such a name, and a folder without our mark: a warning each, and the release is made."""
    (desk / "dist").mkdir()
    (desk / "precious").mkdir()
    (desk / "precious/thesis").write_text("years")
    link, folder = (desk / f"dist/.model-provenance-tmp.{digit * 16}" for digit in "ab")
    link.symlink_to(desk / "precious")
    folder.mkdir(mode=0o700)
    (folder / "thesis").write_text("years")

    done = ended(program(*RELEASE, cwd=desk))

    assert done.status == 0
    assert "it is not removed: it is a link" in done.out
    assert "it is not removed: nothing in it says that it is of model-provenance" in done.out
    assert lying(desk) == {link.name, folder.name, "minilm-1.0.0"}
    assert [(desk / "precious/thesis").read_text(), (folder / "thesis").read_text()] == ["years", "years"]
