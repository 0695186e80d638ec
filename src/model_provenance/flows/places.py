"""Where trust never comes from: what is decided about, and its evidence (design, 4.4.10).

Whoever makes a model writes all that lies in it and beside its evidence. A key, a trusted root or a policy from there
would let everybody vouch for himself. This is the one place that knows which folders those are and refuses a path in them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

#: A policy has a code of its own, which people know from `policy check`.
_CODES = {"--policy": "policy.place", "--cache": "cache.place"}

_NAMES = {"--policy": "the policy", "--cache": "the cache", "--log-heads": "the folder for --log-heads"}


def places(target: Path, evidence: Iterable[Path | None] = ()) -> tuple[Path, ...]:
    """Folders and files from which no trust is taken: the target, and each release that evidence belongs to."""
    found = [target]
    # Where no file system takes the path nothing lies in it, and whoever opens it says what is wrong.
    with suppress(OSError):
        if target.is_file() and (target.parent / "evidence").is_dir():
            found.append(target.parent)
    for folder in evidence:
        if folder is None:
            continue
        found.append(folder)
        with suppress(OSError):
            if (folder.parent / "model-manifest.json").is_file():
                found.append(folder.parent)
    return tuple(found)


def refuse_planted(given: Mapping[str, Path | None], decided_about: Sequence[Path]) -> None:
    """Refuse, with `policy.place` or `trust.place`, an input (option: path) that lies in one of the places."""
    for option, path in given.items():
        if path is None:
            continue
        for place in decided_about:
            if lies_in(path, place):
                what = _NAMES.get(option, f"the file for {option}")
                raise ModelProvenanceError(
                    _CODES.get(option, "trust.place"),
                    f"{what} lies in {shown(str(place), 400)}, which whoever made the model has written",
                    location=shown(str(path), 400),
                )


def lies_in(path: Path, place: Path) -> bool:
    """As it is written and where links lead: neither the link nor the file may be the model's."""
    # `Path.resolve` raises for links that go in circles; what cannot be followed cannot be opened either.
    written, real = os.path.abspath, os.path.realpath
    return any(Path(way(path)).is_relative_to(way(place)) for way in (written, real))
