"""How a model descends from its base models: what card, adapter, merge configuration and GGUF header say, and no guess."""

from __future__ import annotations

import pytest

from model_provenance.domain.facts import Inspection

from .build import codes, facts_of, file_facts, gguf, json_bytes, string, strings, tensor, u32

F32 = 0
MERGE = b"""merge_method: ties
dtype: bfloat16
base_model: mistralai/Mistral-7B-v0.1
models:
  - model: a/one
    parameters: {weight: 0.5}
  - model: b/two+c/adapter
  - model: {model: {path: d/three, revision: main}}
"""


def card(relation: str) -> bytes:
    return f"---\nbase_model: a/b\nbase_model_relation: {relation}\n---\n".encode()


@pytest.mark.parametrize("relation", ["finetune", "adapter", "merge", "quantized"])
def test_the_card_says_the_relation(relation: str) -> None:
    """In the four words that hubs know."""
    facts = facts_of({"README.md": card(relation)})
    assert (facts.base_models, facts.base_relations) == (("a/b",), {"a/b": relation})


@pytest.mark.parametrize("relation", ["distilled", "[quantized]", "{a: b}", "''"])
def test_another_word_is_no_relation(relation: str) -> None:
    """What hubs do not know is not taken for one of them."""
    assert facts_of({"README.md": card(relation)}).base_relations == {}


def test_quantised_weights_alone_say_no_relation() -> None:
    """Their header names the base of what was quantised, or what was quantised; nobody can tell which."""
    pairs = [
        string("general.architecture", "llama"), u32("general.file_type", 0), string("general.quantized_by", "Ann"),
        u32("general.base_model.count", 1), string("general.base_model.0.repo_url", "https://huggingface.co/a/b"),
    ]  # fmt: skip
    facts = facts_of({"m.gguf": gguf(pairs, [tensor("a", [8], F32, 0)], 32)})
    assert (facts.base_models, facts.base_relations, facts.quantized_by) == (("a/b",), {}, "Ann")


def test_an_adapter_says_it_by_being_one() -> None:
    """PEFT's configuration, or a GGUF of that type."""
    config = json_bytes({"peft_type": "LORA", "base_model_name_or_path": "a/b"})
    assert facts_of({"adapter_config.json": config}).base_relations == {"a/b": "adapter"}
    header = gguf([string("general.type", "adapter")], [tensor("a", [8], F32, 0)], 32)
    assert facts_of({"lora.gguf": header}).base_relation == "adapter"


def test_a_merge_names_its_models() -> None:
    """All of them, with their adapters and their base; method and type are details."""
    facts = facts_of({"mergekit_config.yml": MERGE})
    assert facts.files[0].inspection is Inspection.READ
    models = ["a/one", "b/two", "c/adapter", "d/three", "mistralai/Mistral-7B-v0.1"]
    assert facts.files[0].details == {"merge_method": "ties", "dtype": "bfloat16", "models": models}
    assert (facts.base_models, facts.base_relations) == (tuple(models), dict.fromkeys(models, "merge"))


def test_a_merge_of_slices_names_its_models() -> None:
    """A model put together from layers of others."""
    config = b"slices:\n- sources: [{model: a/one, layer_range: [0, 8]}, {model: b/two, layer_range: [8, 16]}]\n"
    assert facts_of({"mergekit_config.yml": config}).base_models == ("a/one", "b/two")


def test_what_the_author_wrote_counts_before_what_files_imply() -> None:
    """A quantised merge is called quantised by its card."""
    config = MERGE.replace(b"a/one", b"a/b")
    facts = facts_of({"README.md": card("quantized"), "mergekit_config.yml": config})
    assert facts.base_relations["a/b"] == "quantized"


def test_what_a_file_says_of_its_base_is_said_of_no_other() -> None:
    """An adapter of one model beside a card that names another: the card says of its own what it says, which is nothing."""
    card_of_another = b"---\nbase_model: [c/d, e/f]\n---\n"
    config = json_bytes({"peft_type": "LORA", "base_model_name_or_path": "a/b"})
    facts = facts_of({"README.md": card_of_another, "adapter_config.json": config})
    assert facts.base_models == ("c/d", "e/f", "a/b")
    assert (facts.base_relations, facts.base_relation) == ({"a/b": "adapter"}, None)


def test_it_is_known_which_file_says_what() -> None:
    """The one that is believed; of languages, which are put together, only where one says them all."""
    config = json_bytes({"peft_type": "LORA", "base_model_name_or_path": "a/b"})
    spoken = gguf([strings("general.languages", ["de"])], [tensor("a", [8], F32, 0)], 32)
    card_file = b"---\npipeline_tag: text-generation\nlanguage: en\n---\n"
    alone = facts_of({"README.md": card_file, "adapter_config.json": config})
    assert alone.sources == {"task": "README.md", "library": "adapter_config.json", "languages": "README.md"}
    assert facts_of({"README.md": card_file, "m.gguf": spoken}).sources["languages"] == ""
    assert facts_of({"m.gguf": spoken}).sources == {"languages": "m.gguf"}


@pytest.mark.parametrize("data", [b"", b"a: 1", b"- a", b"models: x", b"a: &a [*a]", b"models: [{model: ''}]", b"\xff"])
def test_a_merge_without_models_is_a_finding(data: bytes) -> None:
    """Never silence."""
    assert codes(facts_of({"mergekit_config.yml": data})) == ["readers.config"]
    assert file_facts("mergekit_config.yml", data).inspection is Inspection.UNREADABLE
