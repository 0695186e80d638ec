"""A new key pair on disk: `NAME.key` as cosign encrypts it, readable by its owner alone, and `NAME.pub`."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from model_provenance.disk.aside import file_aside
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import cosign_key
from model_provenance.formats.public_key import public_key

_PRIVATE_MODE, _PUBLIC_MODE = 0o600, 0o644
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


def keygen(output_prefix: Path, password: bytes, *, force: bool = False) -> tuple[Path, Path]:
    """Make an EC P-256 key pair and return the paths of its private and its public file.

    Whatever bytes `password` holds are the password: an empty one is the caller's explicit wish. Existing files are
    refused (`key.exists`) unless `force`; on any failure neither file is left behind, nor anything half-written.
    """
    with _translated(output_prefix), ExitStack() as cleaning:
        private, public = (output_prefix.with_name(output_prefix.name + suffix) for suffix in (".key", ".pub"))
        if not force:
            for path in (private, public):
                _refuse_existing(path)
        key = ec.generate_private_key(ec.SECP256R1())
        pkcs8 = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        # Both are complete on disk before either gets its name: a full disk never leaves half a pair.
        staged = (
            (_staged(private, cosign_key.encrypt(pkcs8, password), _PRIVATE_MODE, cleaning), private),
            (_staged(public, public_key(key.public_key()).pem, _PUBLIC_MODE, cleaning), public),
        )
        if force:
            for temporary, path in staged:
                temporary.replace(path)
        else:
            _name_both(staged)
    return private, public


def _staged(path: Path, data: bytes, mode: int, cleaning: ExitStack) -> Path:
    """The complete file beside `path`, under a name of its own that is removed in the end."""
    # The mode is tight from the first moment: no other user can open the file before.
    temporary, descriptor = file_aside(path.parent, _PRIVATE_MODE)
    # Open, and so held, until it has its name.
    file = cleaning.enter_context(os.fdopen(descriptor, "wb"))
    cleaning.callback(temporary.unlink, missing_ok=True)
    file.write(data)
    file.flush()
    os.fchmod(file.fileno(), mode)
    os.fsync(file.fileno())
    return temporary


def _name_both(staged: Sequence[tuple[Path, Path]]) -> None:
    """Give both files their names, or neither."""
    with ExitStack() as undo:
        for temporary, path in staged:
            _link(temporary, path)
            undo.callback(path.unlink, missing_ok=True)
        undo.pop_all()


def _link(temporary: Path, path: Path) -> None:
    """Give a file its name, unless somebody made one of that name meanwhile."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        _refuse_existing(path)
        temporary.rename(path)


def _refuse_existing(path: Path) -> None:
    # A symbolic link counts as well, even one that leads nowhere.
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


@contextmanager
def _translated(prefix: Path) -> Iterator[None]:
    where = shown(str(prefix))
    try:
        yield
    except FileExistsError as error:
        raise ModelProvenanceError("key.exists", "a key of this name exists already", location=where) from error
    except FileNotFoundError as error:
        raise ModelProvenanceError(
            "usage.invalid", "the folder for the key does not exist", location=where, remedy="Create it first."
        ) from error
    except ValueError as error:  # no name at all, or a NUL in it
        raise ModelProvenanceError("usage.invalid", f"this is not a file name: {error}", location=where) from error
    except OSError as error:
        code = "machine.disk" if error.errno in _DISK else "machine.permission"
        raise ModelProvenanceError(code, f"the key cannot be written: {error.strerror}", location=where) from error
