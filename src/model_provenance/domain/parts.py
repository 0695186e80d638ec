"""The parts of a model that a release can be asked to have, by the names that people use for them."""

from __future__ import annotations

from collections.abc import Iterable

from model_provenance.domain.files import Role

PARTS = {
    "weights": Role.WEIGHT,
    "config": Role.CONFIG,
    "tokenizer": Role.TOKENIZER,
    "card": Role.CARD,
    "license": Role.LICENSE,
}
#: What `verify` asks for where nobody says otherwise. A tokenizer is listed where there is one, as every file is.
DEFAULT_PARTS = ("weights", "config", "license")
#: Weights that carry their configuration inside.
_SELF_DESCRIBING = (".gguf", ".onnx")


def parts_of(files: Iterable[tuple[str, Role]], *, licensed: bool) -> frozenset[str]:
    """The parts that files of these names and roles are; a licence is also there where manifest or SBOM state one."""
    listed = list(files)
    roles = {role for _, role in listed}
    found = {part for part, role in PARTS.items() if role in roles}
    weights = [name for name, role in listed if role is Role.WEIGHT]
    if weights and all(name.lower().endswith(_SELF_DESCRIBING) for name in weights):
        found.add("config")
    return frozenset(found | {"license"} if licensed else found)


def lacking(required: Iterable[str], found: frozenset[str]) -> tuple[str, ...]:
    """What is required and not there; a word that names no part is never there."""
    return tuple(part for part in dict.fromkeys(required) if part not in found)
