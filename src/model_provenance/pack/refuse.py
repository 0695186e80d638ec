"""Refuse what is not a model, or must not be released, by looking at contents: before anything is written or signed."""

from __future__ import annotations

import re

from model_provenance.domain.files import Entry, Role
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import parse_json
from model_provenance.pack.inventory import Inventory
from model_provenance.pack.refusals import Refusals

#: Keys, tokens and Git LFS pointers are small; larger files are not looked into here.
_SMALL = 64 * 1024
_HEAD = 4096
#: Git LFS, docs/spec.md: a pointer is smaller than this.
_POINTER = 1024
_POINTER_HEAD = b"version https://git-lfs.github.com/spec/v1\n"
_POINTER_SIZE = re.compile(rb"^size ([0-9]{1,19})$", re.MULTILINE)
#: PEM (RFC 7468), also cosign's and OpenSSH's labels.
_PRIVATE_KEY = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
_SERVICE_ACCOUNT = re.compile(rb'"private_key"\s*:\s*"-----BEGIN ')
_PUTTY_KEY = b"PuTTY-User-Key-File-"
_KEY_NAMES = (".key", ".pem")

#: The index of a model with 100,000 tensors is about 9 MB.
_INDEX_LIMIT = 32 * 1024 * 1024
_INDEX_NAMES = 100_000
_MISSING_SHOWN = 5


def check_model(inventory: Inventory) -> None:
    """Raise one error with every file that cannot be released.

    `pack.lfs_pointer`, `pack.empty_weight`, `pack.missing_shard`, `pack.shard_index`, `pack.secret`; `pack.refused`
    where they are mixed.
    """
    refusals = Refusals()
    present = {entry.path for entry in inventory.entries}
    for entry in inventory.entries:
        if entry.role is Role.WEIGHT and not entry.size:
            refusals.add("pack.empty_weight", entry.path, "a weight file of zero bytes")
        elif 0 < entry.size <= _SMALL:
            _check_head(inventory, entry, refusals)
        if entry.path.endswith(".index.json"):
            _check_shards(inventory, entry, present, refusals)
    refusals.settle(str(inventory.root))


def check_pointers(inventory: Inventory) -> None:
    """Raise `pack.lfs_pointer` for data that is not there: what else lies in a dataset is not ours to judge."""
    refusals = Refusals()
    for entry in inventory.entries:
        if 0 < entry.size < _POINTER:
            with inventory.open(entry.path) as file:
                _check_pointer(file.read(_POINTER), entry, refusals)
    refusals.settle(str(inventory.root))


def _check_pointer(head: bytes, entry: Entry, refusals: Refusals) -> bool:
    if entry.size >= _POINTER or not head.startswith(_POINTER_HEAD):
        return False
    size = _POINTER_SIZE.search(head)
    real = f" of {_readable_size(int(size[1]))}" if size else ""
    refusals.add("pack.lfs_pointer", entry.path, f"a Git LFS pointer in place of a file{real}")
    return True


def _check_head(inventory: Inventory, entry: Entry, refusals: Refusals) -> None:
    whole = entry.path.lower().endswith(_KEY_NAMES)
    with inventory.open(entry.path) as file:
        head = file.read(_SMALL if whole else _HEAD)
    if _check_pointer(head, entry, refusals):
        return
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    is_key = _PRIVATE_KEY.search(head) if whole else _PRIVATE_KEY.match(start)
    if is_key or start.startswith(_PUTTY_KEY):
        refusals.add("pack.secret", entry.path, "a private key")
    elif start.startswith(b"{") and _SERVICE_ACCOUNT.search(head):
        refusals.add("pack.secret", entry.path, "a service account with its private key")


def _check_shards(inventory: Inventory, entry: Entry, present: set[str], refusals: Refusals) -> None:
    try:
        named = _shards(inventory, entry)
    except ModelProvenanceError as error:
        if error.code != "pack.shard_index":
            raise
        refusals.add("pack.shard_index", entry.path, error.message)
        return
    folder = entry.path.rpartition("/")[0]
    missing = sorted(name for name in named if (f"{folder}/{name}" if folder else name) not in present)
    if missing:
        names = ", ".join(shown(name) for name in missing[:_MISSING_SHOWN])
        more = f" and {len(missing) - _MISSING_SHOWN} more" if len(missing) > _MISSING_SHOWN else ""
        refusals.add("pack.missing_shard", entry.path, f"it names {names}{more}, which the model does not have")


def _shards(inventory: Inventory, entry: Entry) -> set[str]:
    """The shard files that an index names (transformers: `weight_map`, tensor to file); empty for other files."""
    code = "pack.shard_index"
    if entry.size > _INDEX_LIMIT:
        raise ModelProvenanceError(
            code, f"an index of {entry.size} bytes is more than the {_INDEX_LIMIT} that are read"
        )
    with inventory.open(entry.path) as file:
        data = file.read(_INDEX_LIMIT + 1)
    value = parse_json(data, what="the index", limit=_INDEX_LIMIT, code=code)
    weight_map = value.get("weight_map") if isinstance(value, dict) else None
    if weight_map is None:
        return set()
    if not isinstance(weight_map, dict) or not all(isinstance(name, str) for name in weight_map.values()):
        raise ModelProvenanceError(code, "its `weight_map` does not map tensor names to file names")
    named = set(weight_map.values())
    if len(named) > _INDEX_NAMES:
        raise ModelProvenanceError(code, f"it names more than {_INDEX_NAMES} files")
    return named


def _readable_size(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
