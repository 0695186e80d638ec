"""A verified model in the hands of a program: paths, bytes, a folder, and the common loaders over them."""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO, final

from model_provenance.errors import ModelProvenanceError

if TYPE_CHECKING:
    from model_provenance.domain.digest import Digest
    from model_provenance.domain.holding import HeldFile
    from model_provenance.domain.verification import Report
    from model_provenance.flows.held import Held


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
        runtime = _library("onnxruntime")
        settings = runtime.SessionOptions() if sess_options is None else sess_options
        beside = self._beside(name)
        if beside:
            parts = list(beside.values())
            settings.add_external_initializers_from_files_in_memory(list(beside), parts, [len(part) for part in parts])
        options.setdefault("providers", ["CPUExecutionProvider"])
        session = runtime.InferenceSession(self.read(name), sess_options=settings, **options)
        # ONNX Runtime keeps pointers into them.
        session.verified_parts = beside
        return session

    def _beside(self, name: str) -> dict[str, mmap.mmap]:
        """The other files of the folder that `name` is in, mapped, by their names relative to it."""
        folder = name.rpartition("/")[0]
        start = f"{folder}/" if folder else ""
        return {
            path.removeprefix(start): mmap.mmap(self._held.descriptor(path), 0, access=mmap.ACCESS_READ)
            for path, file in self.files.items()
            if path != name and path.startswith(start) and file.size
        }


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        package = name.partition(".")[0]
        raise ModelProvenanceError(
            "load.library", f"{error.name or name} is not installed", remedy=f"Run `pip install {package}`."
        ) from error
