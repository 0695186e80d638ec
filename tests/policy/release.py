"""A release as a verification would hand it on, and the same with something changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import SignerIdentity, Subject, SubjectKind
from model_provenance.domain.files import ModelFile
from model_provenance.domain.finding import passed
from model_provenance.domain.lineage import Ancestor, Backing
from model_provenance.domain.policy import Waiver
from model_provenance.domain.result import Result
from model_provenance.domain.roles import role_of
from model_provenance.domain.status import Snapshot, Status
from model_provenance.domain.summary import Summary
from model_provenance.domain.verification import SEAL, Report, Scope, Verified
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.revocation import entry_of

HOUR = 3600
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
    "fine_tuned_from": {"model": "acme/base", "license": "Apache-2.0", "digest": "sha256:" + "ba" * 32},
    "sboms": [{"predicate_type": "https://spdx.dev/Document"}, {"predicate_type": "https://cyclonedx.org/bom"}],
    "tests": [{"name": "sts-b", "metric": "spearman", "value": "0.82", "result": "passed"}],
}
MODEL, PACKAGE = Digest("cd" * 32), Digest("ab" * 32)
SUBJECTS = (Subject(SubjectKind.OMS_ROOT, MODEL), Subject(SubjectKind.OCI_MANIFEST, PACKAGE))
APPROVER = "risk@acme.example"
VERIFIER, VERIFIER_ID = "gate@acme.example", "https://acme.example/gate"
RESOURCE = "pkg:generic/model/acme/minilm@1.0.0"
#: The base model of the manifest, with evidence.
BASE = Ancestor("acme/base", Digest("ba" * 32), 1, Backing.EVIDENCE, digests=frozenset({Digest("ba" * 32)}))


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
        "model_digest", "provenance", "test_result",
    }  # fmt: skip
    return Verified(
        seal=SEAL,
        scope=Scope(given.get("scope", "release")),
        signer=SignerIdentity(extensions=tuple(sorted(extensions.items())), **signer),
        predicate_types=(),
        model_digest=MODEL if given.get("model_digest", True) else None,
        package_digest=None,
        files=tuple(ModelFile(p, 1, Digest.of(p.encode()), role_of(p)) for p in given.get("files", FILES)),
        manifest={key: value for key, value in manifest.items() if key not in given.get("manifest_without", ())},
        provenance=given.get("provenance", {}),
        log_entries=(),
        signed_at=given.get("signed_at", SIGNED_AT),
        slsa_level=given.get("slsa_level", 2),
        time_evidence=frozenset(given.get("time_evidence", ["rekor", "tsa"])),
        executable=None if executable is None else frozenset(executable),
        subjects=SUBJECTS,
        test_result=given.get("test_result", {}),
    )


def report(found: Verified) -> Report:
    """The report of a verification that has come to this."""
    return Report(
        result=Result.PASS,
        exit_status=0,
        scope=found.scope,
        findings=(passed("oms.files", "every file is as signed"),),
        signer=found.signer,
        predicate_types=(),
        not_checked=(),
        log_entries=(),
        slsa_level=found.slsa_level,
        slsa_reasons=(),
        verified=found,
    )


def waiver(changes: Mapping[str, Any] | None = None) -> Waiver:
    """A waiver of one gate for the model by an approver, changed as a case says."""
    given = dict(changes or {})
    signer = SignerIdentity("keyless", given.pop("signer", APPROVER), ISSUER)
    digest = Digest.parse(given.pop("digest", str(MODEL)))
    words = {"gate": "age", "reason": "pilot", "approver": "R. Officer", "ticket": "T-1", "expiry": "2026-12-31"}
    return Waiver(digest=digest, signer=signer, **{"ends": NOW + 86_400, **words, **given})


def ancestor(changes: Mapping[str, Any] | None = None) -> Ancestor:
    """The base model, changed as a case says."""
    given = dict(changes or {})
    if "digest" in given:
        given["digest"] = None if given["digest"] is None else Digest.parse(given["digest"])
    if "attestations" in given:
        given["attestations"] = tuple((name, Digest.parse(digest)) for name, digest in given["attestations"])
    if "backing" in given:
        given["backing"] = Backing(given["backing"])
    if "signer" in given:
        given["signer"] = SignerIdentity(**given["signer"])
    if "statements" in given:
        given["statements"] = tuple((name, Digest.parse(digest)) for name, digest in given["statements"])
    return replace(BASE, **given)


def summary(changes: Mapping[str, Any] | None = None) -> Summary:
    """A summary of the model by the verifier, a day old, changed as a case says."""
    given = dict(changes or {})
    who = given.pop("signer", VERIFIER)
    signer = None if who is None else SignerIdentity("keyless", who, given.pop("issuer", ISSUER))
    if "subjects" in given:
        given["subjects"] = tuple((name, Digest.parse(digest)) for name, digest in given["subjects"])
    for key in given.keys() & {"digest", "statement"}:
        given[key] = Digest.parse(given[key])
    if "levels" in given:
        given["levels"] = frozenset(given["levels"])
    if "released_by" in given:
        given["released_by"] = tuple(given["released_by"])
    good = Summary(
        verifier_id=VERIFIER_ID,
        resource_uri=RESOURCE,
        policy_uri="urn:model-provenance:policy:production",
        policy_digest="sha256:" + "90" * 32,
        result="PASSED",
        levels=frozenset({"SLSA_BUILD_LEVEL_2", "MODELPROV_DATASETS_PASS"}),
        verified_at=NOW - 86_400,
        subjects=(("oms-root", MODEL), ("oci-manifest", PACKAGE)),
        released_by=(SUBJECT, ISSUER),
        signer=signer,
    )
    return replace(good, **given)


def status(given: Mapping[str, Any] | None) -> Status | ModelProvenanceError | None:
    """A status list as a case says: hours since it was made and until it is stale, its entries, who signed it."""
    if given is None:
        return None
    if "error" in given:
        return ModelProvenanceError(given["error"], "the list could not be used")
    assert given.keys() <= {"age", "fresh", "entries", "revokers", "as_of", "grace"}
    made = NOW - int(given.get("age", 1) * HOUR)
    snapshot = Snapshot(
        list="acme/models",
        seq=7,
        this_update=made,
        next_update=made + int(given.get("fresh", 24) * HOUR),
        previous=tuple(Digest(f"{number:064x}") for number in range(6)),
        entries=tuple(entry_of(entry) for entry in given.get("entries", ())),
        digest=Digest("ef" * 32),
    )
    revokers = tuple(
        SignerIdentity(**who) for who in given.get("revokers", [{"method": "key", "subject": "key:revoker"}])
    )
    as_of = None if "as_of" not in given else NOW - int(given["as_of"] * HOUR)
    return Status(snapshot, revokers, as_of=as_of, grace=int(given.get("grace", 0) * HOUR))
