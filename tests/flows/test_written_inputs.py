"""Inputs of a job from a file: nothing else counts, and nothing in it is guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.inputs import Inputs
from model_provenance.flows.written import WrittenInputs

NAMES = frozenset({"name", "signer", "version", "allow-event"})


def over(tmp_path: Path, text: str | bytes, **env: str) -> dict[str, str]:
    """The environment that the job works with."""
    path = tmp_path / "inputs"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return WrittenInputs(path, NAMES).over(env)


def test_a_variable_of_the_same_name_is_no_input(tmp_path: Path) -> None:
    """Neither for an input that is written, nor for one that is left empty or not written at all."""
    others = {
        "MODEL_PROVENANCE_SIGNER": "gitlab:evil/x",
        "MODEL_PROVENANCE_VERSION": "9",
        "MODEL_PROVENANCE_DRY_RUN": "true",
    }

    env = over(tmp_path, "signer=gitlab:acme/minilm\nversion=\n", PATH="/bin", **others)

    assert env == {
        "PATH": "/bin",
        "MODEL_PROVENANCE_SIGNER": "gitlab:acme/minilm",
        "MODEL_PROVENANCE_VERSION": "",
    }


def test_a_value_may_name_variables_of_the_job(tmp_path: Path) -> None:
    """As GitLab writes them; what a variable holds is not looked through for further ones."""
    env = over(
        tmp_path,
        "name=$ORG/${MODEL}\nversion=$$1 $ 5$\nsigner=$MODEL_PROVENANCE_SIGNER\nallow-event=$EVENTS\n",
        ORG="acme",
        MODEL="$ORG",
        MODEL_PROVENANCE_SIGNER="gitlab:acme/minilm",
        EVENTS="web\nschedule",
    )

    assert env["MODEL_PROVENANCE_NAME"] == "acme/$ORG"
    assert env["MODEL_PROVENANCE_VERSION"] == "$1 $ 5$"
    assert env["MODEL_PROVENANCE_SIGNER"] == "gitlab:acme/minilm"
    assert Inputs(env).lines("allow-event") == ("web", "schedule")


@pytest.mark.parametrize("env", [{}, {"CI_COMMIT_TAG": ""}], ids=["unset", "empty"])
def test_an_expectation_never_becomes_empty(env: dict[str, str], tmp_path: Path) -> None:
    """A pin on a variable that is not there would pin nothing."""
    with pytest.raises(ModelProvenanceError, match=r"`version` names the variable CI_COMMIT_TAG") as caught:
        over(tmp_path, "version=$CI_COMMIT_TAG\n", **env)
    assert caught.value.code == "ci.input"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name=a\nrequire-level=3\n", "no input `require-level`"),
        ("name=a\nname=b\n", "`name` stands twice"),
        ("name=a\n\n", "no `name=value`"),
        ("name\n", "no `name=value`"),
        ("", "in the middle of a line"),
        ("name=a\nsigner=gitlab:ac", "in the middle of a line"),
        (b"name=\xff\n", "not UTF-8"),
        (b"\xef\xbb\xbfname=a\n", "no input"),
    ],
)
def test_a_file_that_is_not_what_the_template_writes_is_refused(text: str | bytes, why: str, tmp_path: Path) -> None:
    """An input that an older program does not know may be the one that the gate hangs on, so it is not left out."""
    with pytest.raises(ModelProvenanceError, match=why) as caught:
        over(tmp_path, text)
    assert caught.value.exit_status == 2


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """The job does not fall back to variables."""
    with pytest.raises(ModelProvenanceError, match="does not exist"):
        WrittenInputs(tmp_path / "inputs", NAMES).over({"MODEL_PROVENANCE_SIGNER": "gitlab:evil/x"})
    with pytest.raises(ModelProvenanceError, match="larger than"):
        over(tmp_path, "name=" + "a" * 300_000 + "\n")
