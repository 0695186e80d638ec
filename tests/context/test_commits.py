"""The commit that released and the commit that trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from model_provenance.context.commits import release_commit, training_commit
from model_provenance.context.repository import Repository
from model_provenance.domain.context import Fact, Known
from model_provenance.errors import ModelProvenanceError

ADDRESS = "https://github.com/acme/minilm"
OTHER = "https://gitlab.example/data/train"
NOTHING: Fact[str] = Fact(None, Known.UNKNOWN)


def _training(repository: Repository | None = None, **told: Any) -> Any:
    arguments = {"option": None, "manifest": None, "trained_here": False, "released": NOTHING, "address": ADDRESS}
    return training_commit(**{**arguments, **told}, repository=repository)


def _refused(repository: Repository | None = None, **told: Any) -> str:
    with pytest.raises(ModelProvenanceError) as caught:
        _training(repository, **told)
    assert (caught.value.code, caught.value.exit_status) == ("context.commit_unknown", 2)
    return caught.value.message


@pytest.fixture
def repository(checkout: Any) -> Repository:
    """The repository whose address is ADDRESS."""
    return Repository(checkout.root, {})


@pytest.fixture
def head(checkout: Any) -> str:
    """Its only commit."""
    return str(checkout.git("rev-parse", "HEAD"))


def test_nothing_told_is_unknown_with_the_line_to_add() -> None:
    """The finding shows what to write and where."""
    found = _training()
    assert found.fact == NOTHING
    (finding,) = found.findings
    assert finding.id == "context.training_commit_unknown"
    for text in ("training_commit: COMMIT", "--training-commit COMMIT", "--trained-here"):
        assert text in finding.remedy


@pytest.mark.parametrize("length", [4, 7, 12, 40])
def test_a_short_id_is_completed(repository: Repository, head: str, length: int) -> None:
    """What is recorded is the full id, declared by a person."""
    for name in ("option", "manifest"):
        found = _training(repository, **{name: head[:length]})
        assert found.fact.value == f"git+{ADDRESS}@{head}"
        assert found.fact.known is Known.DECLARED
        assert found.findings == ()


def test_a_commit_of_another_repository_is_recorded_as_it_is(repository: Repository, head: str) -> None:
    """It must be full, since nothing here can complete it."""
    found = _training(repository, option=f"git+{OTHER}.git@{head}")
    assert found.fact.value == f"git+{OTHER}@{head}"
    assert found.findings == ()
    assert "short" in _refused(repository, option=f"git+{OTHER}@{head[:8]}")
    assert _training(repository, option=f"git+{ADDRESS}@{head[:8]}").fact.value == f"git+{ADDRESS}@{head}"


@pytest.mark.parametrize(
    "text",
    [
        "HEAD",
        "main",
        "v1.0.0",
        "abc",
        "-x",
        "0" * 65,
        "ABCDEF1",
        "abc\ndef",
        "git+https://h/@abcdef",
        "git+http://h/p@" + "0" * 40,
    ],
)
def test_what_is_no_commit_id_is_refused(repository: Repository, text: str) -> None:
    """Names move; only ids are recorded."""
    assert "\n" not in _refused(repository, option=text)


def test_credentials_in_a_declared_address_are_not_recorded(repository: Repository, head: str) -> None:
    """The form has no room for them."""
    assert "hunter2" not in _refused(repository, option=f"git+https://u:hunter2@h.example/p@{head}")


def test_an_id_that_begins_no_commit_is_refused(repository: Repository, head: str) -> None:
    """A short id of a whole clone is a mistake; so is one without a repository to ask."""
    missing = "0000000" if not head.startswith("0000000") else "1111111"
    assert "beginning of no commit" in _refused(repository, option=missing)
    assert "not here" in _refused(None, option=missing)
    assert "in which repository" in _refused(None, option="0" * 40, address=None)


def test_a_full_id_that_is_not_here_is_recorded_with_a_finding(repository: Repository) -> None:
    """The branch that it was on may be gone."""
    found = _training(repository, option="0" * 40)
    assert found.fact.value == f"git+{ADDRESS}@{'0' * 40}"
    assert [finding.id for finding in found.findings] == ["context.commit_unchecked"]


def test_a_shallow_clone_names_the_depth_to_fetch(checkout: Any, head: str, tmp_path: Path) -> None:
    """The commit may well exist: a skipped check, never a refusal."""
    checkout.write("train.py", "second\n")
    checkout.commit()
    checkout.git("clone", "-q", "--depth", "1", f"file://{checkout.root}", str(tmp_path / "clone"))
    clone = Repository((tmp_path / "clone").resolve(), {})
    short = _training(clone, manifest=head[:9])
    assert short.fact == NOTHING
    full = _training(clone, manifest=head)
    assert full.fact.value == f"git+{ADDRESS}@{head}"
    for found in (short, full):
        (finding,) = found.findings
        assert finding.id == "context.commit_unchecked"
        assert "fetch-depth: 0" in finding.remedy
        assert "GIT_DEPTH: 0" in finding.remedy


def test_trained_here_is_the_release_commit_as_a_person_declares_it(repository: Repository, head: str) -> None:
    """That the commit released is observed; that it trained is somebody's word."""
    released = Fact(f"git+{ADDRESS}@{head}", Known.OBSERVED)
    found = _training(repository, trained_here=True, released=released)
    assert (found.fact.value, found.fact.known) == (released.value, Known.DECLARED)
    assert "not known" in _refused(repository, trained_here=True)


def test_declarations_that_contradict_each_other_are_refused(checkout: Any, repository: Repository, head: str) -> None:
    """A stale line in the manifest is not overruled in silence; the same commit twice is no contradiction."""
    checkout.write("train.py", "second\n")
    second = checkout.commit()
    message = _refused(repository, option=head, manifest=second[:8])
    assert "--training-commit and the source manifest" in message
    assert _training(repository, option=head, manifest=head[:8]).fact.value.endswith(head)
    released = Fact(f"git+{ADDRESS}@{second}", Known.OBSERVED)
    _refused(repository, manifest=head, trained_here=True, released=released)


def test_a_repository_without_an_address_has_no_release_commit(checkout: Any) -> None:
    """An id alone says nothing to whoever reads it elsewhere."""
    reading = Repository(checkout.root, {}).read(checkout.root)
    assert reading is not None
    found = release_commit(reading.state, None, signed=False)
    assert found.fact == NOTHING
    assert "remote" in found.findings[0].message
    assert release_commit(None, None, signed=False).findings
