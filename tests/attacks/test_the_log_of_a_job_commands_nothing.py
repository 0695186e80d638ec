"""Text of a model in the log of a CI job is text: the runner finds no command in it (actions/runner, ActionCommand)."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.ci_surface import report_error
from model_provenance.report.github import inert

# The old form is found anywhere in a line, the new one after white space.
HOSTILE = ("##[set-output name=reference]evil", "::set-output name=reference::evil", "  ::stop-commands::x")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("before", ["", "failed files.extra ", "line\n", "line\r", "      "])
def test_text_of_a_report_is_no_command(text: str, before: str) -> None:
    """Neither form survives, and ordinary text stays as it is."""
    for line in inert(before + text).replace("\r", "\n").split("\n"):
        assert "##[" not in line
        assert not line.strip().startswith("::")
    assert inert("a :: b # c [d]\n  log https://x::y\n") == "a :: b # c [d]\n  log https://x::y\n"


def test_an_error_about_hostile_text_commands_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only commands of a job that failed are its own annotations."""
    monkeypatch.chdir(tmp_path)
    report_error(
        {"GITHUB_ACTIONS": "true"}, ModelProvenanceError("pack.name", f"bad\n{HOSTILE[1]}", location=HOSTILE[0])
    )
    written = capsys.readouterr()
    assert "##[" not in written.err
    assert not any(line.strip().startswith("::") for line in written.err.splitlines())
    assert [line[:8] for line in written.out.splitlines()] == ["::error "]
