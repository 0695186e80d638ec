"""Many files, one model: what is counted, what wins, and what is said about the rest."""

from __future__ import annotations

import pytest

from model_provenance.domain.facts import Inspection, TokenizerFacts
from model_provenance.domain.finding import Severity, Status

from .build import codes, facts_of, framed, gguf, json_bytes, safetensors, shard, string, strings, tensor, torch_zip
from .compiled_files import hdf5, tflite


def test_numbered_shards_are_one_model_without_an_index() -> None:
    """Names with `-00001-of-00002` belong together."""
    facts = facts_of(
        {"model-00001-of-00002.safetensors": shard(1), "model-00002-of-00002.safetensors": shard(2, prefix="u")}
    )
    assert facts.parameters == 12
    assert not facts.findings


def test_a_missing_or_unreadable_shard_leaves_the_parameters_unknown() -> None:
    """A sum over some of the shards would be a false claim."""
    facts = facts_of({"model-00001-of-00002.safetensors": shard(1)})
    assert (facts.parameters, facts.element_types) == (None, ())
    assert codes(facts) == ["readers.shards"]
    facts = facts_of({"model-00001-of-00002.safetensors": shard(1), "model-00002-of-00002.safetensors": framed(b"{")})
    assert facts.parameters is None
    assert codes(facts) == ["readers.safetensors"]


def test_variants_in_one_folder_count_once() -> None:
    """The same model in two precisions has its parameters once, and its own element types."""
    half = safetensors({"a": ("F16", [6])})
    full = safetensors({"a": ("F32", [6])})
    facts = facts_of({"model.safetensors": full, "model.fp16.safetensors": half})
    assert (facts.parameters, facts.element_types) == (6, (("F32", 6),))
    assert not facts.findings


def test_alternatives_of_different_size_are_said() -> None:
    """Where sets in one folder differ, one is counted and a finding names it."""
    facts = facts_of({"model.safetensors": shard(2), "other.safetensors": shard(1)})
    assert facts.parameters == 8
    assert codes(facts) == ["readers.several_models"]
    assert "those of model.safetensors" in facts.findings[0].message


def test_a_readable_alternative_is_counted_before_an_unreadable_one() -> None:
    """One broken variant does not hide the parameters of the other."""
    facts = facts_of({"model.safetensors": shard(2), "m.safetensors": framed(b"{")})
    assert facts.parameters == 8
    assert codes(facts) == ["readers.safetensors", "readers.several_models"]


def test_folders_of_a_pipeline_are_summed() -> None:
    """diffusers: the folders that model_index.json names are the model, others are not."""
    files = {
        "model_index.json": json_bytes({"_class_name": "Pipe", "unet": ["diffusers", "U"], "vae": ["diffusers", "V"]}),
        "unet/model.safetensors": shard(1),
        "vae/model.safetensors": shard(2),
        "checkpoint-1/model.safetensors": shard(7),
    }
    facts = facts_of(files)
    assert (facts.parameters, facts.architecture, facts.library) == (12, "Pipe", "diffusers")


def test_modules_of_sentence_transformers_are_summed() -> None:
    """The root and the folders in modules.json are one model; an old checkpoint beside them is not."""
    files = {
        "modules.json": json_bytes([{"path": "", "type": "Transformer"}, {"path": "2_Dense", "type": "Dense"}]),
        "model.safetensors": shard(1),
        "2_Dense/model.safetensors": shard(2),
        "old/model.safetensors": shard(3),
    }
    facts = facts_of(files)
    assert (facts.parameters, facts.library) == (12, "sentence-transformers")


def test_folders_that_nothing_names_are_not_counted() -> None:
    """Two folders with weights and no list: no number, and a finding; one folder is the model."""
    facts = facts_of({"a/model.safetensors": shard(1), "b/model.safetensors": shard(1)})
    assert facts.parameters is None
    assert codes(facts) == ["readers.several_models"]
    assert facts_of({"a/model.safetensors": shard(1)}).parameters == 4


def test_the_card_comes_before_what_libraries_imply() -> None:
    """Library and licence of the card are the author's own words."""
    files = {
        "README.md": b"---\nlibrary_name: acme\nlicense: mit\n---\n",
        "config.json": json_bytes({"transformers_version": "4"}),
        "LICENSE": b"Apache License\nVersion 2.0, January 2004",
    }
    facts = facts_of(files)
    assert facts.library == "acme"
    assert [(license.identifier, license.source) for license in facts.licenses] == [
        ("mit", "README.md"),
        ("Apache-2.0", "LICENSE"),
    ]


def test_cards_and_licences_of_subfolders_speak_for_themselves_only() -> None:
    """The card of a dataset inside the model and the licence of a dependency are details of those files."""
    card = b"---\nlicense: cc-by-nc-4.0\ndatasets: [x]\n---\n"
    facts = facts_of({"data/README.md": card, "third_party/LICENSE": b"Apache License\nVersion 2.0, January 2004"})
    assert (facts.licenses, facts.datasets) == ((), ())
    assert [file.details["license"] for file in facts.files] == [["cc-by-nc-4.0"], "Apache-2.0"]


def test_tokenizer_facts_come_from_the_file_that_knows() -> None:
    """Type and size from tokenizer.json, the template from the configuration."""
    files = {
        "tokenizer.json": json_bytes({"model": {"type": "BPE", "vocab": {"a": 0}}}),
        "tokenizer_config.json": json_bytes({"tokenizer_class": "LlamaTokenizerFast", "chat_template": "x"}),
        "vocab.json": json_bytes({"a": 0, "b": 1}),
    }
    facts = facts_of(files)
    assert facts.tokenizer is not None
    assert (facts.tokenizer.type, facts.tokenizer.vocabulary_size) == ("BPE", 1)
    assert facts.tokenizer.chat_template_digest is not None


def test_a_gguf_alone_says_everything_itself() -> None:
    """A folder with one GGUF has architecture and tokenizer from its header."""
    pairs = [
        string("general.architecture", "qwen3"),
        string("tokenizer.ggml.model", "gpt2"),
        strings("tokenizer.ggml.tokens", ["a"]),
    ]
    facts = facts_of({"m.gguf": gguf(pairs, [tensor("a", [8], 0, 0)], 32)})
    assert (facts.architecture, facts.parameters, facts.quantization) == ("qwen3", 8, "F32")
    assert facts.tokenizer == TokenizerFacts("gpt2", 1, None)


def test_nothing_is_silent() -> None:
    """Every file has a status; weights that were not looked into are a warning, other files are for the record."""
    files = {
        "model.tflite": tflite(),
        "notes.xyz": b"hello",
        "model.h5": hdf5({}),
    }
    facts = facts_of(files)
    assert {file.path: file.inspection for file in facts.files} == {
        "model.tflite": Inspection.RECOGNISED,
        "model.h5": Inspection.RECOGNISED,
        "notes.xyz": Inspection.NOT_INSPECTED,
    }
    assert codes(facts) == ["readers.not_inspected", "readers.weights_not_inspected"]
    assert {(finding.severity, finding.status) for finding in facts.findings} == {
        (Severity.WARNING, Status.SKIPPED),
        (Severity.INFO, Status.SKIPPED),
    }
    assert facts.formats == ("hdf5", "tflite")


def test_findings_about_thousands_of_files_are_bounded() -> None:
    """Ten thousand broken files give a hundred findings and one that counts the rest."""
    facts = facts_of({f"{number}.gguf": b"GGUF" for number in range(1000)})
    broken = [finding for finding in facts.findings if finding.id == "readers.gguf"]
    assert len(broken) == 101
    assert "900 more" in broken[-1].message


def test_names_of_files_are_escaped_in_messages() -> None:
    """A file name with a terminal escape cannot rewrite what an operator sees."""
    facts = facts_of({"\x1b[2J.gguf": b"GGUF", "a\n.xyz": b""})
    assert all("\x1b" not in finding.message and "\n" not in finding.message for finding in facts.findings)


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_files_does_not_matter(order: int) -> None:
    """The same files give the same facts, however they are listed."""
    files = {
        "config.json": json_bytes({"model_type": "a"}),
        "model.safetensors": shard(2),
        "pytorch_model.bin": torch_zip(),
        "README.md": b"---\nlicense: mit\n---\n",
        "x/config.json": json_bytes({"model_type": "b"}),
    }
    assert facts_of(dict(list(files.items())[::order])) == facts_of(files)


def test_an_empty_model_has_empty_facts() -> None:
    """No files, no claims."""
    facts = facts_of({})
    assert (facts.files, facts.parameters, facts.findings) == ((), None, ())
