"""Wrong manifests, keys, passwords, tokens, outputs and command lines."""

from __future__ import annotations

import base64
import io
import json
import shutil
import time
from pathlib import Path

import pytest

from model_provenance.cli.main import COMMANDS, run

from .command import Cli

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ('{"licence": "MIT"}', "manifest.unknown_key", ("1:2", "`licence`", "license")),
        ('{"datasets": [{"name": "wiki", "digest": "sha256:12"}]}', "manifest.digest", ("datasets[0].digest", "64")),
        ('{"datasets": [{"name": "wiki", "digest": "' + "ab" * 32 + '"}]}', "manifest.digest", ("datasets[0].digest",)),
        ('{"license": "MIT", "license": "Apache-2.0"}', "manifest.duplicate_key", ("`license`", "1:20")),
        ("license: MIT\nlicense: MIT\n", "manifest.duplicate_key", ("`license`", "2:1")),
        ('{"license": "MIT"', "manifest.syntax", ("1:",)),
        ('{"training_commit": "main"}', "manifest.commit", ("training_commit",)),
        ("[" * 5000, "manifest", ()),
        ("a: &a [*a]\n", "manifest", ()),
        ("!!python/object/apply:os.system [id]\n", "manifest", ()),
    ],
)
def test_a_wrong_manifest_is_refused_at_its_place(
    text: str, code: str, says: tuple[str, ...], desk: Path, cli: Cli, release: Cli
) -> None:
    """`manifest check` gives the code, `release` the same places; both name line and column."""
    (desk / "m.yaml").write_text(text)

    checked = cli("manifest", "check", "m.yaml")
    assert (checked.status, code in checked.out) == (2, True), checked
    assert "  fix " in checked.out
    assert all(words in checked.out for words in says), checked
    release("--manifest", "m.yaml").refused(2, "manifest.source_invalid", *says)


def test_several_faults_of_a_manifest_are_said_at_once(desk: Path, release: Cli) -> None:
    """With the command that says for each what to write."""
    (desk / "m.yaml").write_text("licence: MIT\nversion: latest\ntraining_commit: main\n")

    outcome = release("--manifest", "m.yaml")

    outcome.refused(2, "manifest.source_invalid", "3 problems", "m.yaml:1:1", "m.yaml:2:", "manifest check m.yaml")


def test_a_manifest_of_another_release_is_refused_before_the_weights_are_read(
    desk: Path, release: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for a terabyte to learn that the version was not raised."""
    (desk / "m.json").write_text('{"model_name": "minilm", "version": "0.9.0"}')
    monkeypatch.setattr("os.readv", lambda *_: pytest.fail("the weights were read"))

    release("--manifest", "m.json").refused(2, "manifest.contradiction", "m.json:1:", "0.9.0", "1.0.0")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--manifest", "nothing.json"), ("nothing.json", "--manifest", "does not exist")),
        (("--manifest", "model"), ("--manifest takes a file",)),
        (("--key", "nothing.key"), ("nothing.key", "--key", "does not exist")),
        (("--key", "."), ("--key takes a file",)),
        (("--layout", "zip"), ("layers", "tar.zst")),
        (("--layout", "tar", "--oci-layout", "layout"), ("archive", "--layout layers")),
        (("--identity-token", "x"), ("--key and --identity-token",)),
        (("--nam", "x"), ("--nam", "--name")),
    ],
)
def test_a_wrong_option_says_which_and_what_to_give(
    words: tuple[str, ...], says: tuple[str, ...], release: Cli
) -> None:
    """Exit status 2, before anything is read."""
    release(*words).refused(2, "usage.invalid", *says)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--name", "Mini LM"), "manifest.name"),
        (("--name", "../minilm"), "manifest.name"),
        (("--name", "a" * 5000), "manifest.name"),
        (("--name", ""), "manifest.name"),
        (("--version", "../../etc"), "manifest.version"),
        (("--version", "latest"), "manifest.version"),
        (("--version", "1.0\n"), "manifest.version"),
        (("--version", ""), "manifest.version"),
        (("--training-commit", "main"), "context.commit_unknown"),
        (("--container-digest", "latest"), "context.container_form"),
        (("--key", "release.pub"), "key.malformed"),
        (("--key", "elsewhere/config.json"), "key.malformed"),
        (("--key", "elsewhere/model.safetensors"), "key.malformed"),
    ],
)
def test_a_wrong_value_says_what_is_right(words: tuple[str, ...], code: str, release: Cli) -> None:
    """Names and versions become file names and tags, so what could leave the folder is refused."""
    shutil.copytree("model", "elsewhere")
    release(*words).refused(2, code)


def test_a_wrong_password_is_said_before_the_weights_are_read(
    desk: Path, cli: Cli, release: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is opened first; the remedy names COSIGN_PASSWORD."""
    monkeypatch.setenv("COSIGN_PASSWORD", "right")
    assert cli("keygen", "--output", "secret").status == 0
    monkeypatch.setenv("COSIGN_PASSWORD", "wrong")
    monkeypatch.setattr("os.readv", lambda *_: pytest.fail("the weights were read"))

    release("--key", "secret.key").refused(2, "key.password", "COSIGN_PASSWORD")


def test_no_password_and_nobody_to_ask_is_said(cli: Cli, release: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI nothing waits for a prompt that nobody sees."""
    assert cli("keygen", "--output", "secret").status == 0
    monkeypatch.delenv("COSIGN_PASSWORD")
    monkeypatch.setattr("sys.stdin", io.StringIO())

    release("--key", "secret.key").refused(2, "key.password_missing", "COSIGN_PASSWORD")


def test_keygen_does_not_replace_a_key(desk: Path, cli: Cli) -> None:
    """What the old key signed would be nobody's any more."""
    cli("keygen", "--output", "release").refused(2, "key.exists", "--force")


def test_outside_of_ci_without_a_key_there_is_nobody_to_sign_as(cli: Cli) -> None:
    """The three ways out are named."""
    outcome = cli("release", "model", "--name", "minilm", "--version", "1.0.0")

    outcome.refused(21, "context.token_missing", "--identity-token", "--key", "CI")


@pytest.mark.parametrize(
    ("changed", "code", "says"),
    [
        ({"exp": -60}, "context.token_expired", ("expired",)),
        ({"aud": "other"}, "context.token_audience", ("other", "sigstore")),
        (None, "context.token_malformed", ("three parts",)),
    ],
)
def test_a_token_that_cannot_sign_is_refused_before_it_is_sent(
    changed: dict[str, object] | None, code: str, says: tuple[str, ...], cli: Cli
) -> None:
    """An expired token, one for another audience, and no token at all."""
    now = int(time.time())
    claims = {"iss": "https://accounts.example", "sub": "a", "email": "a@example.org", "iat": now - 3600}
    claims |= {"aud": "sigstore", "nbf": now - 3600, "exp": now + 600}
    if changed and "exp" in changed:
        changed = {"exp": now - 60}
    parts = [{"alg": "ES256"}, claims | (changed or {}), {}]
    token = ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts)
    words = ("release", "model", "--name", "minilm", "--version", "1.0.0", "--identity-token")

    cli(*words, token if changed else "x").refused(21, code, *says)


def test_the_output_cannot_lie_in_the_model(release: Cli) -> None:
    """It would become a part of what it describes; a link or `..` does not hide it."""
    Path("link").symlink_to("model")
    for output in ("model", "model/dist", "link/dist", "dist/../model/x"):
        release("--output", output).refused(2, "release.output", "inside the model")
    release("--oci-layout", "model/layout").refused(2, "release.output", "inside the model")
    assert not Path("model/dist").exists()


def test_a_folder_with_something_else_in_it_is_not_overwritten(desk: Path, release: Cli) -> None:
    """Neither a folder of a person's files nor a file."""
    (desk / "mine").mkdir()
    (desk / "mine/thesis.txt").write_text("x")

    release("--output", "mine").refused(2, "release.output", "--output")
    release("--output", "mine/thesis.txt").refused(2, "release.output", "not a folder")
    release("--oci-layout", "mine").refused(2, "layout.foreign", "mine")


def test_a_version_is_released_once(desk: Path, release: Cli, verify: Cli) -> None:
    """The same bytes may be released again; other bytes under the same version are refused, and the first release stays."""
    assert release("--oci-layout", "layout").status == 0
    assert release("--oci-layout", "layout").status == 0
    (desk / "model/config.json").write_text('{"model_type": "bert", "changed": true}')

    release().refused(2, "release.exists", "dist/minilm-1.0.0", "new version")
    release("--output", "elsewhere", "--oci-layout", "layout").refused(2, "release.exists", "1.0.0")
    (desk / "model/config.json").write_text('{"architectures": ["BertModel"], "model_type": "bert"}')
    assert verify().status == 0


def test_the_program_alone_shows_its_help_and_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    """A job that lost its arguments does not pass."""
    assert run([]) == 2
    assert "release" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[name] for name in COMMANDS] + [["manifest", "check"], ["ci", "release"]])
def test_every_command_has_help_with_an_example(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` exits 0 and shows something that can be typed."""
    assert run([*command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Usage: model-provenance" in shown
    assert "Example" in shown or command == ["ci", "release"]


def test_the_program_says_what_does_not_exist(cli: Cli) -> None:
    """A command that is not one."""
    cli("relase", "model").refused(2, "usage.invalid", "relase", "--help")
