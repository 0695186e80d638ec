"""Pickles are walked, never loaded: what they import decides, by an allow-list, and a walk that fails decides too."""

from __future__ import annotations

import collections
import contextlib
import io
import os
import pickle
import pickletools
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_provenance.domain.facts import Inspection
from model_provenance.readers.cursor import Cursor
from model_provenance.readers.pickle_walk import PickleWalk, walk

from .build import TENSOR_PICKLE, codes, facts_of, file_facts


class Evil:
    """Pickles to a call of os.system."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("true",)


def walked(data: bytes) -> PickleWalk:
    found = PickleWalk()
    walk(Cursor.over(data), found)
    return found


@pytest.mark.parametrize("protocol", range(6))
def test_a_call_of_os_system_is_found_in_every_protocol(protocol: int) -> None:
    """The import is named and the file is listed as executable, whatever the protocol."""
    facts = facts_of({"model.pkl": pickle.dumps({"w": Evil()}, protocol)})
    assert facts.files[0].details["can_execute_code"] is True
    assert facts.files[0].details["outside_allow_list"] == [f"{os.system.__module__}.system"]
    assert facts.executable == ("model.pkl",)
    assert "readers.executable" in codes(facts)


@pytest.mark.parametrize("protocol", range(6))
def test_plain_data_imports_nothing(protocol: int) -> None:
    """Lists, dicts, numbers and strings have no import; the word safe appears nowhere."""
    facts = facts_of({"model.pkl": pickle.dumps({"a": [1, 2.5, "x", None, True, b"y", 10**30]}, protocol)})
    assert facts.files[0].inspection is Inspection.READ
    assert facts.files[0].details["can_execute_code"] is False
    assert facts.executable == ()
    assert "safe" not in str(facts)


def test_tensors_need_only_what_the_list_allows() -> None:
    """A state dict as torch pickles it stays on the allow-list."""
    found = walked(TENSOR_PICKLE)
    assert found.problem is None
    assert found.outside == []
    assert ("torch._utils", "_rebuild_tensor_v2") in found.imports


def op(text: str) -> bytes:
    """SHORT_BINUNICODE."""
    data = text.encode()
    return b"\x8c" + bytes([len(data)]) + data


HIDDEN = {
    "names pushed, then popped and replaced": (
        b"\x80\x04" + op("os") + op("system") + op("collections") + op("OrderedDict") + b"00\x93."
    ),
    "name from the memo, overwritten by a put": (
        b"\x80\x04" + op("collections") + b"\x94" + op("os") + b"q\x000h\x00" + op("system") + b"\x93."
    ),
    "name computed by a call": b"\x80\x04" + op("os") + b"N\x85R" + op("system") + b"\x93.",
    "names duplicated": b"\x80\x04" + op("os") + b"2\x93.",
    "extension registry": b"\x80\x02\x82\x01.",
    "extension registry, four bytes": b"\x80\x02\x84\x01\x00\x00\x00.",
    "instance of protocol 0": b"(S'true'\nios\nsystem\n.",
    "dotted name": b"\x80\x04" + op("collections") + op("OrderedDict.fromkeys.__globals__") + b"\x93.",
    "name with an escape": b"Vos\\u002e\nVsystem\n\x93.",
    "long name": b"\x80\x04X" + (300).to_bytes(4, "little") + b"o" * 300 + op("system") + b"\x93.",
    "import before a broken opcode": b"\x80\x02cos\nsystem\n(X\x04\x00\x00\x00trueq\x00tR\xff",
    "import before the file ends": b"\x80\x02cos\nsystem\n(X\x04\x00\x00\x00true",
    "second pickle": pickle.dumps([1], 2) + pickle.dumps(Evil(), 2),
}


@pytest.mark.parametrize("trick", HIDDEN)
def test_an_import_cannot_be_hidden(trick: str) -> None:
    """Known tricks against scanners: what the walk cannot name counts as not allowed."""
    facts = facts_of({"model.pkl": HIDDEN[trick]})
    assert facts.files[0].details["can_execute_code"] is True
    assert facts.executable == ("model.pkl",)


def test_bytes_behind_a_pickle_are_no_pickle_without_an_import() -> None:
    """Raw data that begins with opcodes by chance, and sixty-four pickles, which are as many as are read."""
    for behind in (b"N0N0\xff", b"\n", b"I1\n", bytes(64)):
        found = walked(pickle.dumps([1], 2) + behind)
        assert (found.pickles, found.problem, found.outside) == (1, None, [])
    assert walked(pickle.dumps(1, 0) * 64).problem is None
    assert walked(pickle.dumps(1, 0) * 65).bounded
    assert walked(b"N.N.cos\nsystem\n").outside == ["os.system"]


def test_names_from_the_memo_are_followed() -> None:
    """What CPython's pickler writes, memo references included, keeps its names."""
    data = pickle.dumps([collections.OrderedDict(), collections.OrderedDict(), collections.Counter], 4)
    assert walked(data).imports == {("collections", "OrderedDict"), ("collections", "Counter")}


PLAIN = st.none() | st.integers() | st.text() | st.floats(allow_nan=False) | st.binary()


@given(st.recursive(PLAIN, st.lists, max_leaves=30), st.integers(0, 5))
def test_the_walk_ends_where_the_pickle_ends(value: object, protocol: int) -> None:
    """Any plain value: the walk meets STOP without a problem, and pickletools agrees about the number of opcodes."""
    data = pickle.dumps([value, collections.OrderedDict(a=value)], protocol)
    found = walked(data)
    assert found.problem is None
    assert found.outside == []
    assert ("collections", "OrderedDict") in found.imports
    assert found.opcodes == sum(1 for _ in pickletools.genops(data))


class Recorder(pickle.Unpickler):
    """Names what CPython itself asks for, and gives nothing dangerous."""

    asked: set[tuple[str, str]]

    def find_class(self, module: str, name: str) -> Any:
        self.asked.add((module, name))
        return collections.OrderedDict

    def persistent_load(self, pid: object) -> object:
        return pid


ATOMS = [
    op("os"), op("system"), op("collections"), b"\x94", b"q\x00", b"q\x01", b"h\x00", b"h\x01", b"0", b"2", b"N", b"\x93",
    b"(", b"1", b"cos\nsystem\n", b"ccollections\nOrderedDict\n", b")", b"R", b"K\x01", b"Vos\n", b"S'os'\n", b"]", b"a",
    b"\x85", b"\x86", b"}", b"s", b"g0\n", b"p1\n", b"\x95" + bytes(8), b"U\x02os", b"t", b"(ios\nsystem\n", b"p 1\n",
]  # fmt: skip


@settings(max_examples=400)
@given(st.lists(st.sampled_from(ATOMS), max_size=25))
def test_every_import_that_python_would_make_is_seen(atoms: list[bytes]) -> None:
    """Random opcodes: each name that CPython's unpickler looks up is in our imports, or the walk says `(computed)`."""
    data = b"\x80\x04" + b"".join(atoms) + b"."
    recorder = Recorder(io.BytesIO(data))
    recorder.asked = set()
    with contextlib.suppress(Exception):  # whatever the opcodes do to CPython, it asked before it failed
        recorder.load()
    found = walked(data)
    assert recorder.asked <= found.imports or ("(computed)", "(computed)") in found.imports


def test_the_first_bytes_of_another_format_do_not_hide_a_pickle() -> None:
    """`GGUF` and a safetensors length are valid opcodes; by name such files are unpickled, so they are walked."""
    polyglot = b"GGUF\x03\x00\x00\x00\x00" + b"0" + pickle.dumps(Evil(), 0)
    assert facts_of({"model.bin": polyglot}).executable == ("model.bin",)
    header = b"\x80\x02X\x05\x00\x00\x00\x00{aaaa" + b"0" + pickle.dumps(Evil(), 2)
    assert facts_of({"model.pt": header}).executable == ("model.pt",)


def test_a_pickle_with_the_name_of_a_plain_format_is_disguised() -> None:
    """`model.safetensors` that is a pickle is said to be one."""
    facts = facts_of({"model.safetensors": pickle.dumps(Evil(), 2)})
    assert codes(facts) == ["readers.disguised", "readers.executable"]


def test_raw_weights_called_bin_are_not_called_pickles() -> None:
    """A `.bin` without a trace of a pickle is not inspected, and said so."""
    facts = facts_of({"weights.bin": bytes(range(0xE0, 0x100)) * 10})
    assert facts.files[0].inspection is Inspection.NOT_INSPECTED
    assert facts.executable == ()
    assert codes(facts) == ["readers.weights_not_inspected"]


def test_a_pickle_by_name_that_cannot_be_walked_can_execute() -> None:
    """What cannot be followed is unreadable and counts as executable: never fail open."""
    facts = facts_of({"model.pkl": b"\xff\xfe not a pickle"})
    assert facts.files[0].inspection is Inspection.UNREADABLE
    assert facts.executable == ("model.pkl",)
    assert codes(facts) == ["readers.executable", "readers.pickle"]


def test_old_torch_files_are_five_pickles_and_raw_storages() -> None:
    """Bytes behind the fifth pickle are storages, even where they look like another pickle."""
    magic = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
    data = magic + pickle.dumps(1001, 2) + pickle.dumps({}, 2) + TENSOR_PICKLE + pickle.dumps(["0"], 2)
    facts = file_facts("model.bin", data + (640).to_bytes(8, "little") + bytes(64))
    assert facts.format == "pytorch-legacy"
    assert facts.inspection is Inspection.READ
    assert facts.details["can_execute_code"] is False
    assert facts.details["bytes_after_pickles"] == 72


def test_nothing_is_executed(tmp_path: Any) -> None:
    """Inspecting a pickle that would create a file creates none."""
    target = tmp_path / "created"

    class Touch:
        def __reduce__(self) -> tuple[Any, ...]:
            return subprocess.call, (["touch", str(target)],)

    facts_of({"model.pkl": pickle.dumps(Touch(), 4)})
    assert not target.exists()
