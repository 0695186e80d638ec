"""`tokenizer_config.json`, special tokens and chat templates.

A chat template is a program that decides what a model is told, and a changed one is a known way to plant a backdoor. So
each is digested, wherever it stands.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from model_provenance.domain.facts import TokenizerFacts
from model_provenance.readers.bounds import chosen, plain, text
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.json_text import small_object
from model_provenance.readers.reading import Head, Reader, Reading, named, never
from model_provenance.readers.remote_code import NAMES_OF_CODE, remote_code

READS = (
    "tokenizer class, maximal length, special tokens",
    "digest of every chat template, in the configuration or in a file of its own",
    "`auto_map`: Python files that loaders with `trust_remote_code` run",
)

_SIZE_LIMIT = 4 << 20
_TEMPLATE_LIMIT = 4 << 20
_SETTINGS = (
    "tokenizer_class", "model_max_length", "name_or_path", "bos_token", "eos_token", "unk_token", "pad_token",
    "sep_token", "cls_token", "mask_token", "add_bos_token", "add_eos_token", "do_lower_case", "auto_map",
)  # fmt: skip


def _read_config(head: Head, cursor: Cursor) -> Reading:
    config = small_object(cursor, _SIZE_LIMIT)
    templates = _templates(config.get("chat_template"))
    details: dict[str, Any] = chosen(config, _SETTINGS)
    if templates:
        details["chat_templates"] = plain(templates)
    facts = TokenizerFacts(text(config.get("tokenizer_class")), None, _main(templates))
    return Reading(details, tokenizer=facts, remote_code=remote_code(head, config))


def _read_special_tokens(_head: Head, cursor: Cursor) -> Reading:
    return Reading({"tokens": plain(small_object(cursor, _SIZE_LIMIT))})


def _read_template(head: Head, cursor: Cursor) -> Reading:
    if head.suffix == ".json":
        templates = _templates(small_object(cursor, _TEMPLATE_LIMIT).get("chat_template"))
    elif cursor.size > _TEMPLATE_LIMIT:
        raise ReaderError(f"it is {cursor.size} bytes, more than the {_TEMPLATE_LIMIT} that are read")
    else:
        # As transformers reads it: the digest is of the template's text, equal wherever the template stands.
        data = cursor.take(cursor.remaining).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        templates = {"default": f"sha256:{sha256(data).hexdigest()}"}
    return Reading({"chat_templates": plain(templates)}, tokenizer=TokenizerFacts(None, None, _main(templates)))


def _templates(value: Any) -> dict[str, str]:
    """Digest by name; one unnamed template is the `default`."""
    if isinstance(value, str):
        return {"default": _digest(value)}
    found = {}
    for member in value if isinstance(value, list) else []:
        if isinstance(member, dict) and isinstance(member.get("template"), str):
            found[text(member.get("name")) or "default"] = _digest(member["template"])
    return found


def _digest(template: str) -> str:
    return f"sha256:{sha256(template.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _main(templates: dict[str, str]) -> str | None:
    return templates.get("default") or next(iter(templates.values()), None)


_CODE = "readers.tokenizer"
_TEMPLATES = ("chat_template.json", "chat_template.jinja")
READERS: tuple[Reader, ...] = (
    Reader("tokenizer-config", _CODE, READS, never, named("tokenizer_config.json"), _read_config, NAMES_OF_CODE),
    Reader("special-tokens", _CODE, READS[:1], never, named("special_tokens_map.json"), _read_special_tokens),
    Reader("chat-template", _CODE, READS[1:2], never, named(*_TEMPLATES), _read_template),
)
