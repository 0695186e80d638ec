"""Zip files: PyTorch's own (pickles beside raw storages), TorchScript, Keras 3, NumPy's .npz, and any other."""

from __future__ import annotations

import re
from typing import Any

from model_provenance.domain.facts import Inspection
from model_provenance.domain.finding import warned
from model_provenance.domain.text import shown
from model_provenance.readers import keras, numpy_array
from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.keras import keras_facts
from model_provenance.readers.pickle_walk import PickleWalk, walk
from model_provenance.readers.pickles import is_pickle, pickle_details, why_it_executes
from model_provenance.readers.reading import Head, Reader, Reading, suffixed
from model_provenance.readers.zip_directory import MAGIC, Member, beginning, contents, members

READS = (
    "the directory, strictly: equal names, encryption, differing headers, bytes before or behind are refused",
    "PyTorch files: every pickle among the members, whatever its name, walked as a bare pickle is; number of storages",
    "TorchScript (has code of its own) and .npz: recognised by their members; object arrays in .npz",
    "libraries and Python files among the members, unless it is named .zip",
    *(f"Keras 3: {line}" for line in keras.READS),
)

_CODE = "readers.archive"
#: PyTorch's raw tensors: there may be 100,000 of them, and torch never unpickles them.
_STORAGE = re.compile(rb"(?:[^/]+/)?(?:data|constants|tensors)/[0-9]+")
_EXAMINED_LIMIT = 1000
_CODE_NAMES = (b".so", b".dll", b".dylib", b".pyd", b".py", b".pyc")
_INFLATE_LIMIT = 32 << 20
_SNIFF = 256
_TORCH = frozenset(("pytorch-zip", "torchscript"))
_KERAS = frozenset((b"config.json", b"metadata.json"))
_INSPECTION = {
    "pytorch-zip": Inspection.READ,
    "torchscript": Inspection.READ,
    "keras": Inspection.READ,
    "npz": Inspection.RECOGNISED,
    "zip": Inspection.NOT_INSPECTED,
}


def _read(head: Head, cursor: Cursor) -> Reading:
    try:
        listed = members(cursor)
    except ReaderError as error:
        # What cannot be listed here, a loader may still open.
        return _unreadable(head, "zip", {}, "it is a zip file that cannot be listed", str(error))
    form = _form([member.raw_name.lower() for member in listed], head.suffix)
    others = [member for member in listed if not _is_storage(form, member)]
    examined = _Members(cursor)
    examined.examine(others)
    found = examined.found
    details: dict[str, Any] = {"members": len(listed)}
    if form in _TORCH:
        details["storages"] = len(listed) - len(others)
    if form in _TORCH or found.pickles or found.problem:
        details |= pickle_details(found)
    by_layers = None
    if form == "keras" and found.problem is None:
        try:
            more, by_layers = keras_facts(cursor, listed)
            details |= more
        except ReaderError as error:
            found.problem = str(error)
    executes = why_it_executes(found) or by_layers or _by_form(form, objects=examined.objects) or _by_code(head, listed)
    if executes:
        details["can_execute_code"] = True
    if found.problem is not None:
        return _unreadable(head, form, details, executes, found.problem)
    return Reading(details, _INSPECTION[form], form, executes=executes)


def _form(names: list[bytes], suffix: str) -> str:
    pickled = [name for name in names if name == b"data.pkl" or name.endswith(b"/data.pkl")]
    if pickled:
        code = pickled[0].removesuffix(b"data.pkl") + b"code/"
        return "torchscript" if any(name.startswith(code) for name in names) else "pytorch-zip"
    if _KERAS.issubset(names) or (suffix == ".keras" and b"config.json" in names):
        return "keras"
    if names and all(name.endswith(b".npy") for name in names):
        return "npz"
    return "zip"


def _is_storage(form: str, member: Member) -> bool:
    return form in _TORCH and _STORAGE.fullmatch(member.raw_name) is not None


class _Members:
    """Walks over every member that is a pickle, by name or first bytes, within one budget for the whole file."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._inflated = 0
        self.found = PickleWalk()
        #: Whether a member is an array of Python objects.
        self.objects = False

    def examine(self, listed: list[Member]) -> None:
        """All of them, as far as the limits go; a member that cannot be read is the problem of the whole."""
        for member in listed[:_EXAMINED_LIMIT]:
            self._examine(member)
        if len(listed) > _EXAMINED_LIMIT:
            self.found.problem = f"it has {len(listed)} members beside raw storages; {_EXAMINED_LIMIT} are read"

    def _examine(self, member: Member) -> None:
        try:
            first = beginning(self._cursor, member, _SNIFF)
            self.objects = self.objects or numpy_array.holds_objects(first)
            if is_pickle(first) or member.name.lower().endswith((".pkl", ".pickle")):
                self._inflated += member.size if member.method else 0
                if self._inflated > _INFLATE_LIMIT:
                    self.found.problem = f"its pickles inflate to more than the {_INFLATE_LIMIT} bytes that are read"
                else:
                    walk(contents(self._cursor, member), self.found)
        except ReaderError as error:
            self.found.problem = self.found.problem or str(error)


def _by_form(form: str, *, objects: bool) -> str | None:
    if form == "torchscript":
        return "it is TorchScript, which holds code of its own"
    return "it holds an array of Python objects, which are pickled" if objects else None


def _by_code(head: Head, listed: list[Member]) -> str | None:
    """Libraries and Python files in a model: of torch's exported programs, of TorchServe, of whoever unpacks a model."""
    code = (
        None
        if head.suffix == ".zip"
        else next((one for one in listed if one.raw_name.lower().endswith(_CODE_NAMES)), None)
    )
    return None if code is None else f"it brings code of its own, e.g. {shown(code.name, 80)}"


def _unreadable(head: Head, form: str, details: dict[str, Any], executes: str | None, problem: str) -> Reading:
    finding = warned(_CODE, f"{shown(head.path)} cannot be read whole: {problem}", location=head.path)
    details = {**details, "can_execute_code": True}
    return Reading(details, Inspection.UNREADABLE, form, executes=executes, findings=(finding,))


def _by_bytes(head: Head) -> bool:
    return head.data.startswith((MAGIC, b"PK\x05\x06"))


READER = Reader("zip", _CODE, READS, _by_bytes, suffixed(".npz", ".keras", ".zip"), _read, "a pickle that runs code")
