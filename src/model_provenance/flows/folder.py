"""The release folder: built aside under a temporary name, put in place by one rename."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from model_provenance.disk.aside import EARLIER, Left, folder_aside, sweep
from model_provenance.disk.emptying import empty
from model_provenance.disk.opening import open_root
from model_provenance.disk.ours import own_document
from model_provenance.disk.publish import PublishedFile
from model_provenance.domain.digest import Digest
from model_provenance.domain.files import ModelFile
from model_provenance.domain.finding import Finding, warned
from model_provenance.domain.package import Package
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import receipt, spool


@contextmanager
def building(final: Path, refuse_other: Callable[[Path], None] | None = None) -> Iterator[Path]:
    """A fresh folder beside `final`; renamed to it when the block ends well, removed when it does not.

    So are the folders above it that were made for it: a release that failed leaves nothing at all. What may be replaced,
    `refuse_other` says (`refuse_other_release` unless given): at once, for a sweep may just have put it back, and in the end.
    """
    refuse_other = refuse_other or refuse_other_release
    refuse_other(final)
    made = _missing_above(final)
    try:
        with ExitStack() as stack:
            with translated(final):
                final.parent.mkdir(parents=True, exist_ok=True)
                aside = stack.enter_context(folder_aside(final.parent))
                # Within the folder aside, which nobody else may enter: a release is for others to read, as the umask says.
                folder = aside / "new" / final.name
                folder.mkdir(parents=True)
            yield folder
            with translated(final):
                _put_in_place(folder, final, aside / EARLIER, refuse_other)
    finally:
        _remove_empty(made)


def swept(*places: Path) -> tuple[Finding, ...]:
    """What runs that were killed left in these folders is removed; a warning about each, and each that is left alone."""
    return tuple(_about(left) for place in places for left in sweep(place))


def _about(left: Left) -> Finding:
    where = shown(str(left.path), 400)
    back = f", and `{shown(left.back)}`, which it was about to replace, is there again" if left.back else ""
    if left.why:
        return warned(
            "release.left_behind",
            f"an earlier run may have left this; it is not removed: {left.why}{back}",
            location=where,
        )
    return warned(
        "release.left_behind",
        f"an earlier run was interrupted; what it left is removed{back}",
        location=where,
        remedy="Nothing.",
    )


@contextmanager
def removed_on_failure(folder: Path | None) -> Iterator[None]:
    """A layout that is made for the block goes again when that fails; one that was there stays, or lists a release by now."""
    if folder is None or folder.exists():
        yield
        return
    made = _missing_above(folder)
    with ExitStack() as stack:
        with translated(folder):
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = open_root(folder)
        stack.callback(os.close, descriptor)
        try:
            yield
        except BaseException:
            # With an index it lists a release: another run, which may have begun later, has finished in it.
            if "index.json" not in os.listdir(descriptor):  # noqa: PTH208 - by descriptor
                # By descriptor: whatever has been put in its place meanwhile is not what was made here.
                with suppress(OSError):
                    empty(descriptor)
                _remove_empty([folder, *made])
            raise


def refuse_other_release(final: Path) -> None:
    """Refuse early a folder that holds something which is not a release of ours."""
    _refuse_other(final, receipt.NAME, "the output folder exists and holds something that is not a release")


def refuse_other_spool(place: Path) -> None:
    """Likewise where an unsigned release is to wait."""
    _refuse_other(place, spool.NAME, "the folder for the unsigned release exists and holds something else")


def _refuse_other(final: Path, document: str, message: str) -> None:
    with translated(final):
        if final.is_symlink():
            message = "the output path is a link, and is not replaced"
        elif final.exists() and not final.is_dir():
            message = "the output path exists and is not a folder"
        elif not final.exists() or not any(final.iterdir()) or _document(final, document) is not None:
            return
    raise ModelProvenanceError("release.output", message, location=shown(str(final), 400))


def refuse_moved_version(final: Path, package_digest: Digest) -> None:
    """A version names one package for ever: a folder with another package digest is not overwritten."""
    earlier = _package_digest(final)
    if earlier is not None and earlier != str(package_digest):
        raise ModelProvenanceError(
            "release.exists",
            f"this folder holds a release of the same name and version with another package ({earlier},"
            f" now {package_digest})",
            location=str(final),
        )


def write(folder: Path, name: str, data: bytes) -> None:
    """Write one file, which appears whole or not at all; a full disk or a missing permission is said as such."""
    path = folder / name
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with PublishedFile(path) as file:
        file.write(data)
        file.publish(durable=False)


def sums(entries: list[tuple[str, Digest]]) -> bytes:
    """Lines that `sha256sum -c` accepts, sorted by name; names with a backslash are escaped as it expects.

    Control characters never get here: packing refuses them.
    """
    lines = []
    for name, digest in sorted(entries):
        # To sha256sum `-` is its standard input.
        escaped = "./-" if name == "-" else name.replace("\\", "\\\\")
        mark = "\\" if "\\" in name else ""
        lines.append(f"{mark}{digest.hex}  {escaped}\n")
    return "".join(lines).encode()


def model_sums(files: tuple[ModelFile, ...]) -> bytes:
    """`MODEL.SHA256SUMS`: run `sha256sum -c` with it inside the model directory."""
    return sums([(file.path, file.digest) for file in files])


def release_sums(files: list[tuple[str, bytes]], package: Package) -> bytes:
    """`SHA256SUMS` of a release folder; the archive's digest comes from the one read."""
    entries = [(name, Digest.of(data)) for name, data in files]
    if package.archive is not None:
        entries.append((package.archive.file_name, package.archive.digest))
    return sums(entries)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Foreign OSErrors about `path` become ours."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise ModelProvenanceError("machine.disk", f"cannot write: {error.strerror}", location=str(path)) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise ModelProvenanceError("machine.permission", f"{error.strerror}", location=str(path)) from error
        raise ModelProvenanceError("machine.io", f"{error.strerror or error}", location=str(path)) from error


def _put_in_place(folder: Path, final: Path, aside: Path, refuse_other: Callable[[Path], None]) -> None:
    """Rename over; an earlier release of the same package steps aside first, so that a crash leaves one or the other.

    Where the second rename fails, or is interrupted before, the end of the folder aside gives the earlier one its name again.
    """
    if not final.exists():
        folder.rename(final)
        return
    # Once more, as near to the rename as can be: another run may have put something there since the beginning.
    refuse_other(final)
    ours = _package_digest(folder)
    if ours is not None:
        refuse_moved_version(final, Digest.parse(ours))
    aside.mkdir()
    final.rename(aside / final.name)
    folder.rename(final)


def _missing_above(path: Path) -> list[Path]:
    """The folders above `path` that do not exist, deepest first."""
    return [parent for parent in path.parents if not parent.exists()]


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        # Not empty: the release itself, or another one, lies there.
        with suppress(OSError):
            folder.rmdir()


def _package_digest(folder: Path) -> str | None:
    digest = (_document(folder, receipt.NAME) or {}).get("package_digest")
    return digest if isinstance(digest, str) else None


def _document(folder: Path, name: str) -> dict[str, Any] | None:
    try:
        descriptor = open_root(folder)
    except OSError:
        return None
    try:
        return own_document(descriptor, name)
    finally:
        os.close(descriptor)
