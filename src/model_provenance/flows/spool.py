"""`--sign-later`: after an outage the unsigned statements are kept, and signed later if the model still says the same.

A spool holds what was asked for and every statement but the provenance, which tells of the run that signs. Signing later
is releasing again: everything is derived from the bytes once more, and a statement that differs by one byte is refused.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_provenance.domain.evidence import Predicate, Statement
from model_provenance.domain.names import ModelName, Version
from model_provenance.domain.package import Layout
from model_provenance.domain.receipt import Receipt
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.files import read_file
from model_provenance.flows.folder import building, write
from model_provenance.flows.request import Progress, ReleaseRequest
from model_provenance.formats.canonical import document, parse_json
from model_provenance.formats.intoto import PAYLOAD_LIMIT

if TYPE_CHECKING:
    from model_provenance.flows.signing import Signing

_SCHEMA = "https://model-provenance.dev/schemas/spool/v1"
_OPTIONS = "spool.json"
_SUFFIX = ".statement.json"
_OPTIONS_LIMIT = 1024 * 1024
#: No Syft: a file that lay about for a while may not name a program to run. Another Syft's answer is a difference.
_PATHS = ("model", "output", "oci_layout", "manifest", "environment")
_TEXTS = ("name", "version", "layout", "sbom_engine", "training_commit", "container_digest", "files_digest")
_FLAGS = ("allow_symlinks", "trained_here")
_LISTS = ("ignore", "sboms")


def kept(request: ReleaseRequest, statements: Sequence[Statement], error: ModelProvenanceError) -> ModelProvenanceError:
    """Keep the statements after `error`; the error to end with, since nothing is signed and nothing published."""
    place = shown(str(_write(request, statements)), 400)
    return ModelProvenanceError(
        "spool.kept",
        f"{error.message}\nnothing is signed; what is to be signed waits in {place}",
        remedy=f"When Sigstore answers again: model-provenance sign --spool {place}",
    )


def _write(request: ReleaseRequest, statements: Sequence[Statement]) -> Path:
    """The spool beside the release's folder, in one rename; an older one is replaced."""
    place = request.folder.with_name(f"{request.folder.name}.unsigned")
    options: dict[str, Any] = {"schema": _SCHEMA}
    for name in _PATHS:
        path = getattr(request, name)
        options[name] = None if path is None else str(path)
    for name in _TEXTS:
        text = getattr(request, name)
        options[name] = None if text is None else str(getattr(text, "value", text))
    options |= {name: getattr(request, name) for name in _FLAGS}
    options |= {name: list(getattr(request, name)) for name in _LISTS}
    with building(place) as folder:
        for statement in statements:
            if statement.predicate_type != Predicate.PROVENANCE:
                write(folder, f"{statement.name}{_SUFFIX}", statement.payload)
        write(folder, _OPTIONS, document(options))
    return place


def refuse_difference(statements: Sequence[Statement], kept: Mapping[str, bytes]) -> None:
    """`spool.differs` unless the statements are, but for the provenance, exactly those that were kept."""
    derived = {s.name: s.payload for s in statements if s.predicate_type != Predicate.PROVENANCE}
    differs = sorted(name for name in derived.keys() | kept.keys() if derived.get(name) != kept.get(name))
    if differs:
        raise ModelProvenanceError(
            "spool.differs", f"what is there now gives other statements than were kept: {shown(', '.join(differs))}"
        )


def sign_spool(
    folder: Path, *, signing: Signing, env: Mapping[str, str], progress: Progress | None = None
) -> tuple[ReleaseRequest, Receipt]:
    """Finish a release that an outage left unsigned, and remove its spool. Raises `spool.*` and what `release` raises."""
    from model_provenance.flows.release import release  # noqa: PLC0415 - release itself keeps spools

    request = replace(_request(folder, signing), kept=_statements(folder), env=env)
    receipt = release(request, progress)
    shutil.rmtree(folder, ignore_errors=True)
    return request, receipt


def _request(folder: Path, signing: Signing) -> ReleaseRequest:
    data = read_file(folder / _OPTIONS, option="--spool", limit=_OPTIONS_LIMIT)
    value = parse_json(data, what="the spool", limit=_OPTIONS_LIMIT, code="spool.malformed")
    if not isinstance(value, dict) or value.get("schema") != _SCHEMA:
        raise _malformed("it is not one that --sign-later wrote")
    fields: dict[str, Any] = {name: _typed(value, name, str) for name in (*_PATHS, *_TEXTS)}
    layout = next((layout for layout in Layout if layout.value == fields["layout"]), None)
    if layout is None or None in (fields["model"], fields["name"], fields["version"], fields["sbom_engine"]):
        raise _malformed("it does not say what was released")
    fields |= {name: Path(fields[name]) for name in _PATHS if fields[name] is not None}
    fields |= {name: _texts(value, name) for name in _LISTS}
    fields |= {name: _typed(value, name, bool) is True for name in _FLAGS}
    fields |= {"name": ModelName.parse(fields["name"]), "version": Version.parse(fields["version"])}
    return ReleaseRequest(**{**fields, "layout": layout, "signing": signing})


def _statements(folder: Path) -> dict[str, bytes]:
    kept = {}
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        kept[path.name.removesuffix(_SUFFIX)] = read_file(path, option="--spool", limit=PAYLOAD_LIMIT)
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
