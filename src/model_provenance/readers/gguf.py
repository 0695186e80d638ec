"""GGUF: one file or one part of a split model, with architecture, quantisation, tokenizer and lineage in its header."""

from __future__ import annotations

from typing import Any

from model_provenance.domain.facts import DatasetFact, LicenseFact, TokenizerFacts
from model_provenance.readers.bounds import chosen, integer, plain, text, texts
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.gguf_header import Header, HeaderParser
from model_provenance.readers.gguf_types import FILE_TYPES
from model_provenance.readers.reading import Head, Reader, Reading, WeightKind, Weights, suffixed

READS = (
    "versions 2 and 3, little-endian, all value types, headers up to 50 MB; split files are one model",
    "tensors: number, element types, parameters, offsets inside the file without overlaps",
    "`general.*`: name, architecture, file type (quantisation), who quantised it, licence, datasets, base models, languages",
    "`ARCHITECTURE.*`: context length and the other hyperparameters",
    "tokenizer: model, vocabulary size, digest of each chat template",
)

_MAGIC = b"GGUF"
_GENERAL = (
    "name", "author", "version", "organization", "basename", "finetune", "description", "quantized_by", "size_label",
    "url", "repo_url", "source.url", "source.repo_url", "quantization_version",
)  # fmt: skip
#: `general.type` -> what the tensors are; anything else is counted as a model.
_KINDS = {
    "adapter": WeightKind.ADAPTER,
    "mmproj": WeightKind.AUXILIARY,
    "vocab": WeightKind.AUXILIARY,
    "imatrix": WeightKind.AUXILIARY,
}
_HUB = "https://huggingface.co/"


def _read(head: Head, cursor: Cursor) -> Reading:
    if cursor.take(4) != _MAGIC:
        raise ReaderError("it does not begin with GGUF")
    header = HeaderParser(cursor).parse()
    weights = Weights(header.tensors, header.element_types, _kind(header))
    architecture = text(header.string("general.architecture"))
    license_name, link = text(header.string("general.license.name")), text(header.string("general.license.link"))
    license_id = text(header.string("general.license"))
    return Reading(
        _details(header, weights),
        weights=weights,
        architecture=architecture,
        model_type=architecture,
        quantization=_quantization(header),
        languages=texts(header.values.get("general.languages", []), "languages"),
        tokenizer=_tokenizer(header),
        licenses=(LicenseFact(license_id, head.path, license_name, link),) if license_id else (),
        datasets=tuple(DatasetFact(name, head.path) for name in _sources(header, "dataset")),
        base_models=_sources(header, "base_model"),
        base_relation="adapter" if weights.kind is WeightKind.ADAPTER else None,
        quantized_by=text(header.string("general.quantized_by"), 200),
    )


def _kind(header: Header) -> WeightKind:
    if header.string("general.architecture") == "clip":
        return WeightKind.AUXILIARY
    return _KINDS.get(header.string("general.type") or "model", WeightKind.MODEL)


def _quantization(header: Header) -> str | None:
    number = header.number("general.file_type")
    if number is not None and number in FILE_TYPES:
        return FILE_TYPES[number]
    return _dominant(header)


def _dominant(header: Header) -> str | None:
    """The element type that most parameters have."""
    counts = header.element_types
    return max(sorted(counts), key=counts.__getitem__) if counts else None


def _tokenizer(header: Header) -> TokenizerFacts | None:
    kind = text(header.string("tokenizer.ggml.model"))
    size = header.lengths.get("tokenizer.ggml.tokens")
    template = header.template_digests.get("default")
    return TokenizerFacts(kind, size, template) if kind or size or template else None


def _details(header: Header, weights: Weights) -> dict[str, Any]:
    architecture = header.string("general.architecture")
    file_type = header.number("general.file_type")
    own = _under(header, f"{architecture}.") if architecture else {}
    general = _under(header, "general.")
    details = {
        "gguf_version": header.version,
        "tensors": header.tensors,
        "parameters": weights.parameters,
        "element_types": plain(header.element_types),
        "dominant_type": _dominant(header),
        "file_type": None if file_type is None else FILE_TYPES.get(file_type),
        "type": text(general.get("type")),
        "architecture": text(architecture),
        "context_length": integer(own.get("context_length")),
        "general": chosen(general, _GENERAL),
        "hyperparameters": plain(own),
        "tokenizer": _tokenizer_details(header),
        "split": plain(_under(header, "split.")),
    }
    return {key: value for key, value in details.items() if value not in (None, "", {})}


def _under(header: Header, prefix: str) -> dict[str, Any]:
    """The values whose keys begin with `prefix`, without it."""
    return {key[len(prefix) :]: value for key, value in header.values.items() if key.startswith(prefix)}


def _tokenizer_details(header: Header) -> dict[str, Any]:
    kept = {
        "model": text(header.string("tokenizer.ggml.model")),
        "pre": text(header.string("tokenizer.ggml.pre")),
        "tokens": header.lengths.get("tokenizer.ggml.tokens"),
        "merges": header.lengths.get("tokenizer.ggml.merges"),
        "chat_templates": plain(header.template_digests),
    }
    return {key: value for key, value in kept.items() if value not in (None, {})}


def _sources(header: Header, kind: str) -> tuple[str, ...]:
    """Names of base models or datasets: the hub id where the repository is on the hub, else the name as written."""
    names = []
    for number in range(min(header.number(f"general.{kind}.count") or 0, 64)):
        url = header.string(f"general.{kind}.{number}.repo_url") or ""
        name = text(url.removeprefix(_HUB).removeprefix("datasets/")) if url.startswith(_HUB) else None
        name = name or text(header.string(f"general.{kind}.{number}.name"))
        if name:
            names.append(name)
    legacy = texts(header.values.get(f"general.{kind}s", []), kind)
    return tuple(dict.fromkeys((*names, *legacy)))


def _by_bytes(head: Head) -> bool:
    return head.data.startswith(_MAGIC)


READER = Reader("gguf", "readers.gguf", READS, _by_bytes, suffixed(".gguf"), _read)
