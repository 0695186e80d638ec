"""`config.json` and the configurations of processors: architecture, model type, context length, hyperparameters."""

from __future__ import annotations

from typing import Any

from model_provenance.readers.bounds import chosen, integer, plain, text, texts
from model_provenance.readers.cursor import Cursor
from model_provenance.readers.json_text import small_object
from model_provenance.readers.reading import Head, Reader, Reading, named, never
from model_provenance.readers.remote_code import NAMES_OF_CODE, remote_code

READS = (
    "architectures, model type, element type, context length, quantisation method, library version",
    "hyperparameters: the usual sizes, also of a multimodal model's `text_config`",
    "`auto_map`: Python files that loaders with `trust_remote_code` run; classes that sentence-transformers imports by name",
)

_SIZE_LIMIT = 4 << 20
_HYPERPARAMETERS = (
    "attention_dropout", "bos_token_id", "d_model", "decoder_layers", "embedding_size", "encoder_layers",
    "eos_token_id", "head_dim", "hidden_act", "hidden_size", "image_size", "intermediate_size", "kv_lora_rank",
    "layer_norm_eps", "max_position_embeddings", "moe_intermediate_size", "n_embd", "n_head", "n_layer", "n_positions",
    "n_routed_experts", "n_shared_experts", "num_attention_heads", "num_experts", "num_experts_per_tok",
    "num_hidden_layers", "num_key_value_heads", "num_local_experts", "pad_token_id", "patch_size", "q_lora_rank",
    "rms_norm_eps", "rope_scaling", "rope_theta", "sliding_window", "tie_word_embeddings", "type_vocab_size",
    "vocab_size",
)  # fmt: skip
_CONTEXT_LENGTH = (
    "max_position_embeddings", "n_positions", "max_sequence_length", "seq_length", "n_ctx", "max_seq_len",
)  # fmt: skip
_IDENTITY = (
    "_name_or_path", "transformers_version", "_diffusers_version", "_class_name", "processor_class",
    "feature_extractor_type",
)  # fmt: skip
_PROCESSORS = (
    "preprocessor_config.json",
    "processor_config.json",
    "video_preprocessor_config.json",
    "feature_extractor_config.json",
)
#: Of modules of sentence-transformers and of blocks of diffusers, which name classes, too.
_PARTS = ("router_config.json", "wordembedding_config.json", "modular_config.json", "modular_model_index.json")  # fmt: skip


def _read(head: Head, cursor: Cursor) -> Reading:
    config = small_object(cursor, _SIZE_LIMIT)
    language = _part(config, "text_config") or _part(config, "llm_config") or {}
    architectures = texts(config.get("architectures", []), "architectures", 64)
    details: dict[str, Any] = {
        "architectures": list(architectures),
        "model_type": text(config.get("model_type")),
        "element_type": text(config.get("torch_dtype") or config.get("dtype")),
        "context_length": _context_length(config) or _context_length(language),
        "hyperparameters": chosen({**language, **config}, _HYPERPARAMETERS),
        "quantization": plain(config.get("quantization_config")),
        "auto_map": plain(config.get("auto_map")),
        **chosen(config, _IDENTITY),
    }
    known = {key: value for key, value in details.items() if value not in (None, [], {})}
    return Reading(
        known or {"settings": plain(config)},
        architecture=architectures[0] if architectures else text(config.get("_class_name")),
        model_type=text(config.get("model_type")),
        quantization=_quantization(config),
        library="transformers" if config.get("transformers_version") else None,
        remote_code=remote_code(head, config),
    )


def _part(config: dict[str, Any], key: str) -> dict[str, Any] | None:
    value = config.get(key)
    return value if isinstance(value, dict) else None


def _context_length(config: dict[str, Any]) -> int | None:
    found = (integer(config.get(key)) for key in _CONTEXT_LENGTH)
    return next((value for value in found if value), None)


def _quantization(config: dict[str, Any]) -> str | None:
    settings = _part(config, "quantization_config") or {}
    method = text(settings.get("quant_method"), 40)
    bits = integer(settings.get("bits"))
    return f"{method}-{bits}bit" if method and bits else method


READER = Reader(
    "config", "readers.config", READS, never, named("config.json", *_PROCESSORS, *_PARTS), _read, NAMES_OF_CODE
)
