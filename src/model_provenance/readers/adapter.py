"""`adapter_config.json`: a LoRA or another PEFT adapter, and the base model that it cannot be without."""

from __future__ import annotations

import re
from typing import Any

from model_provenance.readers.bounds import chosen, text
from model_provenance.readers.cursor import Cursor
from model_provenance.readers.json_text import small_object
from model_provenance.readers.reading import Head, Reader, Reading, named, never
from model_provenance.readers.remote_code import NAMES_OF_CODE, remote_code

READS = ("PEFT type, task type, rank, alpha, dropout, target modules; the base model and its revision",)

_SIZE_LIMIT = 1 << 20
_SETTINGS = (
    "peft_type", "task_type", "r", "lora_alpha", "lora_dropout", "bias", "target_modules", "modules_to_save",
    "use_dora", "use_rslora", "inference_mode", "num_virtual_tokens", "base_model_name_or_path", "revision",
    "peft_version",
)  # fmt: skip
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
        remote_code=remote_code(head, config),
    )


READER = Reader("adapter-config", "readers.adapter", READS, never, named("adapter_config.json"), _read, NAMES_OF_CODE)
