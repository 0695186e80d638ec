"""Mutated files: whatever is done to a good one, inspection ends, with a status, bounded facts and no exception."""

from __future__ import annotations

import json
import pickle
import time
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_provenance.domain.facts import Inspection
from model_provenance.errors import CODES

from .build import (
    TENSOR_PICKLE,
    facts_of,
    gguf,
    index_bytes,
    is_shown,
    json_bytes,
    no_floats,
    safetensors,
    string,
    strings,
    tensor,
    torch_zip,
    u32,
    zipped,
)
from .compiled_files import OPENVINO, coreml, savedmodel, tflite
from .onnx_files import initializer, node, onnx

SEEDS: dict[str, bytes] = {
    "model.safetensors": safetensors({"a": ("F32", [2, 2]), "b": ("I8", [3])}, {"format": "pt"}),
    "model.gguf": gguf(
        [
            string("general.architecture", "llama"),
            u32("general.alignment", 32),
            u32("general.file_type", 1),
            strings("tokenizer.ggml.tokens", ["a", "bc"]),
            string("tokenizer.chat_template", "{{ x }}"),
        ],
        [tensor("a", [8, 2], 0, 0), tensor("b", [256], 12, 64)],
        224,
    ),
    "model.pkl": pickle.dumps({"a": [1, 2.0, "x", b"y"], "b": complex(1, 2)}, 4),
    "model.pickle": pickle.dumps({"a": [1, 2.0, "x", b"y"], "b": complex(1, 2)}, 0),
    "model.bin": TENSOR_PICKLE,
    "model.pt": torch_zip(),
    "model.pth": zipped({"archive/data.pkl": TENSOR_PICKLE, "archive/data/0": b"1234"}, zipfile.ZIP_DEFLATED),
    "array.npy": b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }"
    + b" " * 60
    + b"\n",
    "config.json": json_bytes({"architectures": ["A"], "model_type": "a", "auto_map": {"A": "b.C"}, "rope_theta": 1e4}),
    "generation_config.json": json_bytes({"temperature": 0.5, "eos_token_id": [1, 2]}),
    "adapter_config.json": json_bytes({"r": 8, "base_model_name_or_path": "a/b", "target_modules": ["q"]}),
    "model_index.json": json_bytes({"_class_name": "P", "unet": ["diffusers", "U"]}),
    "modules.json": json_bytes([{"path": "a", "type": "b"}]),
    "tokenizer.json": json_bytes({"added_tokens": [{"id": 2}], "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}}}),
    "tokenizer_config.json": json_bytes({"chat_template": [{"name": "default", "template": "x"}]}),
    "model.safetensors.index.json": index_bytes(5),
    "vocab.json": json_bytes({"a": 0}),
    "chat_template.jinja": b"{{ x }}",
    "README.md": b"---\nlicense: mit\ndatasets: [a, b]\nbase_model: &x c/d\nother: *x\n---\ntext\n",
    "LICENSE": b"Apache License\nVersion 2.0, January 2004\n",
    "model.onnx": onnx((node("Conv"),), (initializer((2, 2)),)),
    "model.tflite": tflite(),
    "saved_model.pb": savedmodel(("ReadFile",), ("Add",)),
    "model.mlmodel": coreml(),
    "openvino_model.xml": OPENVINO,
}
INTERESTING = [
    b"", b"\0", b"\xff" * 8, b"\xff" * 4, b"\0" * 8, (2**63).to_bytes(8, "little"), b'"', b"{", b"[", b"}", b"]", b"\\",
    b":", b",", b"\n", b"---\n", b"- ", b"&x ", b"*x", b"!!", b"PK\x03\x04", b"PK\x05\x06", b"\x93", b".", b"c", b"9" * 30,
]  # fmt: skip


@st.composite
def mutations(draw: st.DrawFn, seed: bytes) -> bytes:
    """The seed with up to six bytes or pieces replaced, inserted, removed, repeated or cut."""
    data = bytearray(seed)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 8))
        piece = draw(st.sampled_from(INTERESTING) | st.binary(max_size=4))
        kind = draw(st.integers(0, 5))
        if kind == 0:
            data[at : at + len(piece)] = piece
        elif kind == 1:
            data[at:at] = piece
        elif kind == 2:
            del data[at : at + length]
        elif kind == 3:
            data[at:at] = data[at : at + length] * 3
        elif kind == 4:
            del data[at:]
        else:
            data += piece
    return bytes(data)


@pytest.mark.parametrize("name", SEEDS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_mutated_files_end_in_a_status(name: str, data: st.DataObject) -> None:
    """No mutation crashes or hangs a reader, and its facts are JSON without floats."""
    mutant = data.draw(mutations(SEEDS[name]))
    start = time.thread_time()
    facts = facts_of({name: mutant})
    assert time.thread_time() - start < 2
    file = facts.files[0]
    assert isinstance(file.inspection, Inspection)
    json.dumps(file.details, allow_nan=False).encode()
    assert no_floats(file.details)
    assert all(finding.id in CODES and is_shown(finding.message) for finding in facts.findings)
    if file.inspection is Inspection.UNREADABLE:
        assert facts.findings


@pytest.mark.parametrize("name", SEEDS)
def test_every_seed_is_read(name: str) -> None:
    """What is mutated is good before: otherwise the mutations would all fail at the first byte."""
    assert facts_of({name: SEEDS[name]}).files[0].inspection in (Inspection.READ, Inspection.RECOGNISED)


@given(st.sampled_from(sorted(SEEDS)), st.sampled_from(sorted(SEEDS)))
def test_content_of_one_format_under_the_name_of_another(name: str, other: str) -> None:
    """Any content under any name is inspected or refused, never a crash."""
    facts = facts_of({name: SEEDS[other]})
    assert isinstance(facts.files[0].inspection, Inspection)


@settings(max_examples=200)
@given(st.sampled_from(sorted(SEEDS)), st.binary(max_size=300))
def test_random_bytes_under_any_name(name: str, data: bytes) -> None:
    """Noise under every name that is known."""
    facts = facts_of({name: data})
    assert isinstance(facts.files[0].inspection, Inspection)
