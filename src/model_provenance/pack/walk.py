"""Find the files of a model beneath a descriptor of its folder, and refuse what a model may not hold.

Nothing is read but names and statuses, nothing is written; all refused names are reported together.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from model_provenance.disk.failure import failure
from model_provenance.disk.opening import Stamp, open_folder, open_root
from model_provenance.domain.files import Entry, Keeper
from model_provenance.domain.paths import FILE_LIMIT, clash_key, path_problem
from model_provenance.domain.roles import role_of
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.oms import DEFAULT_IGNORED
from model_provenance.pack.inventory import Inventory, Place, Survey
from model_provenance.pack.links import LinkRefusedError, Links
from model_provenance.pack.refusals import Refusals
from model_provenance.pack.scope import left_out
from model_provenance.pack.secrets import secret_name

#: Files, folders and everything else that is looked at: a tree of empty folders must end, too.
_NAME_LIMIT = 3 * FILE_LIMIT


def walk(
    root: Path,
    *,
    ignore: Sequence[str] = (),
    allow_symlinks: bool = False,
    exclude: Sequence[Path] = (),
    refuse_secrets: bool = True,
    keeper: Keeper | None = None,
) -> Inventory:
    """List a model: a folder, or one file (a GGUF is a model). Close the inventory after use.

    `ignore` are exact paths relative to the model or absolute below it, `exclude` paths as the process sees them (a
    bundle that lies in the model); `.git`, `.github`, `.gitignore`, `.gitattributes` at the root are left out anyway.
    `refuse_secrets=False` is for somebody else's model that is only verified: there a credential is a file like others.
    `keeper` gets every file that is read, opened once, for good.
    Raises one `pack.*` error with all refused names, `pack.missing`, `pack.empty` or `machine.permission`.
    """
    single = _is_file(root)
    base = root.parent if single else root
    walker = _Walker(
        root,
        _opened(base),
        base=base,
        only=os.fsencode(root.name) if single else None,
        ignored=left_out(base, ignore=ignore, exclude=exclude),
        allow_symlinks=allow_symlinks,
        refuse_secrets=refuse_secrets,
    )
    try:
        return Inventory(root, survey=walker.survey, close=walker.close, ignored=walker.ignored, keeper=keeper)
    except BaseException:
        walker.close()
        raise


def _is_file(root: Path) -> bool:
    try:
        mode = root.stat().st_mode
    except FileNotFoundError as error:
        raise ModelProvenanceError("pack.missing", "there is no such model", location=shown(str(root), 400)) from error
    except (OSError, ValueError) as error:
        raise _unreadable(error, root) from error
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise ModelProvenanceError(
            "pack.special_file",
            "a model is a folder or a regular file, and this is neither",
            location=shown(str(root), 400),
        )
    return stat.S_ISREG(mode)


def _opened(base: Path) -> int:
    try:
        return open_root(base)
    except OSError as error:
        raise _unreadable(error, base) from error


def _unreadable(error: OSError | ValueError, path: Path) -> ModelProvenanceError:
    if isinstance(error, OSError):
        return failure(error, str(path), doing="open the model")
    return ModelProvenanceError("pack.missing", "the path holds a NUL character", location=shown(str(path), 400))


class _Walker:
    """One root and the rules for it; `survey` walks, as often as it is called."""

    def __init__(
        self,
        root: Path,
        descriptor: int,
        *,
        base: Path,
        only: bytes | None,
        ignored: tuple[str, ...],
        allow_symlinks: bool,
        refuse_secrets: bool,
    ) -> None:
        self._root = root
        self._base = base
        self._descriptor = descriptor
        self._only = only
        self.ignored = ignored
        self._left_out = frozenset(ignored)
        self._refuse_secrets = refuse_secrets
        self._links = Links(descriptor, os.path.realpath(base), self._is_left_out) if allow_symlinks else None

    def close(self) -> None:
        """Close every descriptor."""
        if self._links is not None:
            self._links.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def survey(self) -> Survey:
        """List the model now."""
        self._check_same_root()
        return _Walk(self._descriptor, self._only, self).run(shown(str(self._root), 400))

    def problem(self, path: str) -> tuple[str, str] | None:
        """(code, reason) why nothing of this name may be in the model."""
        problem = path_problem(path)
        if problem:
            return "pack.name", f"the name cannot be used: {problem}"
        secret = secret_name(path) if self._refuse_secrets else None
        return ("pack.secret", secret) if secret else None

    def covers(self, path: str) -> bool:
        """True for the paths that are left out, and for what git keeps at the root."""
        if path in self._left_out or "." in self._left_out:
            return True
        return self._only is None and path in DEFAULT_IGNORED

    def follow(self, parts: tuple[bytes, ...]) -> tuple[Place, str]:
        """Resolve a link, or refuse it."""
        if self._links is None:
            raise LinkRefusedError("")
        return self._links.follow(parts)

    def _is_left_out(self, path: str) -> bool:
        parts = path.split("/")
        above = ["/".join(parts[: count + 1]) for count in range(len(parts))]
        return any(self.covers(each) or self.problem(each) for each in above)

    def _check_same_root(self) -> None:
        try:
            there, held = self._base.stat(), os.fstat(self._descriptor)
        except OSError as error:
            raise ModelProvenanceError(
                "pack.vanished", "the model's folder is gone", location=shown(str(self._root), 400)
            ) from error
        if (there.st_dev, there.st_ino) != (held.st_dev, held.st_ino):
            raise ModelProvenanceError(
                "pack.changed",
                "the model's folder was replaced while it was read",
                location=shown(str(self._root), 400),
            )


class _Walk:
    """One pass over the tree."""

    def __init__(self, descriptor: int, only: bytes | None, rules: _Walker) -> None:
        self._descriptor = descriptor
        self._only = only
        self._rules = rules
        self._refusals = Refusals()
        self._entries: list[Entry] = []
        self._places: dict[str, Place] = {}
        self._links: list[tuple[str, str]] = []
        self._folders: list[tuple[bytes, ...]] = [()]
        self._names = 0

    def run(self, root: str) -> Survey:
        """Visit every folder; raise what was refused."""
        while self._folders:
            self._visit(self._folders.pop(), root)
        self._refusals.settle(root)
        if not self._entries:
            raise ModelProvenanceError("pack.empty", "there is no file in the model", location=root)
        entries = tuple(sorted(self._entries, key=lambda entry: entry.path))
        return Survey(entries, self._places, tuple(sorted(self._links)))

    def _visit(self, parts: tuple[bytes, ...], root: str) -> None:
        prefix = "".join(f"{part.decode()}/" for part in parts)
        alike: dict[str, str] = {}
        for name, status, readable in self._listed(parts, prefix):
            self._names += 1
            if self._names > _NAME_LIMIT or len(self._entries) >= FILE_LIMIT:
                raise ModelProvenanceError("pack.limit", f"the model has more than {FILE_LIMIT} files", location=root)
            path = prefix + name.decode("utf-8", "surrogateescape")
            if self._rules.covers(path):
                continue
            problem = self._rules.problem(path)
            if problem:
                self._refusals.add(problem[0], path, problem[1])
                continue
            other = alike.setdefault(clash_key(path), path)
            if other != path:
                self._refusals.add(
                    "pack.name_clash", path, f"differs from `{shown(other)}` only by case or Unicode form"
                )
            if readable:
                self._take((*parts, name), path, status)
            else:
                self._refusals.add("machine.permission", path, "it may not be read")

    def _listed(self, parts: tuple[bytes, ...], prefix: str) -> Iterator[tuple[bytes, os.stat_result, bool]]:
        try:
            folder = open_folder(self._descriptor, parts)
        except OSError as error:
            self._refuse_error(error, prefix or ".")
            return
        try:
            if self._only is not None:
                status = os.stat(self._only, dir_fd=folder, follow_symlinks=False)
                yield self._only, status, _readable(folder, self._only, status)
                return
            with os.scandir(folder) as found:
                for item in found:
                    status = item.stat(follow_symlinks=False)
                    name = os.fsencode(item.name)
                    yield name, status, _readable(folder, name, status)
        except OSError as error:
            self._refuse_error(error, prefix or ".")
        finally:
            os.close(folder)

    def _take(self, parts: tuple[bytes, ...], path: str, status: os.stat_result) -> None:
        if stat.S_ISDIR(status.st_mode):
            self._folders.append(parts)
        elif stat.S_ISREG(status.st_mode):
            self._add(path, Place(self._descriptor, parts, Stamp.of(status)), None)
        elif stat.S_ISLNK(status.st_mode):
            self._take_link(parts, path)
        else:
            self._refusals.add("pack.special_file", path, "a device, FIFO or socket")

    def _take_link(self, parts: tuple[bytes, ...], path: str) -> None:
        try:
            place, target = self._rules.follow(parts)
        except LinkRefusedError as error:
            self._refusals.add("pack.symlink", path, f"a symbolic link {error}".rstrip())
            return
        self._links.append((path, target))
        self._add(path, place, target)

    def _add(self, path: str, place: Place, target: str | None) -> None:
        self._places[path] = place
        self._entries.append(Entry(path, place.stamp.size, role_of(path), target))

    def _refuse_error(self, error: OSError, path: str) -> None:
        if isinstance(error, FileNotFoundError):
            self._refusals.add("pack.vanished", path, "it disappeared while the model was listed")
            return
        known = failure(error, path, doing="list")
        self._refusals.add(known.code, path, known.message)


def _readable(folder: int, name: bytes, status: os.stat_result) -> bool:
    """False for a regular file that this process may not read; folders and links tell when they are opened."""
    return not stat.S_ISREG(status.st_mode) or os.access(name, os.R_OK, dir_fd=folder)
