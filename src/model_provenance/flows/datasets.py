"""`--dataset`: datasets that options name, made one with those of the source manifest.

That a model was made with a dataset is always declared. Its digest is observed where this run read the files, and then
no declaration may say another one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from model_provenance.disk.failure import failure
from model_provenance.domain.context import Known
from model_provenance.domain.manifest import DATASET_LIMIT, SourceManifest
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.dataset import Progress, dataset
from model_provenance.flows.source import load
from model_provenance.formats import manifest_forms

#: What the schema allows.
_NAME_LIMIT = 300
_SHOWN = 300
_OBSERVED = Known.OBSERVED.value


@dataclass(frozen=True, slots=True)
class Named:
    """One dataset that an option names."""

    #: Of the manifest: `name` at least.
    entry: dict[str, Any]
    #: Which option, or which file, says so.
    said_by: str
    #: Data on this machine whose digest is to be taken.
    path: Path | None = None


def named(options: Iterable[str]) -> tuple[Named, ...]:
    """The datasets of all `--dataset`; reads files of entries, no data. Raises `dataset.*` and `manifest.*`."""
    return tuple(each for option in dict.fromkeys(options) for each in _parsed(option))


def joined(
    source: SourceManifest | None, given: Sequence[Named], progress: Progress | None = None
) -> SourceManifest | None:
    """The source manifest with the datasets of the options; each local one is read once, when nothing else is wrong.

    Raises `dataset.twice` where two declarations disagree, `dataset.differs` where the files are not those declared.
    """
    if not given:
        return source
    source = source or SourceManifest({}, "", {})
    entries = _Entries()
    for entry in source.value.get("datasets", ()):
        entries.add(Named(entry, source.place("datasets")))
    for each in given:
        entries.add(each)
    if len(entries.found) > DATASET_LIMIT:
        raise ModelProvenanceError("manifest.limit", f"{len(entries.found)} datasets are more than {DATASET_LIMIT}")
    for each in given:
        if each.path is not None:
            digest = str(dataset(each.path, name=each.entry["name"], progress=progress).digest)
            entries.add(Named({**each.entry, "digest": digest, "digest_known": _OBSERVED}, each.said_by, each.path))
    return replace(source, value={**source.value, "datasets": list(entries.found.values())})


class _Entries:
    """One entry a name, in the order of the first mention, and who said what of it."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        self._said_by: dict[tuple[str, str], str] = {}

    def add(self, each: Named) -> None:
        name = each.entry["name"]
        entry = self.found.setdefault(name, {})
        for field, value in each.entry.items():
            if field in entry and entry[field] != value:
                raise self._disagree(each, field, entry)
            if field not in entry:
                entry[field] = value
                self._said_by[name, field] = each.said_by

    def _disagree(self, each: Named, field: str, entry: dict[str, Any]) -> ModelProvenanceError:
        name, before = shown(each.entry["name"], 80), self._said_by[each.entry["name"], field]
        has, says = shown(str(entry[field]), _SHOWN), shown(str(each.entry[field]), _SHOWN)
        if each.path is not None and entry.get("digest_known") != _OBSERVED:
            message = f"the dataset `{name}` has the digest {says}, and {before} declares {has}"
            return ModelProvenanceError("dataset.differs", message, location=shown(str(each.path), 400))
        message = f"the `{field}` of the dataset `{name}` is {has} by {before}, and {says} by {each.said_by}"
        return ModelProvenanceError("dataset.twice", message)


def _parsed(option: str) -> Iterator[Named]:
    said_by = f"--dataset {shown(option, _SHOWN)}"
    head, at, tail = option.rpartition("@")
    name, equals, path = option.partition("=")
    # Without `=` also what somebody may have taken for a digest: it is refused as one, not as a file that is missing.
    if at and (tail.startswith("sha256:") or (not equals and manifest_forms.like_a_digest(tail))):
        _refuse(option, _name_fault(head) or ("a name before a digest has no `=`" if "=" in head else None))
        fault = manifest_forms.digest(tail)
        _refuse(option, fault.message if fault else None)
        yield Named({"name": head, "digest": tail}, said_by)
    elif equals:
        _refuse(option, _name_fault(name) or (None if path else "no path comes after `=`"))
        if not os.path.lexists(path):
            raise ModelProvenanceError(
                "dataset.missing", f"there is no `{shown(name, 80)}` here", location=shown(path, 400)
            )
        _refuse_led_away(path)
        yield Named({"name": name}, said_by, Path(path))
    else:
        yield from _listed(option)


def _listed(option: str) -> Iterator[Named]:
    """The entries of a file."""
    path, place = Path(option), shown(option, 400)
    _refuse(option, None if option.strip() else "it is empty")
    if not os.path.lexists(path):
        _refuse(option, "it is neither NAME=PATH nor NAME@sha256:HEX, and there is no such file")
    if path.is_dir():
        example = shown(path.resolve().name, 80)
        remedy = f"Write NAME=PATH to have its digest taken: {example}={place}"
        raise ModelProvenanceError("dataset.form", f"`{place}` is a folder, and it has no name yet", remedy=remedy)
    _refuse_led_away(option)
    source = load(path, option="--dataset")
    value = {} if source is None else source.value
    entries = value.get("datasets", ())
    others = [key for key in value if key != "datasets"]
    if others or not entries:
        why = f"it declares `{shown(others[0], 80)}`" if others else "it lists no dataset"
        remedy = "Give a source manifest with --manifest; --dataset takes a file that holds `datasets` alone."
        raise ModelProvenanceError("dataset.form", why, remedy=remedy, location=place)
    for entry in entries:
        yield Named(entry, place)


def _refuse_led_away(path: str) -> None:
    """A link in a checkout is everybody's who wrote there: only the option itself names a place elsewhere."""
    try:
        led_away = _led_away(Path(path))
    except OSError as error:
        raise failure(error, path, doing="read") from error
    if led_away:
        raise ModelProvenanceError(
            "dataset.refused",
            "a symbolic link leads out of the working directory",
            remedy="Name the place itself, if the data belongs there.",
            location=shown(path, 400),
        )


def _led_away(path: Path) -> bool:
    """Whether a link within the working directory is followed to outside, whichever way the path comes into it.

    Step by step, as the system goes: another link, `..` or a mount may lead in, and no name need say so.
    """
    here = Path.cwd().stat()
    place = Path(os.path.realpath(path.anchor or "."))
    for part in path.parts[1:] if path.anchor else path.parts:
        before, place = place, Path(os.path.realpath(place / part))
        if (before / part).is_symlink() and _is_below(before, here) and not _is_below(place, here):
            return True
    return False


def _is_below(place: Path, folder: os.stat_result) -> bool:
    """By the folders themselves: one folder may have several names."""
    return any(each.exists() and os.path.samestat(each.stat(), folder) for each in (place, *place.parents))


def _name_fault(name: str) -> str | None:
    if not name.strip():
        return "it has no name"
    if name != name.strip():
        return "a blank begins or ends its name"
    if len(name) > _NAME_LIMIT:
        return f"its name has {len(name)} characters, more than {_NAME_LIMIT}"
    fault = manifest_forms.dataset_name(name)
    return None if fault is None else fault.message


def _refuse(option: str, why: str | None) -> None:
    if why is not None:
        raise ModelProvenanceError("dataset.form", f"`{shown(option, _SHOWN)}` names no dataset: {why}")
