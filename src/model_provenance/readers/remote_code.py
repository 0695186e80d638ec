"""Classes that a configuration asks loaders to import from Python files: `auto_map`, and others by their whole name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from model_provenance.readers.bounds import text
from model_provenance.readers.cursor import ReaderError
from model_provenance.readers.reading import Head, RemoteCode

_LIMIT = 100
_LIBRARIES = ("sentence_transformers", "torch", "transformers")
_GENERATE = ("custom_generate", "generate.py")
#: What may stand in every configuration that is read for it.
NAMES_OF_CODE = "names of Python files that loaders run"


def remote_code(head: Head, config: dict[str, Any]) -> tuple[RemoteCode, ...]:
    """The references of one configuration file, where it has any."""
    found = dict.fromkeys(_references(config.get("auto_map")))
    for pipeline in _objects(config.get("custom_pipelines")):
        found |= dict.fromkeys(_references(pipeline.get("impl")))
    found |= dict.fromkeys(_imported(config))
    if len(found) > _LIMIT:
        raise ReaderError(f"it names {len(found)} classes of remote code, more than the {_LIMIT} that are read")
    return tuple(RemoteCode(reference, _path(head, reference)) for reference in found)


def unnamed_code(path: str) -> tuple[RemoteCode, ...]:
    """`custom_generate/generate.py`, which transformers runs with `trust_remote_code` where it is there."""
    found = PurePosixPath(path).parts[-2:] == _GENERATE
    return (RemoteCode("/".join(_GENERATE), path),) if found else ()


def remote_reference(head: Head, reference: str) -> RemoteCode:
    """One reference that does not stand in `auto_map`."""
    clean = text(reference) or "(unnamed)"
    return RemoteCode(clean, _path(head, clean))


def _references(value: Any) -> Iterator[str]:
    """References in `{"AutoModel": "modeling_x.X"}`; tokenizers have a list of two, one of which may be null."""
    members = value.values() if isinstance(value, dict) else [value]
    for member in members:
        for reference in member if isinstance(member, list) else [member]:
            clean = text(reference)
            if clean:
                yield clean


def _imported(config: dict[str, Any]) -> Iterator[str]:
    """Classes that sentence-transformers imports by their whole name, other than those of the libraries it is made of."""
    own = config.get("sentence_transformers")
    candidates = [
        *(
            config.get(key)
            for key in ("activation_function", "tokenizer_class", "sbert_ce_default_activation_function")
        ),
        own.get("activation_fn") if isinstance(own, dict) else None,
        config.get("types"),
    ]
    for candidate in candidates:
        for reference in _references(candidate):
            root, dot, _ = reference.partition(".")
            if dot and root not in _LIBRARIES:
                yield reference


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    members = value.values() if isinstance(value, dict) else []
    yield from (member for member in members if isinstance(member, dict))


def _path(head: Head, reference: str) -> str | None:
    """`modeling_x.XModel` is the file `modeling_x.py` beside the configuration; `owner/name--…` lies elsewhere."""
    if "--" in reference:
        return None
    module = reference.rpartition(".")[0] or reference
    return str(PurePosixPath(head.folder) / (module.replace(".", "/") + ".py"))
