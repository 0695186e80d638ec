"""A release as a verification would hand it on, and the same with something changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import SignerIdentity
from model_provenance.domain.files import ModelFile
from model_provenance.domain.roles import role_of
from model_provenance.domain.verification import SEAL, Scope, Verified

#: 2026-11-23, and ten days before.
NOW = 1_795_392_000
SIGNED_AT = NOW - 10 * 86_400
REPOSITORY = "https://github.com/acme/minilm"
SUBJECT = f"{REPOSITORY}/.github/workflows/release.yml@refs/heads/main"
ISSUER = "https://token.actions.githubusercontent.com"
FILES = ("README.md", "config.json", "model.safetensors", "tokenizer.json")
MANIFEST: Mapping[str, Any] = {
    "model_name": "acme/minilm",
    "version": "1.0.0",
    "license": "Apache-2.0",
    "datasets": [{"name": "snli", "digest": "sha256:" + "12" * 32, "license": "CC-BY-SA-4.0"}],
    "fine_tuned_from": {"model": "acme/base", "license": "Apache-2.0"},
    "sboms": [{"predicate_type": "https://spdx.dev/Document"}, {"predicate_type": "https://cyclonedx.org/bom"}],
}


def verified(changes: Mapping[str, Any] | None = None) -> Verified:
    """A keyless release of a CI job, changed as a case says."""
    given = dict(changes or {})
    signer = {"method": "keyless", "subject": SUBJECT, "issuer": ISSUER, **given.pop("signer", {})}
    extensions = signer.pop("extensions", {12: REPOSITORY, 14: "refs/heads/main", 20: "push"})
    changed = given.get("manifest", {})
    manifest = {} if changed is None else {**MANIFEST, **changed}
    executable = given.get("executable", [])
    assert given.keys() <= {
        "scope", "files", "manifest", "manifest_without", "executable", "slsa_level", "time_evidence", "signed_at",
        "model_digest",
    }  # fmt: skip
    return Verified(
        seal=SEAL,
        scope=Scope(given.get("scope", "release")),
        signer=SignerIdentity(extensions=tuple(sorted(extensions.items())), **signer),
        predicate_types=(),
        model_digest=Digest("cd" * 32) if given.get("model_digest", True) else None,
        package_digest=None,
        files=tuple(ModelFile(p, 1, Digest.of(p.encode()), role_of(p)) for p in given.get("files", FILES)),
        manifest={key: value for key, value in manifest.items() if key not in given.get("manifest_without", ())},
        provenance={},
        log_entries=(),
        signed_at=given.get("signed_at", SIGNED_AT),
        slsa_level=given.get("slsa_level", 2),
        time_evidence=frozenset(given.get("time_evidence", ["rekor", "tsa"])),
        executable=None if executable is None else frozenset(executable),
    )
