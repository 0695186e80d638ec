"""JSON files around the weights: configurations, adapters, tokenizers, shard indexes, remote code."""

from __future__ import annotations

import json
import time
import tracemalloc
from hashlib import sha256
from typing import Any

import pytest

from model_provenance.domain.facts import Inspection, TokenizerFacts

from .build import codes, facts_of, file_facts, json_bytes, shard

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "torch_dtype": "bfloat16",
    "max_position_embeddings": 8192,
    "hidden_size": 4096,
    "rope_theta": 500000.0,
    "transformers_version": "4.44.0",
    "quantization_config": {"quant_method": "gptq", "bits": 4},
}


def test_a_configuration_names_architecture_and_sizes() -> None:
    """Architecture, model type, context length, quantisation and hyperparameters; floats as text."""
    facts = facts_of({"config.json": json_bytes(CONFIG)})
    assert (facts.architecture, facts.model_type, facts.quantization) == ("LlamaForCausalLM", "llama", "gptq-4bit")
    assert facts.library == "transformers"
    details = facts.files[0].details
    assert details["context_length"] == 8192
    assert details["hyperparameters"]["rope_theta"] == "500000.0"


def test_a_multimodal_model_has_its_sizes_in_the_text_part() -> None:
    """`text_config` is looked into where the outer configuration says nothing."""
    details = file_facts(
        "config.json", json_bytes({"text_config": {"max_position_embeddings": 1024, "hidden_size": 8}})
    )
    assert details.details["context_length"] == 1024
    assert details.details["hyperparameters"]["hidden_size"] == 8


def test_a_configuration_of_a_part_does_not_speak_for_the_model() -> None:
    """The root's configuration comes before a subfolder's, whatever their order by name."""
    files = {"config.json": json_bytes({"model_type": "outer"}), "a/config.json": json_bytes({"model_type": "inner"})}
    assert facts_of(files).model_type == "outer"


def test_generation_settings_are_kept() -> None:
    """Sampling settings are facts of the file."""
    details = file_facts("generation_config.json", json_bytes({"temperature": 0.6, "top_k": 20})).details
    assert details["settings"] == {"temperature": "0.6", "top_k": 20}


def test_an_adapter_names_its_base() -> None:
    """A LoRA adapter cannot be without its base model, which is named; the library is peft."""
    config = {"peft_type": "LORA", "r": 16, "lora_alpha": 32, "base_model_name_or_path": "acme/base"}
    facts = facts_of({"adapter_config.json": json_bytes(config), "adapter_model.safetensors": shard(2)})
    assert facts.base_models == ("acme/base",)
    assert facts.library == "peft"
    assert facts.parameters == 8
    assert facts.files[0].details["r"] == 16


def test_a_path_on_the_trainers_machine_is_no_base_model() -> None:
    """`/home/me/base` names nothing for anybody else; it stays a detail of the file."""
    facts = facts_of({"adapter_config.json": json_bytes({"base_model_name_or_path": "/home/me/base"})})
    assert facts.base_models == ()
    assert facts.files[0].details["base_model_name_or_path"] == "/home/me/base"


def test_remote_code_is_executable() -> None:
    """Python files that `auto_map` names are executable; code of another repository makes the configuration so."""
    config = {"auto_map": {"AutoConfig": "configuration_x.XConfig", "AutoModel": "acme/other--modeling_y.Y"}}
    facts = facts_of({"config.json": json_bytes(config), "configuration_x.py": b"", "handler.py": b""})
    assert facts.executable == ("config.json", "configuration_x.py")
    finding = next(finding for finding in facts.findings if finding.id == "readers.remote_code")
    assert "configuration_x.py" in finding.message
    assert "acme/other--modeling_y.Y" in finding.message


def test_remote_code_of_tokenizers_and_processors_counts_too() -> None:
    """Lists with a null, as tokenizers write them, and processors are read the same way."""
    files = {
        "tokenizer_config.json": json_bytes({"auto_map": {"AutoTokenizer": ["tok.Slow", None]}}),
        "preprocessor_config.json": json_bytes({"auto_map": {"AutoProcessor": "proc.P"}}),
        "tok.py": b"",
        "proc.py": b"",
    }
    assert facts_of(files).executable == ("proc.py", "tok.py")


def tokenizer(model: dict[str, Any], added: list[dict[str, Any]] | None = None) -> bytes:
    return json_bytes({"version": "1.0", "added_tokens": added or [], "normalizer": {"type": "NFC"}, "model": model})


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ({"type": "BPE", "vocab": {"a": 0, 'b"\\': 1, "ż": 2}, "merges": ["a b"]}, 3),
        ({"type": "BPE", "vocab": {"a": 0, "[": 1, "}": 2}, "merges": [["a", "["], ["a", "}"]]}, 3),
        ({"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["▁a", -2.5]]}, 2),
        ({"type": "WordPiece", "vocab": {}}, 0),
    ],
)
def test_a_vocabulary_is_counted_without_being_built(model: dict[str, Any], size: int) -> None:
    """Type and size of every kind of model, whatever characters its tokens hold, indented or not."""
    for text in (tokenizer(model), json.dumps(json.loads(tokenizer(model)), indent=2).encode()):
        facts = facts_of({"tokenizer.json": text})
        assert facts.tokenizer == TokenizerFacts(model["type"], size, None)
        assert facts.files[0].details["normalizer"] == "NFC"


def test_added_tokens_count_once() -> None:
    """Tokens added behind the vocabulary make it larger; those inside it do not."""
    data = tokenizer({"type": "BPE", "vocab": {"a": 0, "b": 1}}, [{"id": 1, "content": "b"}, {"id": 2, "content": "c"}])
    assert facts_of({"tokenizer.json": data}).tokenizer == TokenizerFacts("BPE", 3, None)


def test_a_tokenizer_of_128k_tokens_is_read_at_once() -> None:
    """19 MB of indented JSON with 128,000 tokens and 280,000 pairs: below a second, memory for the file and little more."""
    vocab = {f"token{number}": number for number in range(128_000)}
    merges = [[f"a{number}", f"b{number}"] for number in range(280_000)]
    data = json.dumps({"model": {"type": "BPE", "vocab": vocab, "merges": merges}}, indent=2).encode()
    start = time.thread_time()
    facts = facts_of({"tokenizer.json": data})
    assert time.thread_time() - start < 1  # 0.1 s on an idle machine
    assert facts.tokenizer == TokenizerFacts("BPE", 128_000, None)
    tracemalloc.start()
    facts_of({"tokenizer.json": data})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(data) + 4e6


def test_vocabularies_of_old_tokenizers_are_counted() -> None:
    """Lines of vocab.txt, members of vocab.json."""
    assert facts_of({"vocab.txt": b"a\nb\nc"}).tokenizer == TokenizerFacts(None, 3, None)
    assert facts_of({"vocab.json": b'{"a": 0, "\\u0120b": 1}'}).tokenizer == TokenizerFacts(None, 2, None)


def test_chat_templates_are_digested_wherever_they_stand() -> None:
    """One template in the configuration and in a file of its own has one digest; a changed one is a finding."""
    digest = f"sha256:{sha256(b'{{ a }}').hexdigest()}"
    files = {
        "tokenizer_config.json": json_bytes({"tokenizer_class": "T", "chat_template": "{{ a }}"}),
        "chat_template.jinja": b"{{ a }}",
    }
    facts = facts_of(files)
    assert facts.tokenizer == TokenizerFacts("T", None, digest)
    assert not facts.findings
    facts = facts_of({**files, "chat_template.jinja": b"{{ evil }}"})
    assert codes(facts) == ["readers.chat_template"]


def test_named_chat_templates_are_digested_each() -> None:
    """A list of templates keeps its names; the default one is the tokenizer's."""
    named = [{"name": "tool_use", "template": "{{ b }}"}, {"name": "default", "template": "{{ a }}"}]
    facts = facts_of({"tokenizer_config.json": json_bytes({"chat_template": named})})
    assert set(facts.files[0].details["chat_templates"]) == {"tool_use", "default"}
    assert facts.tokenizer is not None
    assert facts.tokenizer.chat_template_digest == f"sha256:{sha256(b'{{ a }}').hexdigest()}"


def index(weight_map: dict[str, str], **more: object) -> bytes:
    return json_bytes({"metadata": {"total_size": 64}, "weight_map": weight_map, **more})


def test_an_index_makes_shards_one_model() -> None:
    """Parameters are the sum over the shards that the index names, and over nothing else in the folder."""
    files = {
        "model.safetensors.index.json": index(
            {"t0": "one.safetensors", "t1": "one.safetensors", "u0": "two.safetensors"}
        ),
        "one.safetensors": shard(2),
        "two.safetensors": shard(1, prefix="u"),
    }
    facts = facts_of(files)
    assert facts.parameters == 12
    assert not facts.findings
    assert facts.files[0].details["total_size"] == 64


def test_an_index_that_differs_from_its_shards_is_a_finding() -> None:
    """Another number of tensors, or a shard that is not there: said, and then not counted."""
    files = {"model.safetensors.index.json": index({"t0": "one.safetensors"}), "one.safetensors": shard(2)}
    assert codes(facts_of(files)) == ["readers.shards"]
    files = {
        "model.safetensors.index.json": index({"t0": "one.safetensors", "u": "no.safetensors"}),
        "one.safetensors": shard(1),
    }
    facts = facts_of(files)
    assert facts.parameters is None
    assert codes(facts) == ["readers.shards"]


def test_an_index_of_a_hundred_thousand_tensors_is_read_at_once() -> None:
    """The index of the largest models costs well below a second."""
    names = {
        f"model.layers.{number}.mlp.experts.weight": f"model-{number % 163:05}.safetensors" for number in range(100_000)
    }
    data = index(names)
    start = time.thread_time()
    facts = file_facts("model.safetensors.index.json", data)
    assert time.thread_time() - start < 1  # 0.15 s on an idle machine
    assert facts.details["shards"] == 163


DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000
HUGE = {f"k{number}": [number] for number in range(150_000)}
BROKEN = {
    "config.json": [
        b"", b"{", b"[]", b"null", b'"text"', b"{} {}", b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":Infinity}', b"\xff\xfe",
        b"\xef\xbb\xbf{}", DEEP, b"[" * 100_000, b'{"a":' + b"9" * 5000 + b"}", json_bytes(HUGE), b" " * (5 << 20),
        b"{" + b'"a":[],' * 90_000, b'{"a":"\x01"}', b'{"a":tru}', b"{'a':1}",
        json_bytes({"auto_map": {str(number): f"m{number}.C" for number in range(200)}}),
    ],
    "tokenizer.json": [
        b"", b"{", b"[]", b'{"model":{"vocab":{"a":0}', b'{"model":{"vocab":[}}', b'{"model":[]}', DEEP, b"{" * 100_000,
        b'{"model":{},"model":{}}', b'{"version":' + b"1" * 2000 + b"}", b'{"a":"\\', b'{"a":"b', b'{"a" 1}', b'{"a":1,}',
        b'{"model":{"vocab":' + b"{}," * 800_000, b'{"x":[' + b"[]," * 2_100_000, b'{"x":"' + b"\\n" * 100_000, b" " * (37 << 20),
        b'{"a":1}x', b'{"added_tokens":' + json.dumps(HUGE).encode() + b"}", b'{"a":\xff}', b'{"a":01}', b'{"\\ud800":1',
    ],
    "model.safetensors.index.json": [
        b"", b"[]", b"{}", b'{"weight_map":{}}', b'{"weight_map":[]}', b'{"weight_map":{"a":"../x.safetensors"}}',
        b'{"weight_map":{"a":"/etc/passwd"}}', b'{"weight_map":{"a":".."}}', b'{"weight_map":{"a":"b","a":"b"}}',
        b'{"weight_map":{"a":"b","\\u0061":"b"}}', b'{"weight_map":{"a":1}}', b'{"weight_map":{"a":"b"}} x',
        b'{"weight_map":{"a":"b"},"weight_map":{"a":"b"}}', b'{"weight_map":{"a":"b"', b" " * (33 << 20),
        index({f"t{number}": f"shard{number}" for number in range(11_000)}), b'{"weight_map":{"' + b"a" * 2_000_000 + b'":"b"}}',
    ],
    "adapter_config.json": [b"", b"[]", DEEP],
    "tokenizer_config.json": [b"", b"[]", DEEP],
    "model_index.json": [b"", b"3", json_bytes({"../up": ["a", "B"]}), json_bytes({str(n): ["a", "B"] for n in range(100)})],
    "modules.json": [b"", json_bytes([{"path": "/abs"}]), json_bytes([{"path": f"{n}"} for n in range(100)])],
    "vocab.json": [b"", b"[]", b'{"a":0', b'{"a":0} 1'],
    "generation_config.json": [b"", b"[1]"],
    "chat_template.json": [b"", b"[]"],
}  # fmt: skip
NAMING_CODE = ("config.json", "adapter_config.json", "tokenizer_config.json", "model_index.json", "modules.json")
CASES = [(name, number) for name, cases in BROKEN.items() for number in range(len(cases))]


@pytest.mark.parametrize(("name", "number"), CASES)
def test_a_file_that_is_not_what_its_name_says_is_unreadable(name: str, number: int) -> None:
    """Broken, nested, duplicated, oversized: one finding, no facts, in bounded time; what may name code counts as naming it."""
    start = time.thread_time()
    facts = facts_of({name: BROKEN[name][number]})
    assert time.thread_time() - start < 3
    assert facts.files[0].inspection is Inspection.UNREADABLE
    assert facts.findings[0].id.startswith("readers.")
    assert facts.findings[0].message.startswith(name)
    executes = name in NAMING_CODE
    assert [finding.id for finding in facts.findings[1:]] == ["readers.executable"] * executes
    assert facts.executable == (name,) * executes


def test_values_of_the_wrong_type_are_left_out() -> None:
    """A configuration whose fields hold other types than they should is read for what remains."""
    odd: list[Any] = [None, True, 1, 2**70, 1.5, "x", [], [1], {}, {"a": [None]}, "\ud800", [[["deep"]]]]
    for value in odd:
        for name in ("config.json", "adapter_config.json", "tokenizer_config.json", "modules.json", "model_index.json"):
            keys = (
                "architectures", "model_type", "quantization_config", "auto_map", "text_config", "chat_template", "r",
                "max_position_embeddings", "tokenizer_class", "base_model_name_or_path", "_class_name", "custom_pipelines",
            )  # fmt: skip
            facts = facts_of({name: json_bytes(dict.fromkeys(keys, value))})
            json.dumps(facts.files[0].details, allow_nan=False).encode()
