"""`trust`: the trust of a private Sigstore, fetched and verified once, written where `--trust-config` reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from model_provenance.domain.digest import Digest
from model_provenance.flows.files import read_file
from model_provenance.flows.folder import translated, write
from model_provenance.sign.trust_config import MEDIA_TYPE, parse_trust_config
from model_provenance.sign.tuf import fetch_trust
from model_provenance.verify.trusted_root import parse

_ROOT_LIMIT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FetchedTrust:
    """What was written, by file name, and the digest of the trusted root that reports will show."""

    files: tuple[str, ...]
    trusted_root: Digest


def refresh_trust(mirror: str, *, root: Path, output: Path) -> FetchedTrust:
    """Write `trusted_root.json`, and `trust-config.json` where the repository publishes a signing config.

    `output/tuf` keeps the metadata, so that a later run recognises an older repository. Raises `trust.*`.
    """
    with translated(output):
        output.mkdir(parents=True, exist_ok=True)
    found = fetch_trust(mirror, read_file(root, option="--root", limit=_ROOT_LIMIT), output / "tuf")
    # Both are read as they will be, before they are written: a repository can sign what nobody can use.
    parse(found.trusted_root)
    documents = {"trusted_root.json": found.trusted_root}
    if found.signing_config is not None:
        value = {"trustedRoot": json.loads(found.trusted_root), "signingConfig": json.loads(found.signing_config)}
        config = json.dumps({"mediaType": MEDIA_TYPE, **value}, indent=2).encode()
        parse_trust_config(config)
        documents["trust-config.json"] = config
    for name, data in documents.items():
        write(output, name, data)
    return FetchedTrust(tuple(documents), Digest.of(found.trusted_root))
