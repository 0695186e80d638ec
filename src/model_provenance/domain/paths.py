"""Which names a model's files may have: one rule for packing, for archives and for layers."""

from __future__ import annotations

import unicodedata

#: Far beyond any model; keeps the signed list of names and the memory of a run bounded.
FILE_LIMIT = 100_000
#: Bytes of a whole path, and levels of folders.
PATH_LIMIT = 2048
DEPTH_LIMIT = 64
#: What one name may take on every file system in use.
_COMPONENT_LIMIT = 255
#: OCI image-spec v1.1, layer.md: in a layer such a name deletes files of the layers below.
_WHITEOUT = ".wh."
#: Text-direction controls: a terminal or a review page would show another name than the one that is signed.
_DIRECTION = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def path_problem(path: str) -> str | None:
    """Why `path` cannot name a file of a model, or None: relative, normalised, UTF-8, NFC, no control characters."""
    if not path or path.startswith("/"):
        return "it is empty" if not path else "it is absolute"
    if path.isascii() and path.isprintable():
        size = len(path)
    else:
        problem = _text_problem(path)
        if problem:
            return problem
        size = len(path.encode())
    components = path.split("/")
    if size > PATH_LIMIT or len(components) > DEPTH_LIMIT:
        return f"it is longer than {PATH_LIMIT} bytes or deeper than {DEPTH_LIMIT} folders"
    for component in components:
        problem = _component_problem(component)
        if problem:
            return problem
    return None


def clash_key(name: str) -> str:
    """Equal for two names that differ only by case or normal form, which some file systems take for one file."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


class PathSet:
    """The names of one model as they are met in an archive or over several layers: one path is one entry."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: dict[str, str] = {}

    def add_file(self, path: str) -> str | None:
        """Admit a file; or why not: its name cannot be used, or stands there already, as a file or as a folder."""
        key = clash_key(path)
        problem = path_problem(path)
        if problem is None and (key in self._files or key in self._folders):
            problem = "it stands there twice"
        if problem is None and len(self._files) >= FILE_LIMIT:
            problem = f"there are more than {FILE_LIMIT} files"
        self._files.add(key)
        return problem or self._add_folders(path.rpartition("/")[0])

    def add_folder(self, path: str) -> str | None:
        """Admit a folder, which may be listed again."""
        return path_problem(path) or self._add_folders(path)

    def _add_folders(self, path: str) -> str | None:
        while path:
            key = clash_key(path)
            known = self._folders.setdefault(key, path)
            if key in self._files or known != path or len(self._folders) > FILE_LIMIT:
                return "one of its folders stands there twice, or there are too many folders"
            path = path.rpartition("/")[0]
        return None


def _text_problem(path: str) -> str | None:
    try:
        path.encode()
    except UnicodeEncodeError:
        return "it is not UTF-8"
    if any(unicodedata.category(c) in ("Cc", "Zl", "Zp") or c in _DIRECTION for c in path):
        return "it holds control characters"
    if not unicodedata.is_normalized("NFC", path):
        return "it is not in Unicode normal form C"
    return None


def _component_problem(component: str) -> str | None:
    if component in ("", ".", ".."):
        return "it is not normalised"
    if len(component) > _COMPONENT_LIMIT // 4 and len(component.encode()) > _COMPONENT_LIMIT:
        return f"a part of it is longer than {_COMPONENT_LIMIT} bytes"
    if component.startswith(_WHITEOUT):
        return "a part of it starts with `.wh.`, which deletes files when a layer is unpacked"
    return None
