"""What `verify TARGET --bundle B` takes for a target, and what belongs to it."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

from .command import Cli

VERIFY = ("--bundle", "model.sig", "--key", "release.pub")


@pytest.fixture
def sign(desk: Path, cli: Cli) -> Cli:
    """Sign the desk's model."""

    def sign(*words: str) -> None:
        assert cli("sign", "model", "--bundle", "model.sig", "--key", "release.key", *words).status == 0

    return sign  # type: ignore[return-value]


def signed(desk: Path) -> dict[str, object]:
    """The statement in the bundle."""
    envelope = json.loads((desk / "model.sig").read_bytes())["dsseEnvelope"]
    return json.loads(base64.b64decode(envelope["payload"]))  # type: ignore[no-any-return]


def test_the_digest_of_a_model_is_its_root(sign: Cli, desk: Path, cli: Cli) -> None:
    """`sha256:…` of a directory's OMS bundle is the root that the subject names; the report says that no file was read."""
    sign()
    root = signed(desk)["subject"][0]["digest"]["sha256"]  # type: ignore[index]
    outcome = cli("verify", f"sha256:{root}", *VERIFY)
    assert outcome.status == 0
    assert "files" in outcome.out.partition("Not checked:")[2]


def test_the_digest_of_a_file_in_a_model_is_not_the_models(sign: Cli, desk: Path, cli: Cli) -> None:
    """Every file of the model is signed, and none of them is the model; neither is any other digest."""
    sign()
    for path in (desk / "model").iterdir():
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        cli("verify", f"sha256:{digest}", *VERIFY).failed(11, "subject.mismatch")
    cli("verify", f"sha256:{'0' * 64}", *VERIFY).failed(11, "subject.mismatch")


def test_a_path_that_is_called_like_a_digest_is_a_path(sign: Cli, desk: Path, cli: Cli) -> None:
    """Where something of that name lies, it is what is verified: here a model with one byte changed since."""
    sign()
    root = signed(desk)["subject"][0]["digest"]["sha256"]  # type: ignore[index]
    (desk / "model").rename(desk / f"sha256:{root}")
    assert cli("verify", f"sha256:{root}", *VERIFY).status == 0
    (desk / f"sha256:{root}" / "config.json").write_text("{}")
    cli("verify", f"sha256:{root}", *VERIFY).failed(11, "files.changed", "config.json")


@pytest.mark.parametrize("text", ["sha256:", "sha256:ab", "sha512:" + "0" * 128, "sha256:" + "G" * 64])
def test_what_is_no_digest_is_a_path_that_is_not_there(sign: Cli, text: str, cli: Cli) -> None:
    """Nothing is guessed."""
    sign()
    outcome = cli("verify", text, *VERIFY)
    assert outcome.status == 2


def test_what_git_keeps_at_the_root_is_no_part_of_the_model(sign: Cli, desk: Path, cli: Cli) -> None:
    """Left out without being asked, and only there; every other name with a dot is signed."""
    model = desk / "model"
    for folder in (".git", ".github", "deep"):
        (model / folder).mkdir()
        (model / folder / "config").write_text("x")
    for name in (".gitignore", ".gitattributes", ".hidden", "deep/.gitignore"):
        (model / name).write_text("x")
    sign()
    listed = [resource["name"] for resource in signed(desk)["predicate"]["resources"]]  # type: ignore[index]
    assert [name for name in listed if "." in name[:1] or "/" in name] == [".hidden", "deep/.gitignore", "deep/config"]
    for name in (".git/config", ".gitignore"):
        (model / name).write_text("y")
    assert cli("verify", "model", *VERIFY).status == 0
    (model / ".hidden").write_text("y")
    cli("verify", "model", *VERIFY).failed(11, "files.changed", ".hidden")
    (model / ".hidden").write_text("x")
    (model / "deep/.gitattributes").write_text("y")
    cli("verify", "model", *VERIFY).failed(11, "files.extra", "deep/.gitattributes")


def test_links_are_followed_where_signer_or_caller_says_so(sign: Cli, desk: Path, cli: Cli) -> None:
    """That the signer followed links is recorded, and his model verifies as it lies there; otherwise a link is refused."""
    link = desk / "model/link.json"
    link.symlink_to("config.json")
    sign("--allow-symlinks")
    assert signed(desk)["predicate"]["serialization"]["allow_symlinks"] is True  # type: ignore[index]
    assert cli("verify", "model", *VERIFY).status == 0
    link.unlink()
    link.symlink_to("README.md")
    cli("verify", "model", *VERIFY).failed(11, "files.changed", "link.json")
    link.unlink()
    link.write_bytes((desk / "model/config.json").read_bytes())
    sign()
    assert signed(desk)["predicate"]["serialization"]["allow_symlinks"] is False  # type: ignore[index]
    link.unlink()
    link.symlink_to("config.json")
    cli("verify", "model", *VERIFY).refused(2, "pack.symlink", "link.json", "--allow-symlinks")
    assert cli("verify", "model", *VERIFY, "--allow-symlinks").status == 0


@pytest.mark.parametrize("how", ["model", "relative", "absolute"])
def test_a_model_of_which_nothing_is_left_is_not_verified(how: str, sign: Cli, desk: Path, cli: Cli) -> None:
    """Leaving everything out makes no pass, whatever is tolerated besides."""
    sign()
    paths = {"relative": "", "absolute": f"{desk}/model/"}
    if how == "model":
        words = []
        for path in (desk / "model").iterdir():
            path.unlink()
    else:
        words = [word for path in (desk / "model").iterdir() for word in ("--ignore-path", paths[how] + path.name)]
    assert cli("verify", "model", *VERIFY, "--ignore-unsigned-files", *words).status not in (0, 1)


def test_a_signed_file_cannot_be_left_out(sign: Cli, desk: Path, cli: Cli) -> None:
    """`--ignore-path` and `--ignore-unsigned-files` are for what nobody signed; a path that is not there is no matter."""
    sign()
    (desk / "model/logs").mkdir()
    (desk / "model/logs/run.txt").write_text("x")
    cli("verify", "model", *VERIFY).failed(11, "files.extra", "logs/run.txt")
    assert cli("verify", "model", *VERIFY, "--ignore-path", "logs", "--ignore-path", "nowhere").status == 0
    cli("verify", "model", *VERIFY, "--ignore-path", "l*").failed(11, "files.extra", "logs/run.txt")
    words = ("--ignore-path", "logs", "--ignore-path", "config.json", "--ignore-unsigned-files")
    cli("verify", "model", *VERIFY, *words).failed(11, "files.missing", "config.json")
