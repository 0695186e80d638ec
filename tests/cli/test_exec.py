"""`exec`: as somebody starts a server with it, and as somebody who can write to the model would like it to go."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from .command import Cli, Outcome, ended, program

NAMED = ("--name", "minilm", "--version", "1.0.0")
POLICY = (
    "apiVersion: model-provenance/v1\nkind: Policy\nmetadata: {name: ours}\nspec: {signers: [{key: release.pub}]}\n"
)
VERIFIED = ("exec", "--policy", "policy.yaml", "--evidence", "dist/minilm-1.0.0", *NAMED)
#: More than what is copied into memory, so that it stays the file on disk.
BIG = 17 * 1024 * 1024


@pytest.fixture
def at_work(desk: Path, shelf: Path) -> Path:
    """The desk with releases in `dist` and a policy that names the key."""
    shutil.copytree(shelf, desk / "dist")
    (desk / "policy.yaml").write_text(POLICY)
    return desk


@pytest.fixture
def big(at_work: Path, cli: Cli) -> Path:
    """The desk with a model whose weights are not copied into memory, released as `dist/big`."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [BIG], "data_offsets": [0, BIG]}}).encode()
    data = len(header).to_bytes(8, "little") + header + bytes(BIG)
    (at_work / "model/model.safetensors").write_bytes(data)
    words = ("release", "model", *NAMED, "--key", "release.key", "--sbom-engine", "native", "--output", "dist/big")
    assert cli(*words).status == 0
    return at_work


def run(at_work: Path, *words: str | Path, **more: Any) -> Outcome:
    """One `exec` in a process of its own; it becomes another program."""
    return ended(program(*words, cwd=at_work, **more))


def test_the_program_gets_the_verified_files_as_paths_and_as_a_folder(at_work: Path) -> None:
    """By name, whole, and through the environment; what was verified is said on standard error alone."""
    show = "cat {file:config.json}; cat {dir}/config.json; ls $MODEL_PROVENANCE_LOADED_DIR; env"
    outcome = run(at_work, *VERIFIED, "model", "--", "sh", "-c", show)
    assert outcome.status == 0, outcome
    config = (at_work / "model/config.json").read_text()
    assert outcome.out.startswith(config * 2)
    assert "README.md\nconfig.json\nmodel.safetensors\ntokenizer.json\n" in outcome.out
    assert "MODEL_PROVENANCE_LOADED_RESULT=PASS\n" in outcome.out
    assert "MODEL_PROVENANCE_LOADED_TOCTOU=sealed\n" in outcome.out
    assert "MODEL_PROVENANCE_LOADED_DIGEST=sha256:" in outcome.out
    assert "PASS model" in outcome.err
    assert "toctou   sealed" in outcome.err


def test_the_exit_status_is_the_programs_own(at_work: Path) -> None:
    """Its process is the one that was started: signals and supervisors need no middleman."""
    # Python ignores SIGPIPE and would hand that on; the shell shows what it was given.
    started = program(
        *VERIFIED, "model", "--", "sh", "-c", "echo $$; grep SigIgn /proc/$$/status; exit 23", cwd=at_work
    )
    outcome = ended(started)
    assert outcome.status == 23
    first, ignored = outcome.out.splitlines()
    assert int(first) == started.pid
    assert int(ignored.split()[1], 16) & sum(1 << (number - 1) for number in (signal.SIGPIPE, signal.SIGXFSZ)) == 0


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("--policy", "production", "--key", "release.pub", "--evidence", "dist/minilm-1.0.0"), 13, "policy.denied"),
        (("--policy", "policy.yaml", "--evidence", "dist/minilm-0.9.0"), 11, "files.changed"),
        (("--policy", "policy.yaml", "--key", "other.pub", "--evidence", "dist/minilm-1.0.0"), 10, "signature.invalid"),
        (("--policy", "policy.yaml", "--evidence", "nowhere"), 12, "evidence.missing"),
        (("--policy", "policy.yaml"), 2, "no evidence"),
        (("--policy", "model/policy.yaml", "--evidence", "dist/minilm-1.0.0"), 2, "policy.place"),
        (
            ("--policy", "policy.yaml", "--evidence", "dist/minilm-1.0.0", "--toctou", "fs-verity"),
            15,
            "load.unprotected",
        ),
    ],
)
def test_nothing_is_started_that_does_not_verify(at_work: Path, words: tuple[str, ...], status: int, says: str) -> None:
    """The status of `verify`, its report on standard error, and no trace of the program."""
    (at_work / "model/policy.yaml").write_text(POLICY) if "model/policy.yaml" in words else None
    outcome = run(at_work, "exec", *words, "model", "--", "touch", "started")
    assert outcome.status == status, outcome
    assert says in outcome.err
    assert outcome.out == ""
    assert not (at_work / "started").exists()


@pytest.mark.parametrize(
    "command",
    [
        ("cat", "model/config.json"),
        ("cat", "./model/../model/config.json"),
        ("serve", "--model=model"),
        ("cat", "elsewhere/config.json"),
    ],
)
def test_a_program_that_would_open_the_model_by_its_name_is_not_started(
    at_work: Path, command: tuple[str, ...]
) -> None:
    """The mistake that makes the verification worthless: the path is opened a second time."""
    (at_work / "elsewhere").symlink_to("model")
    name = command[0] if command[0] == "cat" else "true"
    run(at_work, *VERIFIED, "model", "--", name, *command[1:]).refused(2, "load.name", "by its name", "{dir}")


def test_a_wrong_command_is_said_before_anything_is_read(at_work: Path) -> None:
    """No `--`, no program, a file that was not verified, a registry."""
    (at_work / "model/config.json").write_text("{}")
    run(at_work, *VERIFIED, "model", "true").refused(2, "usage.invalid", "behind `--`")
    run(at_work, *VERIFIED, "model", "--").refused(2, "usage.invalid")
    run(at_work, *VERIFIED, "model", "--", "no-such-program").refused(22, "load.command", "no-such-program")
    run(at_work, *VERIFIED, "oci://localhost:1/minilm:1.0.0", "--", "true").refused(2, "load.target")
    without_policy = [word for word in VERIFIED if word not in ("--policy", "policy.yaml")]
    run(at_work, *without_policy, "model", "--", "true").refused(2, "usage.invalid", "--policy")


def test_a_file_that_was_not_verified_is_not_handed_to_the_program(at_work: Path) -> None:
    """Nothing is started with a hole in its command."""
    outcome = run(at_work, *VERIFIED, "model", "--", "touch", "started", "{file:other}")
    assert (outcome.status, "error load.file " in outcome.err) == (2, True), outcome
    assert not (at_work / "started").exists()


def test_a_program_that_lies_in_the_model_is_not_started(at_work: Path, cli: Cli) -> None:
    """It would be opened by its name, verified or not."""
    (at_work / "model/serve").write_text("#!/bin/sh\n")
    (at_work / "model/serve").chmod(0o755)
    run(at_work, *VERIFIED, "model", "--", "model/serve").refused(2, "load.name", "by its name")


def test_more_files_than_may_be_open_are_said_as_such(at_work: Path, cli: Cli) -> None:
    """With the command that raises the limit; nothing is loaded in part."""
    for number in range(60):
        (at_work / f"model/{number}.txt").write_text(str(number))
    words = ("release", "model", *NAMED, "--key", "release.key", "--sbom-engine", "native", "--output", "dist/many")
    assert cli(*words).status == 0
    few = ("sh", "-c", 'ulimit -n 40; exec "$0" "$@"')
    words = (*VERIFIED, "--evidence", "dist/many", "model", "--", "touch", "started")
    ended(program(*words, cwd=at_work, before=few)).refused(20, "machine.descriptors", "ulimit -n")
    assert not (at_work / "started").exists()


def test_a_revoked_model_is_not_started(at_work: Path, cli: Cli) -> None:
    """Status 14, as soon as the list says so."""
    revocation = "revocation: {revokers: [{key: other.pub}], list: acme, source: status, maxStaleness: 1h}"
    (at_work / "policy.yaml").write_text(POLICY.replace("spec: {", "spec: {" + revocation + ", "))
    command = ("model", "--", "echo", "started")
    assert cli("status", "publish", "--status-list", "status", "--list", "acme", "--key", "other.key").status == 0
    assert run(at_work, *VERIFIED, *command).out == "started\n"
    assert run(at_work, *VERIFIED, "--status-grace", "none", *command).out == "started\n"
    words = ("revoke", "model", "--evidence", "dist/minilm-1.0.0", "--reason", "backdoor", "--key", "other.key")
    assert cli(*words, "--status-list", "status").status == 0
    outcome = run(at_work, *VERIFIED, *command)
    assert (outcome.status, outcome.out) == (14, ""), outcome
    run(at_work, *VERIFIED, "--status-grace", "soon", *command).refused(2, "usage.invalid", "12h")


# --- while the server runs


def test_a_server_reads_what_was_verified_whatever_lies_there_later(big: Path) -> None:
    """The file is exchanged after the start: the server opens its path again, and gets the verified bytes."""
    wait = "import hashlib, sys; input(); print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())"
    words = (*VERIFIED, "--evidence", "dist/big", "--toctou", "leased", "model", "--")
    server = program(*words, sys.executable, "-c", wait, "{dir}/model.safetensors", cwd=big, stdin=subprocess.PIPE)
    good = _sha256(big / "model/model.safetensors")
    _wait_for(server)
    (big / "evil").write_bytes(bytes(BIG))
    (big / "evil").rename(big / "model/model.safetensors")
    out, err = server.communicate("go\n", timeout=60)
    assert (server.returncode, out.strip()) == (0, good), err


def test_who_writes_into_the_file_of_a_running_server_has_to_wait_and_does_not_end_it(big: Path) -> None:
    """The lease goes with the open file; its signal is one that programs ignore."""
    wait = "import sys; input(); print('alive')"
    words = (*VERIFIED, "--evidence", "dist/big", "--toctou", "leased", "model", "--")
    server = program(*words, sys.executable, "-c", wait, "{dir}", cwd=big, stdin=subprocess.PIPE)
    _wait_for(server)
    with pytest.raises(BlockingIOError):
        os.open(big / "model/model.safetensors", os.O_WRONLY | os.O_NONBLOCK)
    out, err = server.communicate("go\n", timeout=60)
    assert (server.returncode, out) == (0, "alive\n"), err


def test_the_folder_of_a_server_that_has_ended_is_removed_by_the_next(at_work: Path) -> None:
    """`exec` cannot tidy up after the program that it became; what it leaves leads nowhere."""
    env = {"TMPDIR": str(at_work / "tmp")}
    (at_work / "tmp").mkdir()
    for _ in range(3):
        assert run(at_work, *VERIFIED, "model", "--", "true", "{dir}", env=env).status == 0
    [left] = list((at_work / "tmp").iterdir())
    assert left.name.startswith("model-provenance-view-")
    link = left / "model/config.json"
    assert (link.is_symlink(), link.exists()) == (True, False)


# --- receipts and the way past


def test_a_bypass_is_said_recorded_and_handed_on(at_work: Path) -> None:
    """On standard error, in the receipt, in the server's environment: BYPASSED everywhere, PASS nowhere."""
    (at_work / "model/config.json").write_text("{}")
    env = {"MODEL_PROVENANCE_BYPASS": "outage"}
    command = ("model", "--", "sh", "-c", "echo $MODEL_PROVENANCE_LOADED_RESULT; cat {file:config.json}")
    run(at_work, *VERIFIED, *command, env=env).refused(2, "load.bypass", "no place")
    outcome = run(at_work, *VERIFIED, "--receipt", "receipts.jsonl", *command, env=env)
    assert (outcome.status, outcome.out) == (0, "BYPASSED\n{}")
    assert "BYPASSED model: it is started although it was not verified" in outcome.err
    assert "failed files.changed" in outcome.err
    assert "PASS model" not in outcome.err
    attributes = json.loads((at_work / "receipts.jsonl").read_text())["Attributes"]
    assert (attributes["model_provenance.result"], attributes["error.type"]) == ("BYPASSED", "files.changed")


def test_verify_with_a_cache_reads_an_unchanged_model_once(at_work: Path, cli: Cli) -> None:
    """The report says so; a changed file is refused all the same."""
    for path in (at_work / "model").iterdir():
        os.utime(path, (1, 1))
    time.sleep(2.1)
    words = ("verify", "model", "--evidence", "dist/minilm-1.0.0", "--key", "release.pub", *NAMED, "--cache", "cache")
    assert "read before" not in cli(*words, "-v").out
    assert "read before" in cli(*words, "-v").out
    (at_work / "model/config.json").write_text("{}")
    outcome = ended(program(*words, cwd=at_work))
    outcome.failed(11, "files.changed")


def _sha256(path: Path) -> str:
    return subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0]


def _wait_for(server: subprocess.Popen[str]) -> None:
    """Until the program has become its server: at first its process is still that of the test."""
    command = Path(f"/proc/{server.pid}/cmdline")
    for _ in range(600):
        words = command.read_bytes()
        if b"input()" in words and b"model_provenance" not in words:
            return
        time.sleep(0.05)
    pytest.fail("the server was not started")
