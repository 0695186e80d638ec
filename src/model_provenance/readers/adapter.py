"""`adapter_config.json`: a LoRA or another PEFT adapter, and the base model that it cannot be without."""

from __future__ import annotations

import re
from typing import Any

from model_provenance.domain.text import shown
from model_provenance.readers.bounds import chosen, text
from model_provenance.readers.cursor import Cursor
from model_provenance.readers.json_text import small_object
from model_provenance.readers.reading import Head, Reader, Reading, named, never
from model_provenance.readers.remote_code import NAMES_OF_CODE, remote_code

READS = (
    "PEFT type, task type, rank, alpha, dropout, target modules; the base model, its revision and where its class comes from",
)

_SIZE_LIMIT = 1 << 20
_SETTINGS = (
    "peft_type", "task_type", "r", "lora_alpha", "lora_dropout", "bias", "target_modules", "modules_to_save",
    "use_dora", "use_rslora", "inference_mode", "num_virtual_tokens", "base_model_name_or_path", "revision",
    "peft_version",
)  # fmt: skip
#: Where the classes of base models come from.
_LIBRARIES = ("diffusers", "sentence_transformers", "timm", "transformers")
#: A hub id; what is a path on the machine that trained says nothing to anybody else.
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?")


def _read(head: Head, cursor: Cursor) -> Reading:
    config: dict[str, Any] = small_object(cursor, _SIZE_LIMIT)
    base = text(config.get("base_model_name_or_path"))
    return Reading(
        chosen(config, _SETTINGS),
        library="peft",
        base_relation="adapter",
        base_models=(base,) if base and _HUB_ID.fullmatch(base) else (),
        executes=_class_from_elsewhere(config.get("auto_mapping")),
        remote_code=remote_code(head, config),
    )


def _class_from_elsewhere(mapping: Any) -> str | None:
    """PEFT imports `parent_library` and takes `base_model_class` from it."""
    library = mapping.get("parent_library") if isinstance(mapping, dict) else None
    if not isinstance(library, str) or library.partition(".")[0] in _LIBRARIES:
        return None
    return f"the class of its base model is taken from the module {shown(library, 80)}"


READER = Reader("adapter-config", "readers.adapter", READS, never, named("adapter_config.json"), _read, NAMES_OF_CODE)
