"""Load receipts: a line for each outcome, in OpenTelemetry's shape; a bypass leaves one or does not happen."""

from __future__ import annotations

import json
import logging
import stat
from pathlib import Path
from typing import Any

import pytest

from model_provenance import load
from model_provenance.errors import ModelProvenanceError

from .models import BIG, Released


def lines(path: Path) -> list[dict[str, Any]]:
    """The receipts of a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def receipt(tmp_path: Path) -> Path:
    """Where receipts go."""
    return tmp_path / "receipts.jsonl"


def test_a_load_leaves_a_line_with_what_was_loaded_on_whose_word(released: Released, receipt: Path) -> None:
    """Digest, signer, policy and protection, in a log record of OpenTelemetry's data model."""
    with load.verified(released.model, policy="integrity", receipt=receipt, **released.expected) as model:
        digest = str(model.digest)
    [line] = lines(receipt)
    assert (line["EventName"], line["SeverityText"], line["SeverityNumber"]) == ("model_provenance.load", "INFO", 9)
    assert line["Timestamp"].endswith("Z")
    attributes = line["Attributes"]
    assert attributes["model_provenance.result"] == "PASS"
    assert attributes["model_provenance.model.digest"] == digest
    assert attributes["model_provenance.model.name"] == "tiny"
    assert attributes["model_provenance.policy.name"] == "integrity"
    assert attributes["model_provenance.policy.digest"].startswith("sha256:")
    assert attributes["model_provenance.policy.decision"] == "PASS"
    assert attributes["model_provenance.signer.subject"].startswith("key:")
    assert attributes["model_provenance.toctou"] == "leased"
    assert attributes["model_provenance.cached"] is False
    assert attributes["process.pid"] > 0


@pytest.mark.parametrize(
    ("change", "result", "code"),
    [
        ({"policy": "production"}, "FAIL", "policy.denied"),
        ({"name": "other"}, "FAIL", "expect.name"),
        ({"evidence": "/nothing/here"}, "ERROR", "evidence.missing"),
        ({"key": None}, "ERROR", "usage.invalid"),
        ({"toctou": "fs-verity"}, "ERROR", "load.unprotected"),
    ],
)
def test_a_refusal_leaves_a_line_too(
    released: Released, receipt: Path, change: dict[str, Any], result: str, code: str
) -> None:
    """With the code of what was wrong; nothing of it looks like a pass."""
    arguments = {**released.expected, "receipt": receipt, **change}
    with pytest.raises(ModelProvenanceError), load.verified(released.model, **arguments):
        pytest.fail("nothing is handed out")
    [line] = lines(receipt)
    assert (line["Attributes"]["model_provenance.result"], line["Attributes"]["error.type"]) == (result, code)
    assert line["SeverityText"] == "ERROR"
    assert "PASS" not in json.dumps(line)


def test_what_cannot_be_recorded_is_not_loaded(released: Released, tmp_path: Path) -> None:
    """A receipt that was asked for and cannot be written stops the load."""
    (tmp_path / "folder").mkdir()
    with (
        pytest.raises(ModelProvenanceError) as error,
        load.verified(released.model, receipt=tmp_path / "folder", **released.expected),
    ):
        pytest.fail("nothing is handed out")
    assert error.value.code == "machine.io"


def test_receipts_are_appended_and_hostile_names_are_escaped(released: Released, receipt: Path) -> None:
    """One line each, whatever the target is called."""
    strange = released.model.rename(released.folder / "mo\ndel\x1b[31m")
    for _ in range(2):
        with load.verified(strange, receipt=receipt, **released.expected):
            pass
    assert len(lines(receipt)) == 2
    assert receipt.read_bytes().isascii()
    assert "\x1b" not in receipt.read_text()
    assert stat.S_IMODE(receipt.stat().st_mode) & 0o022 == 0


# --- the way past the verification


def test_a_bypass_is_logged_and_recorded_and_never_a_pass(
    released: Released, receipt: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """BYPASSED, with the reason, the code of what did not hold, and no digest of anything that was verified."""
    monkeypatch.setenv("MODEL_PROVENANCE_BYPASS", "outage of 28 November")
    arguments = {**released.expected, "name": "other", "receipt": receipt}
    with caplog.at_level(logging.CRITICAL), load.verified(released.model, **arguments) as model:
        assert (model.result, model.digest) == ("BYPASSED", None)
        assert {file.digest for file in model.files.values()} == {None}
        assert model.safetensors(BIG)["w"][0] == 0
    assert "BYPASSED" in caplog.text
    assert "outage of 28 November" in caplog.text
    [line] = lines(receipt)
    attributes = line["Attributes"]
    assert attributes["model_provenance.result"] == "BYPASSED"
    assert attributes["model_provenance.bypass.reason"] == "outage of 28 November"
    assert (attributes["error.type"], line["SeverityText"]) == ("expect.name", "WARN")
    assert "model_provenance.model.digest" not in attributes


def test_a_bypass_without_a_place_to_record_it_is_refused(released: Released, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is never silent."""
    monkeypatch.setenv("MODEL_PROVENANCE_BYPASS", "please")
    with pytest.raises(ModelProvenanceError) as error, load.verified(released.model, **released.expected):
        pytest.fail("nothing is handed out")
    assert error.value.code == "load.bypass"


def test_what_verifies_is_no_bypass(released: Released, receipt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is only the way past a failure."""
    monkeypatch.setenv("MODEL_PROVENANCE_BYPASS", "still set from yesterday")
    with load.verified(released.model, receipt=receipt, **released.expected) as model:
        assert model.result == "PASS"
    assert "bypass" not in receipt.read_text()


def test_a_wrong_command_line_is_not_bypassed(
    released: Released, receipt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was never a verification cannot be passed by: nobody was named who must have signed."""
    monkeypatch.setenv("MODEL_PROVENANCE_BYPASS", "please")
    arguments = {**released.expected, "key": None, "receipt": receipt}
    with pytest.raises(ModelProvenanceError) as error, load.verified(released.model, **arguments):
        pytest.fail("nothing is handed out")
    assert error.value.code == "usage.invalid"
