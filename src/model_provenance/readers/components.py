"""`model_index.json` (diffusers) and `modules.json` (sentence-transformers): the folders that make up one model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from model_provenance.domain.text import shown
from model_provenance.readers.bounds import chosen, text
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.json_text import small_json
from model_provenance.readers.reading import Head, Reader, Reading, RemoteCode, named, never
from model_provenance.readers.remote_code import NAMES_OF_CODE, remote_reference

READS = ("the pipeline or module classes, and the folders whose weights are counted as one model",)

_SIZE_LIMIT = 1 << 20
_LIMIT = 64


def _read(head: Head, cursor: Cursor) -> Reading:
    value = small_json(cursor.take(min(cursor.remaining, _SIZE_LIMIT + 1)), _SIZE_LIMIT)
    if isinstance(value, dict):
        return _pipeline(head, value)
    if isinstance(value, list):
        return _modules(head, value)
    raise ReaderError("it is neither an object nor a list")


def _pipeline(head: Head, index: dict[str, Any]) -> Reading:
    """diffusers: `{"_class_name": …, "unet": ["diffusers", "UNet2DConditionModel"]}`."""
    parts = {key: value for key, value in index.items() if not key.startswith("_") and isinstance(value, list)}
    classes = {name: text(value[-1]) for name, value in parts.items() if value and text(value[-1])}
    details = {"components": {_folder(name): kind for name, kind in classes.items()}}
    own = index.get("_class_name")
    return Reading(
        {**details, **chosen(index, ("_class_name", "_diffusers_version"))},
        architecture=text(index.get("_class_name")),
        library="diffusers",
        components=_folders(list(classes)),
        # A list names a Python file of the model and a class in it; that of a part lies in the folder of the part.
        remote_code=_own(
            [
                *([remote_reference(head, ".".join(map(str, own[:2])))] if isinstance(own, list) else []),
                *(replace(remote_reference(head, reference), only_with_file=True) for reference in _of_parts(parts)),
            ]
        ),
    )


def _of_parts(parts: dict[str, list[Any]]) -> Iterator[str]:
    """`{"unet": ["my_unet", "MyUNet"]}` is `unet/my_unet.py` where that is there, else a library or module of diffusers."""
    for name, value in parts.items():
        library = text(value[0]) if value else None
        if library is not None:
            yield f"{_folder(name)}.{library}.{text(value[-1])}"


def _modules(head: Head, modules: list[Any]) -> Reading:
    """sentence-transformers: `[{"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]`."""
    listed = [module for module in modules if isinstance(module, dict)]
    kinds = [kind for module in listed if (kind := text(module.get("type")))]
    paths = [path for module in listed if (path := text(module.get("path")))]
    return Reading(
        {"modules": kinds[:_LIMIT]},
        library="sentence-transformers",
        components=_folders(paths),
        remote_code=_own(
            [remote_reference(head, kind) for kind in kinds if not kind.startswith("sentence_transformers.")]
        ),
    )


def _own(found: list[RemoteCode]) -> tuple[RemoteCode, ...]:
    """What loaders import from a Python file of the model, also without `trust_remote_code` where it lies beside."""
    return tuple(dict.fromkeys(found))


def _folders(names: list[str]) -> tuple[str, ...]:
    if len(names) > _LIMIT:
        raise ReaderError(f"it names {len(names)} components, more than the {_LIMIT} that are read")
    return tuple(_folder(name) for name in names)


def _folder(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ReaderError(f"it names the folder {shown(name, 80)!r}, which leads out of the model")
    return str(path)


READER = Reader(
    "components", "readers.config", READS, never, named("model_index.json", "modules.json"), _read, NAMES_OF_CODE
)
