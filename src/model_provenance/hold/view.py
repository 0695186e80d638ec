"""A private folder whose names lead to open files, for libraries that load a folder.

Only its owner may enter it. Each entry links to `/proc/PID/fd/N`: following it opens the file that is held, not the
one that lies under the model's name now. A folder whose process has ended leads nowhere; the next one removes it.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import final

from model_provenance.disk.aside import MARK, mark, unmarked
from model_provenance.disk.emptying import empty
from model_provenance.disk.failure import failure

_PREFIX = "model-provenance-view-"


@final
class View:
    """Made from what each name leads to; `close` removes it."""

    def __init__(self, files: Mapping[str, str]) -> None:
        process, base, prefix = os.getpid(), Path(tempfile.gettempdir()), f"{_PREFIX}{_process_space()}-"
        _remove_left_behind(base, prefix)
        try:
            self._outer = Path(tempfile.mkdtemp(prefix=f"{prefix}{process}-", dir=base))
        except OSError as error:
            raise failure(error, str(base), doing="write") from error
        #: Within, so that nothing but the files lies in it.
        self.folder = self._outer / "model"
        try:
            with _opened(self._outer) as descriptor:
                mark(descriptor)
            self.folder.mkdir(mode=0o700)
            for path, target in files.items():
                link = self.folder / path
                link.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                link.symlink_to(target)
        except OSError as error:
            self.close()
            raise failure(error, str(self.folder), doing="write") from error

    def close(self) -> None:
        """Remove the folder; links are removed, never what they lead to."""
        shutil.rmtree(self._outer, ignore_errors=True)


def _process_space() -> str:
    """Process ids mean something within their namespace only; containers may share a folder."""
    with suppress(OSError):
        return re.sub("[^0-9]", "", str(Path("/proc/self/ns/pid").readlink()))
    return "0"


def _remove_left_behind(base: Path, prefix: str) -> None:
    """Folders of this user whose process has ended: `exec` cannot remove its own. Anybody may have given others such names."""
    name = re.compile(rf"{prefix}([1-9][0-9]{{0,6}})-\w+")
    with suppress(OSError), os.scandir(base) as entries:
        for entry in entries:
            match = name.fullmatch(entry.name)
            if match is None or _lives(int(match[1])):
                continue
            with suppress(OSError), _opened(Path(entry.path)) as descriptor:
                if os.fstat(descriptor).st_uid == os.geteuid() and not unmarked(descriptor):
                    empty(descriptor, MARK)
                    Path(entry.path).rmdir()


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        # Somebody else's.
        return True
    return True
