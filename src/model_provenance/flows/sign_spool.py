"""`sign --spool`: finish a release that an outage left unsigned, by releasing again from what was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_provenance.domain.names import ModelName, Version
from model_provenance.domain.package import Layout
from model_provenance.domain.receipt import Receipt
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.files import read_file
from model_provenance.flows.release import release
from model_provenance.flows.request import Progress, ReleaseRequest
from model_provenance.flows.signing import Signing
from model_provenance.flows.spool import FLAGS, LISTS, PATH_LISTS, PATHS, PUSH, SUFFIX, TEXTS
from model_provenance.formats.canonical import parse_json
from model_provenance.formats.intoto import PAYLOAD_LIMIT
from model_provenance.formats.spool import NAME, SCHEMA

if TYPE_CHECKING:
    from model_provenance.flows.push import PushRequest

_OPTIONS_LIMIT = 1024 * 1024


def sign_spool(
    folder: Path,
    *,
    signing: Signing,
    env: Mapping[str, str],
    push: PushRequest | None = None,
    progress: Progress | None = None,
) -> tuple[ReleaseRequest, Receipt]:
    """Finish a release that an outage left unsigned, and remove its spool. Raises `spool.*` and what `release` raises.

    `push` are the repositories that it was to be pushed to, named again: a file that lay about sends a model nowhere.
    """
    request, wanted = _request(folder, signing)
    _refuse_other_places(wanted, () if push is None else push.references)
    request = replace(request, kept=_statements(folder), env=env, push=push)
    receipt = release(request, progress)
    _remove(folder, request.kept or {})
    return request, receipt


def _remove(folder: Path, statements: Iterable[str]) -> None:
    """What was kept, and the folder where nothing else lies in it."""
    with suppress(OSError):
        for name in (*(f"{each}{SUFFIX}" for each in statements), NAME):
            (folder / name).unlink()
        folder.rmdir()


def _refuse_other_places(wanted: tuple[str, ...], given: tuple[str, ...]) -> None:
    if set(wanted) == set(given):
        return
    words = " ".join(f"--push {shown(place, 300)}" for place in wanted)
    raise ModelProvenanceError(
        "usage.invalid",
        f"the release was kept to be pushed to {shown(', '.join(wanted), 600)}"
        if wanted
        else "it was kept without --push",
        remedy=f"If that is still right, add {words}."
        if wanted
        else "Leave --push out, and copy the release to the registry.",
    )


def _request(folder: Path, signing: Signing) -> tuple[ReleaseRequest, tuple[str, ...]]:
    """What was asked for, and where it was to be pushed."""
    data = read_file(folder / NAME, option="--spool", limit=_OPTIONS_LIMIT)
    value = parse_json(data, what="the spool", limit=_OPTIONS_LIMIT, code="spool.malformed")
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise _malformed("it is not one that --sign-later wrote")
    fields: dict[str, Any] = {name: _typed(value, name, str) for name in (*PATHS, *TEXTS)}
    layout = next((layout for layout in Layout if layout.value == fields["layout"]), None)
    if layout is None or None in (fields["model"], fields["name"], fields["version"], fields["sbom_engine"]):
        raise _malformed("it does not say what was released")
    fields |= {name: Path(fields[name]) for name in PATHS if fields[name] is not None}
    fields |= {name: _texts(value, name) for name in LISTS}
    fields |= {name: tuple(Path(text) for text in _texts(value, name)) for name in PATH_LISTS}
    fields |= {name: _typed(value, name, bool) is True for name in FLAGS}
    fields |= {"name": ModelName.parse(fields["name"]), "version": Version.parse(fields["version"])}
    request = ReleaseRequest(**{**fields, "layout": layout, "signing": signing})
    return request, _texts(value, PUSH)


def _statements(folder: Path) -> dict[str, bytes]:
    kept = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        kept[path.name.removesuffix(SUFFIX)] = read_file(path, option="--spool", limit=PAYLOAD_LIMIT)
    if not kept:
        raise _malformed("it holds no statement")
    return kept


def _typed(value: dict[str, Any], name: str, kind: type) -> Any:
    found = value.get(name)
    if found is not None and not isinstance(found, kind):
        raise _malformed(f"`{name}` is of another type")
    return found


def _texts(value: dict[str, Any], name: str) -> tuple[str, ...]:
    found = value.get(name)
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise _malformed(f"`{name}` is not a list of texts")
    return tuple(found)


def _malformed(why: str) -> ModelProvenanceError:
    return ModelProvenanceError("spool.malformed", f"the spool cannot be used: {why}")
