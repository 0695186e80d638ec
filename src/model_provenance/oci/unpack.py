"""Files of a model into a folder of ours: by descriptor, beneath its root, without following links, signed names only."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import NoReturn, final

from model_provenance.disk.aside import MARK, held, mark, unmarked
from model_provenance.disk.failure import failure
from model_provenance.domain.digest import Digest
from model_provenance.domain.paths import path_problem
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@final
class Staging:
    """The folder that a pull fills, `path`, within one at `outer` that nobody else may enter, made now or by an earlier pull.

    `signed` are the names and digests that may appear in it. Used from several threads.
    """

    def __init__(self, outer: Path, signed: Mapping[str, Digest]) -> None:
        self.path = outer / "model"
        self.signed = signed
        self._outer = outer
        with ExitStack() as stack:
            try:
                made = _made(outer)
                self._lock = os.open(outer, _FOLDER)
                stack.callback(os.close, self._lock)
                _refuse_foreign(self._lock, outer, made=made)
                with suppress(FileExistsError):
                    mark(self._lock)
                # For others to read, as the umask says, once it has its name.
                self._root = self._folder(self._lock, self.path.name)
            except OSError as error:
                raise failure(error, str(outer), doing="write") from error
            stack.pop_all()

    def __enter__(self) -> Staging:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._root)
        os.close(self._lock)

    def put_in_place(self, output: Path) -> None:
        """Give what was filled its name, which nothing has but an empty folder. Raises OSError."""
        if output.is_dir():
            output.rmdir()
        self.path.rename(output)
        with suppress(OSError):
            os.unlink(MARK, dir_fd=self._lock)
            self._outer.rmdir()

    def open(self, name: str) -> int:
        """A descriptor of the file `name`, made with its folders. Raises `registry.malformed`, `machine.*`."""
        problem = path_problem(name)
        if problem is not None or name not in self.signed:
            self._refuse(name, problem or "nobody signed a file of this name")
        parts = name.split("/")
        folder = os.dup(self._root)
        try:
            for part in parts[:-1]:
                below = self._folder(folder, part)
                os.close(folder)
                folder = below
            descriptor = os.open(parts[-1], _FILE, 0o666, dir_fd=folder)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO):
                self._refuse(name, "something else lies in its place")
            raise failure(error, name, doing="write") from error
        finally:
            os.close(folder)
        if os.fstat(descriptor).st_nlink != 1:
            os.close(descriptor)
            # By its other name somebody could change it after it was verified.
            raise _unsafe(f"the file `{shown(name)}` of an earlier pull has a second name", str(self.path))
        return descriptor

    def size(self, name: str) -> int:
        """Bytes of `name` that are here from an earlier run; 0 for none."""
        if name not in self.signed or path_problem(name) is not None:
            return 0
        try:
            return os.stat(name, dir_fd=self._root, follow_symlinks=False).st_size
        except OSError:
            return 0

    def _folder(self, above: int, name: str) -> int:
        with suppress(FileExistsError):
            os.mkdir(name, 0o777, dir_fd=above)
        return os.open(name, _FOLDER, dir_fd=above)

    def _refuse(self, name: str, why: str) -> NoReturn:
        raise ModelProvenanceError("registry.malformed", f"the file `{shown(name)}` is not unpacked: {why}")


def _made(path: Path) -> bool:
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return False
    return True


def _refuse_foreign(descriptor: int, path: Path, *, made: bool) -> None:
    if os.fstat(descriptor).st_uid != os.geteuid():
        # Its owner could change everything in it after it was verified.
        raise _unsafe("the folder of an earlier pull belongs to another user", str(path))
    if not held(descriptor, path):
        message = "another pull fills this folder"
        raise ModelProvenanceError(
            "pull.output", message, location=shown(str(path), 400), remedy="Wait until it has ended."
        )
    # Of one that was made just now nothing need be told: some file systems keep no modes.
    problem = "" if made and not os.listdir(descriptor) else unmarked(descriptor)
    if problem:
        raise _unsafe(f"what looks like the folder of an earlier pull may be something else: {problem}", str(path))


def _unsafe(what: str, folder: str) -> ModelProvenanceError:
    remedy = "Look at the folder, remove it or give it another name, and run it again."
    return ModelProvenanceError("pull.output", what, location=shown(folder, 400), remedy=remedy)


@final
class FileWriter:
    """A `MemberSink` that writes below `prefix` into a staging folder; the first `kept` bytes of a file are there already."""

    def __init__(self, staging: Staging, prefix: str, kept: int = 0) -> None:
        self._staging = staging
        self._prefix = prefix
        self._kept = kept
        self._descriptor = -1
        self._at = 0
        self._name = ""

    def begin(self, path: str, size: int) -> None:
        """Open the file; what an earlier run left beyond what is kept is cut off."""
        if not path.startswith(self._prefix):
            raise ModelProvenanceError(
                "registry.malformed", f"the file `{shown(path)}` does not lie below `{self._prefix}`"
            )
        self._name = path.removeprefix(self._prefix)
        self._at = 0
        self.close()
        self._descriptor = self._staging.open(self._name)
        try:
            os.ftruncate(self._descriptor, min(self._kept, size))
        except OSError as error:
            raise failure(error, self._name, doing="write") from error

    def take(self, data: memoryview) -> None:
        """Write what is not there yet."""
        skip = min(max(self._kept - self._at, 0), len(data))
        view, offset = data[skip:], self._at + skip
        try:
            while view:
                written = os.pwrite(self._descriptor, view, offset)
                view, offset = view[written:], offset + written
        except OSError as error:
            raise failure(error, self._name, doing="write") from error
        self._at += len(data)

    def end(self, digest: Digest) -> None:
        """Compare with what was signed, at once, and let it reach the disk. Raises `registry.digest`, `machine.*`."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise failure(error, self._name, doing="write") from error
        self.close()
        self._kept = 0
        if self._staging.signed[self._name] != digest:
            raise ModelProvenanceError(
                "registry.digest", f"the file `{shown(self._name)}` is not the one that was signed"
            )

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
