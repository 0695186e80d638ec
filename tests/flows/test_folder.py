"""The release folder, where another run has finished in the meantime."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.folder import building, removed_on_failure

DIGESTS = [f"sha256:{digit * 64}" for digit in "ab"]


def receipt(folder: Path, digest: str) -> None:
    """What tells a release from another."""
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "receipt.json").write_text(json.dumps({"package_digest": digest}))


def test_a_layout_in_which_another_run_has_finished_stays(tmp_path: Path) -> None:
    """The run that fails did not find it there, and yet it is not its own."""
    layout = tmp_path / "layout"
    with pytest.raises(LookupError), removed_on_failure(layout):  # noqa: PT012 - the block is what is tested
        layout.mkdir()
        (layout / "index.json").write_text("{}")
        raise LookupError
    assert (layout / "index.json").exists()
    with pytest.raises(LookupError), removed_on_failure(tmp_path / "other"):  # noqa: PT012 - the block is what is tested
        (tmp_path / "other").mkdir()
        raise LookupError
    assert not (tmp_path / "other").exists()


def test_what_appears_while_a_release_is_made_is_not_replaced(tmp_path: Path) -> None:
    """Neither another package of the same version nor somebody's folder; the same package is."""
    final = tmp_path / "m-1.0.0"
    with pytest.raises(ModelProvenanceError) as error, building(final) as folder:  # noqa: PT012 - the block is what is tested
        receipt(folder, DIGESTS[0])
        receipt(final, DIGESTS[1])
    assert error.value.code == "release.exists"
    assert DIGESTS[1] in (final / "receipt.json").read_text()

    (final / "receipt.json").rename(final / "precious")
    with pytest.raises(ModelProvenanceError) as error, building(final) as folder:
        receipt(folder, DIGESTS[0])
    assert error.value.code == "release.output"
    assert (final / "precious").exists()

    (final / "precious").unlink()
    for _ in range(2):
        with building(final) as folder:
            receipt(folder, DIGESTS[0])
    assert DIGESTS[0] in (final / "receipt.json").read_text()
    assert [path.name for path in tmp_path.iterdir()] == [final.name]
