"""`--sign-later`: after an outage the unsigned statements are kept, and signed later if the model still says the same.

A spool holds what was asked for and every statement but the provenance, which tells of the run that signs. Signing later
is releasing again: everything is derived from the bytes once more, and a statement that differs by one byte is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from model_provenance.domain.evidence import Predicate, Statement
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.folder import building, refuse_other_spool, write
from model_provenance.flows.request import ReleaseRequest
from model_provenance.formats.canonical import document
from model_provenance.formats.spool import NAME, SCHEMA

SUFFIX = ".statement.json"
#: No Syft: a file that lay about for a while may not name a program to run. Another Syft's answer is a difference.
PATHS = ("model", "output", "oci_layout", "manifest", "environment")
TEXTS = ("name", "version", "layout", "sbom_engine", "training_commit", "container_digest", "files_digest")
FLAGS = ("allow_symlinks", "trained_here")
LISTS = ("ignore", "sboms", "datasets")
PATH_LISTS = ("evaluations",)
#: Where it was to be pushed; whoever signs names it again.
PUSH = "push"


def kept(request: ReleaseRequest, statements: Sequence[Statement], error: ModelProvenanceError) -> ModelProvenanceError:
    """Keep the statements after `error`; the error to end with, since nothing is signed and nothing published."""
    place = shown(str(_write(request, statements)), 400)
    push = "".join(
        f" --push {shown(each, 300)}" for each in (request.push.references if request.push is not None else ())
    )
    return ModelProvenanceError(
        "spool.kept",
        f"{error.message}\nnothing is signed; what is to be signed waits in {place}",
        remedy=f"When Sigstore answers again: model-provenance sign --spool {place}{push}",
    )


def waiting_place(folder: Path) -> Path:
    """Where the release for `folder` waits while it is not signed."""
    return folder.with_name(f"{folder.name}.unsigned")


def _write(request: ReleaseRequest, statements: Sequence[Statement]) -> Path:
    """The spool beside the release's folder, in one rename; an older one is replaced, and nothing else is."""
    place = waiting_place(request.folder)
    options: dict[str, Any] = {"schema": SCHEMA}
    for name in PATHS:
        path = getattr(request, name)
        options[name] = None if path is None else str(path)
    for name in TEXTS:
        text = getattr(request, name)
        options[name] = None if text is None else str(getattr(text, "value", text))
    options |= {name: getattr(request, name) for name in FLAGS}
    options |= {name: list(getattr(request, name)) for name in LISTS}
    options |= {name: [str(path) for path in getattr(request, name)] for name in PATH_LISTS}
    options[PUSH] = [] if request.push is None else list(request.push.references)
    with building(place, refuse_other_spool) as folder:
        for statement in statements:
            if statement.predicate_type != Predicate.PROVENANCE:
                write(folder, f"{statement.name}{SUFFIX}", statement.payload)
        write(folder, NAME, document(options))
    return place


def refuse_difference(statements: Sequence[Statement], kept: Mapping[str, bytes]) -> None:
    """`spool.differs` unless the statements are, but for the provenance, exactly those that were kept."""
    derived = {s.name: s.payload for s in statements if s.predicate_type != Predicate.PROVENANCE}
    differs = sorted(name for name in derived.keys() | kept.keys() if derived.get(name) != kept.get(name))
    if differs:
        raise ModelProvenanceError(
            "spool.differs", f"what is there now gives other statements than were kept: {shown(', '.join(differs))}"
        )
