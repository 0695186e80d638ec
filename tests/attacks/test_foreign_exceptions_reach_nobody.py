"""Hostile inputs end with a code of ours, never with an exception of a library, and its text is shown escaped."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_provenance.cli.main import run
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.inputs import Inputs

LONG = "a" * 300


@pytest.mark.parametrize("words", [(LONG,), (".", "--evidence", LONG), (LONG, "--bundle", "b")])
def test_a_path_that_no_file_system_takes_is_an_error_with_a_code(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names longer than 255 bytes make `stat` raise."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b").write_text("{}")
    assert run(["verify", *words, "--key", "k"]) not in (0, 1)
    assert "internal.error" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["layout", "sbom-engine"])
def test_an_input_of_a_job_that_is_no_choice_is_an_error_with_a_code(name: str) -> None:
    """A typing mistake in a workflow is no defect of ours."""
    inputs = Inputs({f"MODEL_PROVENANCE_{name.upper().replace('-', '_')}": "zip\x1b"})
    with pytest.raises(ModelProvenanceError, match="none of a, b") as error:
        inputs.choice(name, ["a", "b"], "a")
    assert error.value.code == "ci.input"
    assert "\x1b" not in str(error.value)


def test_the_text_of_a_foreign_exception_is_escaped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an exception quotes may be the model's."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("\x1b[2J\n::set-output name=result::PASS")

    monkeypatch.setattr("model_provenance.cli.main.group.main", broken)
    assert run(["verify"]) == 1
    written = capsys.readouterr().err
    assert "\x1b" not in written
    assert "\n::" not in written
