"""File names that mean something else on another machine, in a terminal or to a shell."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .command import Cli

COMPOSED, DECOMPOSED = "caf\u00e9.txt", "cafe\u0301.txt"
GOOD = [
    "two words.txt",
    " leading",
    "-rf",
    "--help",
    "-",
    "back\\slash",
    "quo'te\".txt",
    COMPOSED,
    "$(id)",
    "日本語",
    "#",
    "%41",
]


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("a\nb", "pack.name", ("a\\nb", "control characters")),
        ("a\x1b[31mb", "pack.name", ("a\\x1b[31mb", "control characters")),
        ("weights\u202egnp.exe", "pack.name", ("weights\\u202egnp.exe",)),
        (DECOMPOSED, "pack.name", ("normal form C",)),
        ("Config.json", "pack.name_clash", ("config.json", "Config.json", "case")),
        (".wh.config.json", "pack.name", (".wh.",)),
    ],
)
def test_a_name_that_does_not_travel_is_refused(
    name: str, code: str, says: tuple[str, ...], desk: Path, release: Cli
) -> None:
    """The message shows the name with its invisible characters escaped, and says what to rename."""
    (desk / "model" / name).write_text("x")

    release().refused(2, code, *says, "ename")


def test_a_name_that_is_not_utf_8_is_refused(desk: Path, release: Cli) -> None:
    """Bytes of another encoding cannot be written down in a manifest."""
    Path(os.fsdecode(os.fsencode(desk / "model") + b"/caf\xe9")).write_text("x")

    release().refused(2, "pack.name", "UTF-8")


def test_one_name_in_two_normal_forms_is_refused(desk: Path, release: Cli) -> None:
    """Both look the same; macOS would make one file of them."""
    for name in (COMPOSED, DECOMPOSED):
        (desk / "model" / name).write_text(name)

    release().refused(2, "pack.name", "caf")


@pytest.mark.parametrize("layout", ["layers", "tar"])
def test_odd_but_honest_names_are_released_verified_and_listed(
    layout: str, desk: Path, release: Cli, verify: Cli
) -> None:
    """Spaces, dashes, quotes, backslashes and other scripts are names; `sha256sum -c` reads our lists of them."""
    for name in GOOD:
        (desk / "model" / name).write_text(name)

    assert release("--layout", layout).status == 0
    assert verify().status == 0
    sums = desk / "dist/minilm-1.0.0/MODEL.SHA256SUMS"
    checked = subprocess.run(
        ["sha256sum", "--strict", "-c", str(sums)],
        cwd=desk / "model",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked
    assert len(checked.stdout.splitlines()) == 4 + len(GOOD)


@pytest.mark.parametrize("name", ["-model", "mo del", "модель"])
def test_a_model_folder_may_have_any_name(name: str, desk: Path, cli: Cli) -> None:
    """After `--` a leading dash is no option; the model's name is what --name says."""
    (desk / "model").rename(desk / name)
    named = ("--name", "minilm", "--version", "1.0.0")

    assert cli("release", *named, "--key", "release.key", "--sbom-engine", "native", "--", name).status == 0
    assert cli("verify", "--evidence", "dist/minilm-1.0.0", "--key", "release.pub", *named, "--", name).status == 0
