"""Read an archive once: its digest and the digest of each file in it. Nothing is unpacked."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from model_provenance.disk.crew import Crew
from model_provenance.disk.failure import failure
from model_provenance.disk.lanes import Consumer
from model_provenance.disk.opening import NotRegularError, Stamp, open_named
from model_provenance.disk.pour import StreamDigest, pour
from model_provenance.domain.digest import Digest
from model_provenance.domain.files import ModelFile, in_oms_order
from model_provenance.domain.finding import failed
from model_provenance.domain.roles import role_of
from model_provenance.domain.text import shown
from model_provenance.domain.verification import Observed, TargetKind
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.tar import PREFIX
from model_provenance.formats.untar import TarDigests, TarMember
from model_provenance.formats.unzip import GZIP_MAGIC, ZSTD_MAGIC, GunzipStream, UnzstdStream


def observe_archive(path: Path, progress: Callable[[int], None] | None = None) -> Observed:
    """What a tar, tar.gz or tar.zst (told by its first bytes) holds; `progress` counts bytes of the file.

    Files that all lie below `models/`, as ours do, are named without it; others are named as they stand, so an archive
    of another tool verifies where it was made inside the model directory. An archive that cannot be checked is an
    `Observed` without files and with an `archive.malformed` finding, so that signatures are reported beside it.
    Raises `pack.missing`, `pack.special_file`, `pack.changed`, `machine.*`.
    """
    location = shown(str(path), 400)
    descriptor, stamp = _opened(path, location)
    try:
        digest, members = _read(descriptor, stamp, location, progress)
    except ModelProvenanceError as error:
        if error.code != "archive.malformed":
            raise
        finding = failed(error.code, error.message, remedy=error.remedy, location=location)
        return Observed(TargetKind.ARCHIVE, (), findings=(finding,))
    except OSError as error:
        raise failure(error, str(path), doing="read") from error
    finally:
        os.close(descriptor)
    return Observed(TargetKind.ARCHIVE, _files(members), package_digest=digest)


def _opened(path: Path, location: str) -> tuple[int, Stamp]:
    try:
        return open_named(path)
    except FileNotFoundError as error:
        raise ModelProvenanceError("pack.missing", "there is no such archive", location=location) from error
    except NotRegularError as error:
        raise ModelProvenanceError(
            "pack.special_file", "the archive is not a regular file", location=location
        ) from error
    except OSError as error:
        raise failure(error, str(path), doing="read") from error


def _read(
    descriptor: int, stamp: Stamp, location: str, progress: Callable[[int], None] | None
) -> tuple[Digest, tuple[TarMember, ...]]:
    whole, tar = StreamDigest(), TarDigests(location)
    content = _content(os.pread(descriptor, 4, 0), tar, location)
    consumers: list[Consumer] = [whole, lambda block: content.feed(block.data)]

    def work(stamp: Stamp, crew: Crew[Stamp, bool]) -> bool:
        return pour(descriptor, stamp, consumers, idle=crew.idle, advance=crew.advance)

    (same,) = Crew(work, progress=progress).run([stamp], lambda stamp: stamp.size)
    if not same:
        raise ModelProvenanceError("pack.changed", "the archive changed while it was read", location=location)
    if content is not tar:
        content.close()
    members = tar.close()
    if not members:
        raise ModelProvenanceError("archive.malformed", "there is no file in the archive", location=location)
    return whole.digest, members


def _content(magic: bytes, tar: TarDigests, location: str) -> TarDigests | GunzipStream | UnzstdStream:
    if magic.startswith(GZIP_MAGIC):
        return GunzipStream(tar.feed, location)
    if magic == ZSTD_MAGIC:
        return UnzstdStream(tar.feed, location)
    return tar


def _files(members: Sequence[TarMember]) -> tuple[ModelFile, ...]:
    prefix = PREFIX if all(member.path.startswith(PREFIX) for member in members) else ""
    names = [(member.path.removeprefix(prefix), member) for member in members]
    return in_oms_order(ModelFile(name, member.size, member.digest, role_of(name)) for name, member in names)
