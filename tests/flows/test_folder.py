"""The release folder, where another run has finished in the meantime."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.folder import building, refuse_other_spool, removed_on_failure, swept
from model_provenance.formats.receipt import SCHEMA
from model_provenance.formats.spool import SCHEMA as SPOOL

DIGESTS = [f"sha256:{digit * 64}" for digit in "ab"]


def receipt(folder: Path, digest: str) -> None:
    """What tells a release from another."""
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "receipt.json").write_text(json.dumps({"schema": SCHEMA, "package_digest": digest}))


def test_a_layout_in_which_another_run_has_finished_stays(tmp_path: Path) -> None:
    """The run that fails did not find it there, and yet it is not its own."""
    layout = tmp_path / "layout"
    with pytest.raises(LookupError), removed_on_failure(layout):  # noqa: PT012 - the block is what is tested
        (layout / "index.json").write_text("{}")
        raise LookupError
    assert (layout / "index.json").exists()
    with pytest.raises(LookupError), removed_on_failure(tmp_path / "other"):  # noqa: PT012 - the block is what is tested
        (tmp_path / "other" / "blobs" / "sha256").mkdir(parents=True)
        raise LookupError
    assert not (tmp_path / "other").exists()


def test_what_took_the_place_of_a_layout_that_failed_stays(tmp_path: Path) -> None:
    """Somebody who may write there moved it away, and another's folder to its name."""
    layout, private = tmp_path / "layout", tmp_path / "private"
    (private / "thesis").mkdir(parents=True)
    with pytest.raises(LookupError), removed_on_failure(layout):  # noqa: PT012 - the block is what is tested
        (layout / "blobs").mkdir(parents=True)
        layout.rename(tmp_path / "elsewhere")
        private.rename(layout)
        raise LookupError
    assert (layout / "thesis").is_dir()
    assert not list((tmp_path / "elsewhere").iterdir())


def test_what_appears_while_a_release_is_made_is_not_replaced(tmp_path: Path) -> None:
    """Neither another package of the same version nor somebody's folder; the same package is."""
    final = tmp_path / "m-1.0.0"
    with pytest.raises(ModelProvenanceError) as error, building(final) as folder:  # noqa: PT012 - the block is what is tested
        receipt(folder, DIGESTS[0])
        receipt(final, DIGESTS[1])
    assert error.value.code == "release.exists"
    assert DIGESTS[1] in (final / "receipt.json").read_text()

    with pytest.raises(ModelProvenanceError) as error, building(final) as folder:  # noqa: PT012 - the block is what is tested
        receipt(folder, DIGESTS[0])
        (final / "receipt.json").rename(final / "precious")
    assert error.value.code == "release.output"
    assert (final / "precious").exists()

    (final / "precious").unlink()
    for _ in range(2):
        with building(final) as folder:
            receipt(folder, DIGESTS[0])
    assert DIGESTS[0] in (final / "receipt.json").read_text()
    assert [path.name for path in tmp_path.iterdir()] == [final.name]


def test_an_interruption_between_the_renames_leaves_the_earlier_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has stepped aside, and the new one is not there yet: it gets its name again, and nothing else is left."""
    final, rename = tmp_path / "m-1.0.0", Path.rename
    receipt(final, DIGESTS[0])
    (final / "manifest.json").write_text("earlier")

    def interrupted(path: Path, target: Path) -> Path:
        moved = rename(path, target)
        if path == final:
            raise KeyboardInterrupt
        return moved

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", interrupted)
        with pytest.raises(KeyboardInterrupt), building(final) as folder:
            receipt(folder, DIGESTS[0])
    assert (final / "manifest.json").read_text() == "earlier"
    assert [path.name for path in tmp_path.iterdir()] == [final.name]


def test_what_a_sweep_put_back_is_looked_at_before_anything_is_made(tmp_path: Path) -> None:
    """A killed run left something of ours under the name of the release that is made next, and it is none."""
    final = tmp_path / "m-1.0.0"
    left = tmp_path / ".model-provenance-tmp.0123456789abcdef"
    (left / "earlier" / final.name).mkdir(parents=True)
    left.chmod(0o700)
    (left / "made-by-model-provenance").touch()
    (left / "earlier" / final.name / "spool.json").write_text(json.dumps({"schema": SPOOL}))
    (said,) = swept(tmp_path)
    assert (said.id, f"`{final.name}`, which it was about to replace, is there again" in said.message) == (
        "release.left_behind",
        True,
    )
    with pytest.raises(ModelProvenanceError) as error, building(final):
        pytest.fail("the block was entered")
    assert error.value.code == "release.output"
    assert [path.name for path in final.iterdir()] == ["spool.json"]


def test_a_spool_replaces_an_earlier_one(tmp_path: Path) -> None:
    """And an empty folder."""
    place = tmp_path / "m-1.0.0.unsigned"
    place.mkdir()
    for name in "ab":
        with building(place, refuse_other_spool) as folder:
            (folder / "spool.json").write_text(json.dumps({"schema": SPOOL}))
            (folder / name).touch()
    assert [path.name for path in tmp_path.iterdir()] == [place.name]
    assert {path.name for path in place.iterdir()} == {"b", "spool.json"}


@pytest.mark.parametrize("kind", ["folder", "file", "link", "dangling link", "other schema"])
def test_a_spool_replaces_nothing_but_a_spool(kind: str, tmp_path: Path) -> None:
    """Whatever else has its name stays as it is, and nothing is made."""
    place, other = tmp_path / "m-1.0.0.unsigned", tmp_path / "other"
    other.mkdir()
    if kind == "folder":
        place.mkdir()
        (place / "precious").touch()
    elif kind == "file":
        place.touch()
    elif kind == "other schema":
        receipt(place, DIGESTS[0])
        (place / "spool.json").write_text(json.dumps({"schema": f"{SPOOL}0"}))
    else:
        place.symlink_to(other if kind == "link" else tmp_path / "nothing")
    before = [path.lstat() for path in (place, *place.rglob("*"))]
    with pytest.raises(ModelProvenanceError) as error, building(place, refuse_other_spool):
        pytest.fail("the block was entered")
    assert error.value.code == "release.output"
    assert [path.lstat() for path in (place, *place.rglob("*"))] == before
