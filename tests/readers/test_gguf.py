"""GGUF headers: facts, split files, speed on a real-size vocabulary, and everything that lies about itself."""

from __future__ import annotations

import struct
import time
import tracemalloc
from hashlib import sha256

import pytest

from model_provenance.domain.facts import DatasetFact, Inspection, LicenseFact, TokenizerFacts

from .build import codes, facts_of, file_facts, gguf, gguf_string, pair, string, strings, tensor, u32

F32, Q4_K = 0, 12


def test_a_header_says_what_the_model_is() -> None:
    """Architecture, file type, context length, licence, lineage, languages and tokenizer come from the header."""
    pairs = [
        string("general.architecture", "llama"),
        string("general.name", "Tiny"),
        u32("general.file_type", 15),
        string("general.license", "llama3.1"),
        string("general.license.link", "https://example.org/license"),
        u32("general.base_model.count", 2),
        string("general.base_model.0.repo_url", "https://huggingface.co/acme/base"),
        string("general.base_model.1.name", "Other"),
        u32("general.dataset.count", 1),
        string("general.dataset.0.repo_url", "https://huggingface.co/datasets/acme/data"),
        strings("general.languages", ["en", "de"]),
        u32("llama.context_length", 131072),
        pair("llama.rope.freq_base", 6, struct.pack("<f", 500000.0)),
        string("tokenizer.ggml.model", "gpt2"),
        strings("tokenizer.ggml.tokens", ["a", "b", "c"]),
        string("tokenizer.chat_template", "{{ x }}"),
        string("tokenizer.chat_template.tool_use", "{{ y }}"),
    ]
    tensors = [tensor("a", [256, 2], Q4_K, 0), tensor("b", [8], F32, 288)]
    facts = facts_of({"model.gguf": gguf(pairs, tensors, 320)})
    template = f"sha256:{sha256(b'{{ x }}').hexdigest()}"
    assert facts.files[0].inspection is Inspection.READ
    assert (facts.parameters, facts.element_types) == (520, (("Q4_K", 512), ("F32", 8)))
    assert (facts.architecture, facts.quantization, facts.languages) == ("llama", "Q4_K_M", ("en", "de"))
    assert facts.base_models == ("acme/base", "Other")
    assert facts.datasets == (DatasetFact("acme/data", "model.gguf"),)
    assert facts.licenses == (LicenseFact("llama3.1", "model.gguf", None, "https://example.org/license"),)
    assert facts.tokenizer == TokenizerFacts("gpt2", 3, template)
    details = facts.files[0].details
    assert details["context_length"] == 131072
    assert details["hyperparameters"]["rope.freq_base"] == "500000.0"
    assert set(details["tokenizer"]["chat_templates"]) == {"default", "tool_use"}
    assert details["general"] == {"name": "Tiny"}


def test_all_value_types_of_versions_2_and_3_are_read() -> None:
    """Every scalar, strings, arrays of each, and arrays of arrays are stepped over exactly."""
    scalars = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
    pairs = [pair(f"x.{kind}", kind, struct.pack(layout, 1)) for kind, layout in scalars.items()]
    pairs += [
        pair(f"y.{kind}", 9, struct.pack("<IQ", kind, 3) + struct.pack(layout, 1) * 3)
        for kind, layout in scalars.items()
    ]
    inner = struct.pack("<IQ", 8, 2) + gguf_string("a") + gguf_string("b")
    pairs += [pair("z.nested", 9, struct.pack("<IQ", 9, 2) + inner * 2), string("general.architecture", "x")]
    for version in (2, 3):
        facts = file_facts("model.gguf", gguf(pairs, version=version))
        assert facts.inspection is Inspection.READ
        assert facts.details["gguf_version"] == version
        assert facts.details["hyperparameters"]["7"] is True
        assert len(facts.details["hyperparameters"]) == len(scalars)


def test_a_tensor_type_that_is_too_new_is_named_by_its_number() -> None:
    """New quantisations keep the file readable: their parameters count, their size is not checked."""
    facts = file_facts("model.gguf", gguf([], [tensor("a", [64], 99, 0)], 64))
    assert facts.details["element_types"] == {"type-99": 64}


def test_parts_of_a_split_file_are_one_model() -> None:
    """Three parts make one model; without the second nothing is counted and a finding says so."""
    part = gguf([string("general.architecture", "llama")], [tensor("a", [8], F32, 0)], 32)
    names = [f"big-{number:05}-of-00003.gguf" for number in (1, 2, 3)]
    assert facts_of(dict.fromkeys(names, part)).parameters == 24
    facts = facts_of({names[0]: part, names[2]: part})
    assert facts.parameters is None
    assert codes(facts) == ["readers.shards"]
    assert "shard 2" in facts.findings[0].message


def test_quantisations_side_by_side_are_alternatives() -> None:
    """The same model in two quantisations has its parameters once."""
    small = gguf([u32("general.file_type", 15)], [tensor("a", [256], Q4_K, 0)], 144)
    large = gguf([u32("general.file_type", 0)], [tensor("a", [256], F32, 0)], 1024)
    facts = facts_of({"m-Q4_K_M.gguf": small, "m-F32.gguf": large})
    assert (facts.parameters, facts.quantization) == (256, "F32")
    assert not facts.findings


def test_a_vision_projector_is_not_the_model() -> None:
    """A projector beside a model is not an alternative of it."""
    model = gguf([string("general.architecture", "llama")], [tensor("a", [8], F32, 0)], 32)
    projector = gguf([string("general.architecture", "clip")], [tensor("a", [80], F32, 0)], 320)
    facts = facts_of({"a-mmproj.gguf": projector, "model-q8.gguf": model})
    assert facts.parameters == 8
    assert facts.architecture == "llama"


def big_vocabulary() -> bytes:
    """The header of a Llama 3: 128,256 tokens, as many types, 280,147 merges."""
    pairs = [
        string("general.architecture", "llama"),
        strings("tokenizer.ggml.tokens", (f"token{number}" for number in range(128_256))),
        pair("tokenizer.ggml.token_type", 9, struct.pack("<IQ", 5, 128_256) + bytes(4 * 128_256)),
        strings("tokenizer.ggml.merges", (f"Ġa{number % 1000} b{number}" for number in range(280_147))),
    ]
    return gguf(pairs, [tensor("a", [256], Q4_K, 0)], 144)


def test_a_llama_size_vocabulary_is_stepped_over_at_once() -> None:
    """400,000 strings cost a fraction of a second, and memory for one window only."""
    data = big_vocabulary()
    start = time.thread_time()
    facts = file_facts("model.gguf", data)
    assert time.thread_time() - start < 0.5  # 0.05 s on an idle machine
    assert facts.details["tokenizer"] == {"tokens": 128_256, "merges": 280_147}
    tracemalloc.start()
    file_facts("model.gguf", data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6


LIES = {
    "version 1": (gguf(version=1), "version 1"),
    "big-endian": (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
    "version 0": (gguf(version=0), "version 0"),
    "2^63 pairs": (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**63), "key-value pairs"),
    "2^64 tensors": (b"GGUF" + struct.pack("<IQQ", 3, 2**64 - 1, 0), "tensors"),
    "2^63 key": (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 2**63), "key is"),
    "2^63 string": (gguf([pair("a", 8, struct.pack("<Q", 2**63))]), "are announced"),
    "2^63 array": (gguf([pair("a", 9, struct.pack("<IQ", 4, 2**63))]), "are announced"),
    "2^62 strings": (gguf([pair("a", 9, struct.pack("<IQ", 8, 2**62))]), "members"),
    "2^40 arrays": (gguf([pair("a", 9, struct.pack("<IQ", 9, 2**40))]), "members"),
    "string in array beyond the end": (gguf([pair("a", 9, struct.pack("<IQQ", 8, 1, 2**64 - 9))]), "are announced"),
    "nested arrays": (gguf([pair("a", 9, struct.pack("<IQ", 9, 1) * 6)]), "nested"),
    "unknown value type": (gguf([pair("a", 13, b"")]), "type 13"),
    "unknown array type": (gguf([pair("a", 9, struct.pack("<IQ", 77, 1))]), "type 77"),
    "boolean of 2": (gguf([pair("a", 7, b"\x02")]), "boolean"),
    "duplicate key": (gguf([u32("a", 1), u32("a", 2)]), "stands twice"),
    "key not UTF-8": (gguf([pair(b"\xff", 4, bytes(4))]), "UTF-8"),
    "tensor name not UTF-8": (gguf([], [gguf_string(b"\xff") + struct.pack("<IQIQ", 1, 8, 0, 0)], 32), "UTF-8"),
    "duplicate tensor": (gguf([], [tensor("a", [1], 0, 0), tensor("a", [1], 0, 32)], 64), "stands twice"),
    "9 dimensions": (gguf([], [tensor("a", [1] * 9, 0, 0)], 32), "9 dimensions"),
    "2^32 dimensions": (gguf([], [gguf_string("a") + struct.pack("<I", 2**32 - 1)], 32), "dimensions"),
    "tensor beyond the file": (gguf([], [tensor("a", [100], 0, 0)], 32), "bytes are there"),
    "2^63 elements": (gguf([], [tensor("a", [2**63, 2**63], 0, 0)], 32), "which no file has"),
    "2^63 offset": (gguf([], [tensor("a", [1], 0, 2**63)], 32), "which no file has"),
    "2^63 elements of an unknown type": (gguf([], [tensor("a", [2**63], 99, 0)], 32), "bytes can hold"),
    "overlapping tensors": (gguf([], [tensor("a", [16], 0, 0), tensor("b", [1], 0, 32)], 64), "overlap"),
    "misaligned tensor": (gguf([], [tensor("a", [1], 0, 4)], 64), "aligned"),
    "broken row": (gguf([], [tensor("a", [100], Q4_K, 0)], 144), "multiple"),
    "alignment 7": (gguf([u32("general.alignment", 7)], [tensor("a", [1], 0, 0)], 64), "alignment"),
    "alignment 2^31": (gguf([u32("general.alignment", 2**31)], [tensor("a", [1], 0, 0)], 64), "alignment"),
    "nothing behind the magic": (b"GGUF", "are announced"),
    "another magic": (b"GGUX" + bytes(40), "does not begin"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_header_that_lies_is_unreadable(lie: str) -> None:
    """Counts, lengths, types, offsets and sizes are checked against the file before anything is allocated."""
    data, reason = LIES[lie]
    facts = facts_of({"model.gguf": data})
    assert facts.files[0].inspection is Inspection.UNREADABLE
    assert reason in str(facts.files[0].details["reason"])
    assert codes(facts) == ["readers.gguf"]


def test_a_header_is_unreadable_wherever_it_is_cut() -> None:
    """No prefix of a header is taken for a header."""
    whole = gguf([string("general.architecture", "x"), strings("y", ["a", "b"])], [tensor("a", [8], F32, 0)], 32)
    for length in range(4, len(whole)):
        assert file_facts("model.gguf", whole[:length]).inspection is Inspection.UNREADABLE
