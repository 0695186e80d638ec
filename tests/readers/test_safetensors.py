"""Safetensors headers: what is read, and what is refused more strictly than by the reference."""

from __future__ import annotations

import ctypes
import json
import time
import tracemalloc

import pytest
import safetensors as reference
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.domain.facts import Inspection

from .build import codes, facts_of, file_facts, framed, safetensors, shard

ENTRY = '"{}":{{"dtype":"F32","shape":[{}],"data_offsets":[{},{}]}}'


def entry(name: str, shape: str, begin: int, end: int) -> str:
    return ENTRY.format(name, shape, begin, end)


def one(header: str, data: bytes = b"") -> tuple[Inspection, str]:
    """Inspection and reason of a file with this header."""
    facts = file_facts("model.safetensors", framed(header.encode(), data))
    return facts.inspection, str(facts.details.get("reason", ""))


def test_tensors_are_counted_by_element_type() -> None:
    """Parameters are the elements of all tensors, split by element type, with the header's metadata."""
    data = safetensors({"a": ("F32", [2, 3]), "b": ("BF16", [5]), "c": ("I64", [])}, {"format": "pt"})
    facts = file_facts("model.safetensors", data)
    assert facts.inspection is Inspection.READ
    assert facts.details["tensors"] == 3
    assert facts.details["parameters"] == 12
    assert facts.details["element_types"] == {"F32": 6, "BF16": 5, "I64": 1}
    assert facts.details["metadata"] == {"format": "pt"}


def test_the_reference_library_writes_what_we_read() -> None:
    """A file serialised by the safetensors package is read, with packed sub-byte types by their bits."""
    buffer = ctypes.create_string_buffer(96)
    address = ctypes.addressof(buffer)
    specs = {
        "half": reference.TensorSpec(dtype="float16", shape=[4, 3], data_ptr=address, data_len=24),
        "packed": reference.TensorSpec(dtype="float4_e2m1fn_x2", shape=[2, 4], data_ptr=address, data_len=8),
        "eight": reference.TensorSpec(dtype="float8_e4m3fn", shape=[7], data_ptr=address, data_len=7),
    }
    data = reference.serialize(specs, {"format": "pt"})
    facts = file_facts("model.safetensors", bytes(data))
    assert facts.inspection is Inspection.READ
    assert facts.details["element_types"] == {"F16": 12, "F4": 16, "F8_E4M3": 7}


def test_fields_may_stand_in_any_order_with_white_space() -> None:
    """Offsets before shape before type, and padding behind the header, are one and the same header."""
    header = '{ "a" : { "data_offsets" : [ 0 , 8 ] , "dtype" : "F32" , "shape" : [ 2 ] } , "__metadata__" : { } }   '
    assert one(header, bytes(8)) == (Inspection.READ, "")


def test_tensors_may_be_listed_in_another_order_than_they_lie() -> None:
    """Coverage is checked in order of offsets, with empty tensors among them."""
    header = "{" + ",".join([entry("b", "1", 4, 8), entry("a", "1", 0, 4), entry("e", "0", 4, 4)]) + "}"
    assert one(header, bytes(8))[0] is Inspection.READ


@pytest.mark.parametrize(
    ("header", "data", "reason"),
    [
        ("{" + entry("a", "1", 0, 4) + "," + entry("a", "1", 4, 8) + "}", 8, "stands twice"),
        ("{" + entry("a", "1", 0, 4) + "," + entry("\\u0061", "1", 4, 8) + "}", 8, "stands twice"),
        ("{" + entry("a", "1", 0, 4) + "," + entry("b", "1", 8, 12) + "}", 12, "leave a hole"),
        ("{" + entry("a", "2", 0, 8) + "," + entry("b", "1", 4, 8) + "}", 8, "overlap"),
        ("{" + entry("a", "1", 0, 4) + "}", 5, "5 bytes follow"),
        ("{" + entry("a", "1", 0, 4) + "}", 0, "0 bytes follow"),
        ("{" + entry("a", "2", 0, 4) + "}", 4, "2 elements of F32 and 4 bytes"),
        ("{" + entry("a", "1", 4, 0) + "}", 4, "elements"),
        ("{" + entry("a", "9223372036854775808,2", 0, 4) + "}", 4, "elements"),
        ("{" + entry("a", "-1", 0, 4) + "}", 4, "not valid"),
        ("{" + entry("a", "01", 0, 4) + "}", 4, "not valid"),
        ("{" + entry("a", "1.0", 0, 4) + "}", 4, "not valid"),
        ("{" + entry("a", "99999999999999999999", 0, 4) + "}", 4, "not valid"),
        ("{" + entry("a", ",".join(["1"] * 40), 0, 4) + "}", 4, "not valid"),
        ('{"a":{"dtype":"F32","dtype":"F32","data_offsets":[0,4]}}', 4, "names a field twice"),
        ('{"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}', 4, "F33"),
        ('{"a":{"dtype":"F32","shape":[1]}}', 4, "not valid"),
        ('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}', 4, "not valid"),
        ('{"a":[1,2]}', 0, "not valid"),
        ('{"__metadata__":{"a":"1","a":"2"}}', 0, "stands twice"),
        ('{"__metadata__":{"a":"1"},"__metadata__":{"a":"1"}}', 0, "stands twice"),
        ('{"__metadata__":{"a":1}}', 0, "not valid"),
        ('{"__metadata__":{"a":"1"}', 0, "not valid"),
        ("{}{}", 0, "after its end"),
        ("[]", 0, "does not begin with an object"),
        ("", 0, "does not begin with an object"),
        ('{"a":' * 1000, 0, "not valid"),
    ],
)
def test_a_header_that_is_not_right_is_unreadable(header: str, data: int, reason: str) -> None:
    """Duplicate keys, holes, overlaps, wrong sizes and anything beyond the format are refused, each with its reason."""
    inspection, said = one(header, bytes(data))
    assert inspection is Inspection.UNREADABLE
    assert reason in said


def test_invalid_utf8_in_a_name_is_refused() -> None:
    """Names are UTF-8 or the file is not read."""
    header = b"{" + entry("@", "1", 0, 4).encode().replace(b"@", b"\xff\xfe") + b"}"
    facts = file_facts("model.safetensors", framed(header, bytes(4)))
    assert facts.inspection is Inspection.UNREADABLE


@pytest.mark.parametrize("length", [2**64 - 1, 2**63, 100_000_001, 100_000_000, 17 << 20, 1000])
def test_a_header_length_that_lies_costs_nothing(length: int) -> None:
    """Lengths beyond the file, the format or our limit are refused before anything is read."""
    facts = facts_of({"model.safetensors": length.to_bytes(8, "little") + b'{"a":1}'})
    assert facts.files[0].inspection is Inspection.UNREADABLE
    assert codes(facts) == ["readers.safetensors"]
    assert facts.parameters is None


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.lists(st.integers(0, 5), max_size=3), max_size=6))
def test_what_the_reference_accepts_we_accept(shapes: dict[str, list[int]]) -> None:
    """Any well-formed file, whatever the names, has the same tensors for the reference and for us."""
    shapes.pop("__metadata__", None)
    data = safetensors({name: ("F16", shape) for name, shape in shapes.items()})
    listed = dict(reference.deserialize(data))
    facts = file_facts("model.safetensors", data)
    assert facts.details["tensors"] == len(listed)


@given(st.data())
def test_what_the_reference_refuses_we_refuse(data: st.DataObject) -> None:
    """One changed byte of a header: where the reference raises, our file is unreadable (never the other way round)."""
    good = bytearray(safetensors({"first": ("F32", [2, 2]), "second": ("I8", [3])}, {"format": "pt"}))
    at = data.draw(st.integers(0, len(good) - 20))
    good[at] = data.draw(st.integers(0, 255))
    facts = file_facts("model.safetensors", bytes(good))
    try:
        reference.deserialize(bytes(good))
    except reference.SafetensorError:
        assert facts.inspection is Inspection.UNREADABLE


@pytest.mark.parametrize("order", [("dtype", "shape", "data_offsets"), ("data_offsets", "shape", "dtype")])
def test_a_hundred_thousand_tensors_are_read_in_a_second(order: tuple[str, ...]) -> None:
    """An 11 MB header costs less than a second of processor time and less than 64 MB."""
    members, end = {}, 0
    for number in range(100_000):
        value = {"dtype": "F32", "shape": [1, 1 + number % 7], "data_offsets": [end, end + 4 * (1 + number % 7)]}
        members[f"model.layers.{number}.self_attn.q_proj.weight"] = {key: value[key] for key in order}
        end += 4 * (1 + number % 7)
    data = framed(json.dumps(members, separators=(",", ":")).encode(), bytes(end))
    start = time.thread_time()
    facts = file_facts("model.safetensors", data)
    assert time.thread_time() - start < 2  # 0.25 to 0.6 s on an idle machine; test machines are not idle
    assert facts.details["tensors"] == 100_000


def test_a_large_header_takes_little_memory() -> None:
    """30,000 tensors cost no more than eight times the bytes of their header."""
    data = shard(30_000, 0, "model.layers.self_attn.q_proj.weight")
    tracemalloc.start()
    file_facts("model.safetensors", data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * len(data)


def test_more_tensors_than_the_limit_are_unreadable() -> None:
    """The number of tensors is bounded, so that the time is."""
    header = "{" + ",".join(entry(f"t{number}", "0", 0, 0) for number in range(100_001)) + "}"
    assert "100000 tensors" in one(header)[1]


def test_metadata_is_bounded_and_counted() -> None:
    """Training tools write thousands of entries; 32 are kept, all are counted, control characters go."""
    data = safetensors({"a": ("F32", [1])}, {f"key{number}": "x\x1b[2J" * 200 for number in range(50)})
    facts = file_facts("model.safetensors", data)
    assert facts.details["metadata_entries"] == 50
    assert len(facts.details["metadata"]) == 32
    assert "\x1b" not in str(facts.details)
    assert max(map(len, facts.details["metadata"].values())) <= 513


def test_an_adapter_is_not_counted_as_the_model() -> None:
    """`adapter_model.safetensors` beside a model does not change the parameters of the model."""
    facts = facts_of({"model.safetensors": shard(3), "adapter_model.safetensors": shard(1)})
    assert facts.parameters == 12
    assert facts_of({"adapter_model.safetensors": shard(1)}).parameters == 4
