"""A verified model in the hands of a program: paths, bytes, a folder, and the common loaders over them."""

from __future__ import annotations

import mmap
import posixpath
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO, final

from model_provenance.errors import ModelProvenanceError

if TYPE_CHECKING:
    from model_provenance.domain.digest import Digest
    from model_provenance.domain.holding import HeldFile
    from model_provenance.domain.verification import Report
    from model_provenance.flows.held import Held

#: onnx.proto, `TensorProto.external_data`: an entry with the key `location`; its value follows.
_LOCATION = b"\x0a\x08location\x12"
#: A byte of a varint that has this bit is not its last.
_MORE = 0x80


@final
class Model:
    """The files of one model. Valid inside the `with` block: keep it open for as long as mapped tensors are used."""

    def __init__(self, held: Held) -> None:
        self._held = held

    @property
    def result(self) -> str:
        """`PASS`, or `BYPASSED` where somebody switched the verification off; nothing else is ever handed out."""
        return self._held.result.value

    @property
    def toctou(self) -> str:
        """How well the least protected file is kept: `fs-verity`, `sealed`, `leased`, `held` or `unprotected`."""
        return self._held.toctou.value

    @property
    def files(self) -> Mapping[str, HeldFile]:
        """Name -> size, digest and protection of each verified file."""
        return self._held.files

    @property
    def report(self) -> Report | None:
        """Everything that the verification says; None where it was bypassed."""
        return self._held.report

    @property
    def digest(self) -> Digest | None:
        """The model digest; None where nothing was verified."""
        report = self._held.report
        return None if report is None or report.verified is None else report.verified.model_digest

    # --- bytes

    def path(self, name: str) -> str:
        """A path that opens the verified file: `/proc/self/fd/N`. Resolving it gives a name again, so do not."""
        return self._held.path(name)

    def directory(self) -> str:
        """A private folder with the verified files and nothing else, for `from_pretrained` and whatever loads folders."""
        return str(self._held.directory())

    def open(self, name: str) -> BinaryIO:
        """The file as a stream of its own, at offset 0."""
        return self._held.open(name)

    def read(self, name: str) -> bytes:
        """All bytes of a file."""
        with self.open(name) as file:
            return file.read()

    # --- loaders, imported when they are asked for

    def safetensors(self, name: str, *, framework: str = "numpy", **options: Any) -> dict[str, Any]:
        """Every tensor of a file: `safetensors.<framework>.load_file`, for `numpy`, `torch`, `flax`, `tensorflow`, `mlx`."""
        loaded: dict[str, Any] = _library(f"safetensors.{framework}").load_file(self.path(name), **options)
        return loaded

    def safe_open(self, name: str, *, framework: str = "numpy", **options: Any) -> Any:
        """`safetensors.safe_open`: tensors one by one, or in slices. Close it inside the block."""
        return _library("safetensors").safe_open(self.path(name), framework=framework, **options)

    def gguf(self, name: str) -> Any:
        """`gguf.GGUFReader`, which maps the file: use it inside the block."""
        return _library("gguf").GGUFReader(self.path(name))

    def onnx(self, name: str, *, sess_options: Any = None, **options: Any) -> Any:
        """`onnxruntime.InferenceSession` over the verified bytes, tensors in files beside it included.

        Not by path: for such tensors ONNX Runtime resolves links, and would open the files by name again.
        """
        runtime, data = _library("onnxruntime"), self.read(name)
        settings = runtime.SessionOptions() if sess_options is None else sess_options
        parts = {place: self._mapped(name, place) for place in _places(data)}
        if parts:
            _give_parts(settings, parts)
        options.setdefault("providers", ["CPUExecutionProvider"])
        session = runtime.InferenceSession(data, sess_options=settings, **options)
        # ONNX Runtime keeps pointers into them.
        session.verified_parts = parts
        return session

    def _mapped(self, name: str, place: str) -> mmap.mmap:
        """A file that the model `name` keeps tensors in. One that was not verified would be looked for on disk."""
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(name), place))
        return mmap.mmap(self._held.descriptor(beside), 0, access=mmap.ACCESS_READ)


def _places(model: bytes) -> tuple[str, ...]:
    """The files that tensors of an ONNX model lie in, wherever in the model they are named."""
    found: dict[str, None] = {}
    at = model.find(_LOCATION)
    while at >= 0:
        at += len(_LOCATION)
        # Length as a varint, then so many bytes; a path is shorter than 16 KiB.
        first, second = (*model[at : at + 2], 0, 0)[:2]
        length, start = (first, at + 1) if first < _MORE else (first % _MORE + second * _MORE, at + 2)
        found[model[start : start + length].decode(errors="replace")] = None
        at = model.find(_LOCATION, at)
    return tuple(found)


def _give_parts(settings: Any, parts: Mapping[str, mmap.mmap]) -> None:
    try:
        give = settings.add_external_initializers_from_files_in_memory
    except AttributeError as error:
        message = "this onnxruntime cannot be given tensors that lie in files beside the model"
        raise ModelProvenanceError("load.library", message, remedy="Install onnxruntime 1.24 or newer.") from error
    give(list(parts), list(parts.values()), [len(part) for part in parts.values()])


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        package = name.partition(".")[0]
        raise ModelProvenanceError(
            "load.library", f"{error.name or name} is not installed", remedy=f"Run `pip install {package}`."
        ) from error
