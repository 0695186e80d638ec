"""Each exit status is reached by what it is for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from model_provenance.cli.main import run
from model_provenance.errors import Exit

from .command import Cli, program

PAGE = Path(__file__).parents[2] / "docs/errors.md"
NAMED = ("--name", "minilm", "--version", "1.0.0")
VERIFY = ("verify", "model", "--evidence", "dist/minilm-1.0.0", *NAMED)
SBOM = "dist/minilm-1.0.0/evidence/spdx.sigstore.json"
HEAD = "apiVersion: model-provenance/v1, kind: Policy, metadata: {name: p}"
POLICY = f"{{{HEAD}, spec: {{revocation: {{revokers: [{{key: other.pub}}]}}}}}}"
REVOKE = (
    f"echo '{POLICY}' > p.yaml; COSIGN_PASSWORD= {sys.executable} -I -m model_provenance revoke model --reason other"
)
REVOKE += " --key other.key --status-list status > log"
#: Reached where Sigstore is down: tests/flows/test_spool.py.
ELSEWHERE = {Exit.UNSIGNED}
#: How each status is reached; what is done before, and the words of the command.
REACHED: dict[Exit, tuple[str, tuple[str, ...]]] = {
    Exit.OK: ("", (*VERIFY, "--key", "release.pub")),
    Exit.USAGE: ("", VERIFY),
    Exit.NOTHING_TO_DO: ("rm -r model/*", ("release", "model", *NAMED, "--dry-run")),
    Exit.SIGNATURE: ("", (*VERIFY, "--key", "other.pub")),
    Exit.CONTENT: ("echo >> model/config.json", (*VERIFY, "--key", "release.pub")),
    Exit.EVIDENCE_MISSING: ("rm dist/*/evidence/oms*", (*VERIFY, "--key", "release.pub")),
    Exit.POLICY: ("", (*VERIFY, "--key", "release.pub", "--policy", "baseline")),
    Exit.REVOKED: (REVOKE, (*VERIFY, "--key", "release.pub", "--policy", "p.yaml", "--status-list", "status")),
    Exit.UNDECIDED: ("", ("verify", "model", "--bundle", SBOM, *NAMED, "--key", "release.pub")),
    Exit.SERVICE: ("", ("release", "model", *NAMED, "--dry-run", "--output", "/dev/null/minilm")),
    Exit.CI_IDENTITY: ("", ("release", "model", *NAMED)),
    Exit.TOOL_MISSING: ("", ("release", "model", *NAMED, "--dry-run", "--sbom-engine", "syft", "--syft", "nothing")),
}  # fmt: skip


@pytest.mark.parametrize("status", REACHED, ids=lambda status: f"{status.value}-{status.name.lower()}")
def test_the_status_is_reached(status: Exit, desk: Path, shelf: Path, cli: Cli) -> None:
    """By the command line, for the reason that the page gives."""
    before, words = REACHED[status]
    shutil.copytree(shelf, desk / "dist")
    subprocess.run(["sh", "-c", before], check=True)

    assert cli(*words).status == status


def test_a_defect_of_ours_is_one_and_asks_for_a_report(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback, but the variable that prints one."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("model_provenance.flows.release.walk", broken)
    words = ["release", "model", *NAMED, "--dry-run", "--sbom-engine", "native"]

    assert run(words) == Exit.INTERNAL
    told = capsys.readouterr().err
    assert "error internal.error ZeroDivisionError: a defect" in told
    assert "MODEL_PROVENANCE_DEBUG=1" in told
    assert "Traceback" not in told
    monkeypatch.setenv("MODEL_PROVENANCE_DEBUG", "1")
    assert run(words) == Exit.INTERNAL
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_success(desk: Path) -> None:
    """What could not be said was not heard."""
    with program("inspect", "model", cwd=desk) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert (process.wait(60), process.stderr.read()) == (Exit.SERVICE, "")


def test_every_status_is_documented_and_proven() -> None:
    """The page has one row for each, and each is reached by a test."""
    rows = {int(row.split("|")[1]): row for row in PAGE.read_text().splitlines() if row[2:3].isdigit()}

    assert rows.keys() == set(Exit)
    assert REACHED.keys() | ELSEWHERE | {Exit.INTERNAL} == set(Exit)
