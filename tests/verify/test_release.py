"""A whole release, signed with a key: what passes, and for each check one defect, signed again, that does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import Predicate
from model_provenance.domain.finding import Status, undecided
from model_provenance.domain.package import Layout
from model_provenance.domain.result import Result
from model_provenance.domain.verification import Expectation, Observed, Scope, TargetKind, Trust
from model_provenance.verify.checks import CHECKS
from model_provenance.verify.release import verify_remote

OTHER = "ab" * 32


@pytest.mark.parametrize("target", ["directory", "archive", "oci_layout"])
def test_a_release_passes_in_each_of_its_forms(api: Any, judge: Any, target: Any) -> None:
    """Directory, archive and OCI layout are verified with the same evidence of their release."""
    draft = api.Draft(layout=Layout.TAR_GZ if target == "archive" else Layout.LAYERS)
    statements, documents = draft.parts()
    report = judge(api.by_key(statements), getattr(draft, target), documents=documents)
    assert api.failures(report) == set()
    assert report.result is Result.PASS
    assert report.verified.package_digest == (None if target == "directory" else draft.package.package_digest)


def test_a_pass_says_what_was_verified(api: Any, judge: Any) -> None:
    """The `Verified` holds model digest, files, manifest, provenance and signer of the release."""
    draft = api.Draft()
    report = judge(api.by_key(draft.statements), draft.directory)
    verified = report.verified
    assert (verified.scope, verified.signer.method) == (Scope.RELEASE, "key")
    assert verified.model_digest == draft.package.model_digest
    assert verified.files == draft.directory.files
    assert verified.manifest["version"] == "1.0.0"
    assert verified.provenance["runDetails"]["byproducts"]
    assert set(report.predicate_types) == {
        Predicate.OMS,
        Predicate.MANIFEST,
        Predicate.PROVENANCE,
        Predicate.SPDX,
        Predicate.CYCLONEDX,
    }


def test_a_pass_says_what_it_left_open(api: Any, judge: Any) -> None:
    """With a key and a directory, nobody checked a log, a time or the package digest, and the report says so."""
    draft = api.Draft()
    report = judge(api.by_key(draft.statements), draft.directory)
    assert [text.partition(":")[0] for text in report.not_checked] == [
        "transparency log",
        "time of signing",
        "package digest",
    ]


def test_every_check_answers(api: Any, judge: Any) -> None:
    """Each check of the numbered list has at least one finding, whatever the outcome."""
    draft = api.Draft()
    nothing: dict[str, bytes] = {}
    for bundles in (nothing, api.by_key(draft.statements), api.by_key(draft.statements[:2], api.OTHER_KEY)):
        report = judge(bundles, draft.directory)
        assert len(report.findings) >= len(CHECKS) - 1
        assert [check.number for check in CHECKS] == list(range(1, len(CHECKS) + 1))


def test_the_package_of_a_directory_is_compared_where_the_caller_computed_it(api: Any, judge: Any) -> None:
    """A directory with a package digest is held to the signed one of its release's layout."""
    draft = api.Draft(layout=Layout.TAR)
    bundles = api.by_key(draft.statements)
    good = replace(draft.directory, package_digest=draft.package.package_digest)
    assert api.failures(judge(bundles, good)) == set()
    bad = replace(draft.directory, package_digest=Digest(OTHER))
    assert api.failures(judge(bundles, bad)) == {"package.digest"}


@pytest.mark.parametrize("kind", ["oms-root", "oci-manifest"])
def test_a_digest_pins_model_or_package(api: Any, judge: Any, kind: Any) -> None:
    """`--digest` may be the model digest or any of the package's, and nothing else."""
    draft = api.Draft()
    digest = draft.package.model_digest if kind == "oms-root" else draft.package.manifest_digests[1]
    bundles = api.by_key(draft.statements)
    report = judge(bundles, draft.directory, version=None, digest=digest)
    assert api.failures(report) == set()
    assert "expect.unpinned" not in api.warnings(report)
    assert api.failures(judge(bundles, draft.directory, digest=Digest(OTHER))) == {"expect.digest"}


@pytest.mark.parametrize("expected", [{"name": None}, {"version": None}, {"name": None, "version": None}])
def test_a_missing_expectation_is_said(api: Any, judge: Any, expected: Any) -> None:
    """Without a name plus version or digest, any release of the signer passes; the report warns."""
    draft = api.Draft()
    report = judge(api.by_key(draft.statements), draft.directory, **expected)
    assert report.result is Result.PASS
    assert api.warnings(report) == {"expect.unpinned"}


def test_findings_of_the_read_count(api: Any, judge: Any) -> None:
    """What went wrong while the target was read makes the verdict, even where everything else holds."""
    draft = api.Draft()
    finding = undecided("files.none", "one file could not be read")
    report = judge(api.by_key(draft.statements), replace(draft.directory, findings=(finding,)))
    assert report.result is Result.ERROR
    assert report.exit_status == 15


def test_a_target_without_files_is_never_a_pass(api: Any, judge: Any) -> None:
    """Nothing read means nothing verified."""
    draft = api.Draft()
    report = judge(api.by_key(draft.statements), Observed(TargetKind.DIRECTORY, ()))
    assert api.failures(report) == {"files.none"}


# --- without the weights


def test_a_package_in_a_registry_is_verified_without_its_weights(api: Any) -> None:
    """Evidence as one set and the manifests by digest; the report says that no file was read."""
    draft = api.Draft()
    observed = replace(draft.oci_layout, files=())
    expectation = Expectation(api.key_expectation(), "acme/minilm", "1.0.0")

    def remote(target: Observed) -> Any:
        return verify_remote(api.evidence(api.by_key(draft.statements)), target, expectation, Trust(None))

    report = remote(observed)
    assert api.failures(report) == set()
    assert report.scope is Scope.REMOTE
    assert report.verified.files == ()
    assert any(text.startswith("files") for text in report.not_checked)
    assert api.failures(remote(replace(observed, package_digest=Digest(OTHER)))) == {"package.digest"}
    assert api.failures(remote(replace(observed, manifest_digests=()))) == {"package.digest"}


@pytest.mark.parametrize("kind", list(TargetKind))
def test_a_remote_verification_of_nothing_is_no_pass(api: Any, kind: Any) -> None:
    """Neither a file nor a package digest: then nothing was compared with the evidence."""
    draft = api.Draft()
    expectation = Expectation(api.key_expectation(), "acme/minilm", "1.0.0")
    report = verify_remote(api.evidence(api.by_key(draft.statements)), Observed(kind, ()), expectation, Trust(None))
    assert api.failures(report) == {"verify.blocked"}
    assert report.exit_status == 15


# --- 9: one release is one set


@pytest.mark.parametrize("name", ["oms", "manifest", "provenance", "spdx", "cyclonedx"])
def test_each_statement_must_be_there(api: Any, judge: Any, name: Any) -> None:
    """One bundle missing is evidence missing: exit status 12."""
    draft = api.Draft()
    bundles = api.by_key(draft.statements)
    del bundles[name]
    report = judge(bundles, draft.directory)
    assert api.failures(report) == {"evidence.missing"}
    assert report.exit_status == 12


def test_no_evidence_is_evidence_missing(api: Any, judge: Any) -> None:
    """An empty folder of evidence is 12, never 0."""
    report = judge({}, api.Draft().directory)
    assert api.failures(report) == {"evidence.missing"}
    assert report.exit_status == 12


def test_a_statement_that_the_provenance_does_not_name_is_refused(api: Any, judge: Any) -> None:
    """A statement of the same signer about the same model, which the run did not make, does not belong."""
    draft = api.Draft()
    changed = api.edited(draft.statements, "cyclonedx", lambda v: v["predicate"].update(version=2), relink=False)
    report = judge(api.by_key(changed), draft.directory)
    assert {"set.unnamed", "evidence.missing"} <= api.failures(report)
    assert report.exit_status == 10


def test_a_provenance_that_names_a_statement_twice_is_refused(api: Any, judge: Any) -> None:
    """Two entries for one statement would hide that another is missing."""

    def twice(value: Any) -> None:
        byproducts = value["predicate"]["runDetails"]["byproducts"]
        byproducts.append({**byproducts[0], "name": "again"})

    draft = api.Draft()
    report = judge(api.by_key(api.edited(draft.statements, "provenance", twice)), draft.directory)
    assert api.failures(report) == {"set.duplicate"}


@pytest.mark.parametrize("name", ["manifest", "provenance", "spdx", "cyclonedx"])
def test_subjects_are_equal(api: Any, judge: Any, name: Any) -> None:
    """A statement with one subject more than the others is about something else."""
    draft = api.Draft()

    def more(value: Any) -> None:
        value["subject"].append({"name": "oci-manifest", "digest": {"sha256": OTHER}})

    report = judge(api.by_key(api.edited(draft.statements, name, more)), draft.directory)
    assert api.failures(report) == {"set.subjects"}
    assert report.exit_status == 11


# --- 10: typed subjects


def _everywhere(api: Any, statements: Any, change: Any) -> Any:
    """The same change of subjects in every statement but the OMS one."""
    for name in ("manifest", "spdx", "cyclonedx", "provenance"):
        statements = api.edited(statements, name, lambda value: change(value["subject"]))
    return api.relinked(statements)


def test_a_subject_without_a_kind_is_refused(api: Any, judge: Any) -> None:
    """Every subject of a release is oms-root, oci-manifest or archive."""
    draft = api.Draft()
    changed = _everywhere(api, draft.statements, lambda s: s.append({"name": "model.bin", "digest": {"sha256": OTHER}}))
    assert "subject.kind" in api.failures(judge(api.by_key(changed), draft.directory))


def test_a_subject_without_a_name_is_refused(api: Any, judge: Any) -> None:
    """A nameless subject has no kind."""
    draft = api.Draft()
    changed = _everywhere(api, draft.statements, lambda s: s.append({"digest": {"sha256": OTHER}}))
    assert "subject.kind" in api.failures(judge(api.by_key(changed), draft.directory))


def test_the_model_subject_is_the_root_of_the_oms_files(api: Any, judge: Any) -> None:
    """All statements agree with each other about another model than the OMS statement: refused."""
    draft = api.Draft()
    changed = _everywhere(api, draft.statements, lambda s: s[0]["digest"].update(sha256=OTHER))
    assert api.failures(judge(api.by_key(changed), draft.directory)) == {"set.subjects"}


def test_the_oms_subject_is_recomputed(api: Any, judge: Any) -> None:
    """The root digest follows from the listed files, or the statement is refused."""
    draft = api.Draft()
    changed = api.edited(draft.statements, "oms", lambda v: v["subject"][0]["digest"].update(sha256=OTHER))
    assert "oms.root" in api.failures(judge(api.by_key(changed), draft.directory))


# --- 11: which model


def test_another_name_is_refused(api: Any, judge: Any) -> None:
    """The signed manifest decides which model it is."""
    draft = api.Draft()
    report = judge(api.by_key(draft.statements), draft.directory, name="acme/other")
    assert api.failures(report) == {"expect.name"}
    assert report.exit_status == 11


# --- 12: the manifest


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model_digest", f"sha256:{OTHER}"),
        ("files_digest", f"sha256:{OTHER}"),
        ("file_count", 6),
        ("total_bytes", 747),
        ("artifact_sha256", OTHER),
    ],
)
def test_the_manifest_agrees_with_the_files(api: Any, judge: Any, field: Any, value: Any) -> None:
    """Each digest and count in the manifest follows from what was signed and read."""
    draft = api.Draft()
    changed = api.edited(draft.statements, "manifest", lambda v: v["predicate"].update({field: value}))
    report = judge(api.by_key(changed), draft.directory)
    assert "manifest.disagrees" in api.failures(report)
    assert report.exit_status == 11


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(surprise=1),
        lambda m: m.pop("model_name"),
        lambda m: m.update(artifact_sha256="sha256:" + OTHER),
        lambda m: m.update(version="1.0.0\n"),
        lambda m: m.update(file_count=2**60),
        lambda m: m.update(schema="https://model-provenance.dev/schemas/manifest/v2"),
    ],
    ids=["unknown key", "no name", "digest form", "control character", "huge number", "other schema"],
)
def test_an_invalid_manifest_is_refused(api: Any, judge: Any, change: Any) -> None:
    """A signed manifest that its schema or its rules refuse passes nothing that depends on it."""
    draft = api.Draft()
    report = judge(
        api.by_key(api.edited(draft.statements, "manifest", lambda v: change(v["predicate"]))), draft.directory
    )
    assert api.failures(report) & {"manifest.invalid", "verify.crashed"}
    assert report.exit_status in (12, 15)


def test_a_document_beside_the_evidence_is_the_signed_one(api: Any, judge: Any) -> None:
    """The manifest and the SBOMs that people open are compared byte for byte with what was signed."""
    draft = api.Draft()
    statements, documents = draft.parts()
    for name in documents:
        report = judge(api.by_key(statements), draft.directory, documents={**documents, name: documents[name] + b" "})
        assert api.failures(report) == {"evidence.differs"}


# --- 13: provenance and manifest


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p["buildDefinition"]["externalParameters"]["model"].update(version="0.9.0"),
        lambda p: p["buildDefinition"]["externalParameters"]["model"].update(name="acme/other"),
        lambda p: p["buildDefinition"]["internalParameters"].update(filesDigest=f"sha256:{OTHER}"),
    ],
    ids=["version", "name", "files digest"],
)
def test_provenance_and_manifest_are_about_one_release(api: Any, judge: Any, change: Any) -> None:
    """Name, version and names digest agree between the two."""
    draft = api.Draft()
    changed = api.edited(draft.statements, "provenance", lambda v: change(v["predicate"]))
    assert api.failures(judge(api.by_key(changed), draft.directory)) == {"manifest.disagrees"}


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p["buildDefinition"].update(buildType="https://actions.github.io/buildtypes/workflow/v1"),
        lambda p: p["buildDefinition"]["externalParameters"].update(surprise=1),
        lambda p: p.pop("runDetails"),
    ],
    ids=["build type", "external parameter", "no run"],
)
def test_a_foreign_provenance_is_refused(api: Any, judge: Any, change: Any) -> None:
    """A build type or parameter of unknown meaning is no provenance of ours."""
    draft = api.Draft()
    changed = api.edited(draft.statements, "provenance", lambda v: change(v["predicate"]))
    assert api.failures(judge(api.by_key(changed), draft.directory)) == {"provenance.malformed"}


def test_a_key_signed_release_of_a_ci_run_is_unproven(api: Any, judge: Any) -> None:
    """A key does not back what the provenance says about its run, which is a warning."""
    draft = api.Draft(run=api.GitHubRun())
    report = judge(api.by_key(draft.statements), draft.directory)
    assert api.failures(report) == set()
    assert api.warnings(report) == {"claims.unproven"}


# --- 14: files


@pytest.mark.parametrize("path", sorted(["config.json", "model.safetensors", "README.md", "LICENSE", "tokenizer.json"]))
def test_a_changed_file_is_refused_by_name(api: Any, judge: Any, path: Any) -> None:
    """One flipped byte in any file: 11, and the finding names the file."""
    draft = api.Draft()
    content = bytearray(draft.files[path])
    content[0] ^= 1
    report = judge(api.by_key(draft.statements), replace(draft, files={**draft.files, path: bytes(content)}).directory)
    assert api.failures(report) == {"files.changed"}
    assert any(f.id == "files.changed" and f.location == path for f in report.findings)
    assert report.exit_status == 11


def test_a_missing_file_is_refused(api: Any, judge: Any) -> None:
    """A file that was signed and is gone."""
    draft = api.Draft()
    files = {path: data for path, data in draft.files.items() if path != "LICENSE"}
    assert api.failures(judge(api.by_key(draft.statements), replace(draft, files=files).directory)) == {"files.missing"}


def test_many_differences_are_counted_and_not_all_listed(api: Any, judge: Any) -> None:
    """A target with thousands of unsigned files gives a bounded report."""
    draft = api.Draft()
    files = dict(draft.files) | {f"extra/{n}.bin": b"x" for n in range(5000)}
    report = judge(api.by_key(draft.statements), replace(draft, files=files).directory)
    assert api.failures(report) == {"files.extra"}
    assert len(report.findings) < 100


# --- 15: the package


def test_an_archive_with_other_bytes_is_refused(api: Any, judge: Any) -> None:
    """The same files in another archive are not the released archive."""
    draft = api.Draft(layout=Layout.TAR_ZST)
    report = judge(api.by_key(draft.statements), replace(draft.archive, package_digest=Digest(OTHER)))
    assert api.failures(report) == {"package.digest"}


def test_an_archive_whose_digest_is_unknown_is_refused(api: Any, judge: Any) -> None:
    """An archive that could not be hashed is not compared, so it does not pass."""
    draft = api.Draft(layout=Layout.TAR)
    report = judge(api.by_key(draft.statements), replace(draft.archive, package_digest=None))
    assert api.failures(report) == {"verify.blocked"}
    assert report.exit_status == 15


@pytest.mark.parametrize("change", ["one more", "one less"])
def test_the_model_index_lists_exactly_the_signed_manifests(api: Any, judge: Any, change: Any) -> None:
    """A manifest that was added to or taken from the index was never signed that way."""
    draft = api.Draft()
    listed = draft.oci_layout.manifest_digests
    listed = (*listed, Digest(OTHER)) if change == "one more" else listed[1:]
    report = judge(api.by_key(draft.statements), replace(draft.oci_layout, manifest_digests=listed))
    assert api.failures(report) == {"package.digest"}


# --- 16: SBOMs


def test_an_sbom_that_is_too_large_for_a_statement_is_held_by_the_manifest(api: Any, judge: Any) -> None:
    """Without a bundle of its own, the document beside the evidence counts, if its digest is the signed one."""
    draft = api.Draft()
    statements, documents = draft.parts()
    fewer = api.relinked([s for s in statements if s.name != "spdx"])
    bundles = api.by_key(fewer)
    assert api.failures(judge(bundles, draft.directory, documents=documents)) == set()
    assert api.failures(judge(bundles, draft.directory)) == {"evidence.missing"}
    documents["sbom.spdx.json"] += b"\n"
    assert "sbom.differs" in api.failures(judge(bundles, draft.directory, documents=documents))


@pytest.mark.parametrize("name", ["spdx", "cyclonedx"])
def test_an_sbom_with_another_digest_than_the_manifest_names_is_refused(api: Any, judge: Any, name: Any) -> None:
    """A statement that the provenance names, but not the manifest, is not this release's SBOM."""
    draft = api.Draft()
    changed = api.edited(draft.statements, name, lambda v: v["predicate"].update(comment="other"))
    assert "sbom.differs" in api.failures(judge(api.by_key(changed), draft.directory))


def _with_sbom(api: Any, draft: Any, name: Any, change: Any) -> Any:
    """The release with one SBOM changed and named by manifest and provenance as it is now."""
    from model_provenance.formats.canonical import document

    statements = api.edited(draft.statements, name, lambda v: change(v["predicate"]))
    import json

    payload = next(json.loads(s.payload) for s in statements if s.name == name)
    data = document(payload["predicate"])

    def renamed(value: Any) -> None:
        for entry in value["predicate"]["sboms"]:
            if entry["predicate_type"] == payload["predicateType"]:
                entry.update(digest=str(Digest.of(data)), size=len(data))

    return api.edited(statements, "manifest", renamed)


def _drop_spdx_file(sbom: Any) -> None:
    gone = next(p for p in sbom["packages"] if p["name"] == "LICENSE")
    sbom["packages"].remove(gone)
    sbom["relationships"] = [r for r in sbom["relationships"] if r["relatedSpdxElement"] != gone["SPDXID"]]


def _drop_cyclonedx_file(sbom: Any) -> None:
    model = next(c for c in sbom["components"] if c["type"] == "machine-learning-model")
    model["components"] = [c for c in model["components"] if c["name"] != "LICENSE"]


@pytest.mark.parametrize(("name", "drop"), [("spdx", _drop_spdx_file), ("cyclonedx", _drop_cyclonedx_file)])
def test_an_sbom_that_leaves_a_file_out_is_refused(api: Any, judge: Any, name: Any, drop: Any) -> None:
    """The SBOM lists exactly the files of the model."""
    draft = api.Draft()
    report = judge(api.by_key(_with_sbom(api, draft, name, drop)), draft.directory)
    assert api.failures(report) == {"sbom.files"}
    assert any("LICENSE" in f.message for f in report.findings if f.id == "sbom.files")


def test_an_sbom_that_lists_another_digest_is_refused(api: Any, judge: Any) -> None:
    """The digest of a file in the SBOM is that of the file."""

    def change(sbom: Any) -> None:
        next(p for p in sbom["packages"] if p["name"] == "LICENSE")["checksums"][0]["checksumValue"] = OTHER

    draft = api.Draft()
    assert api.failures(judge(api.by_key(_with_sbom(api, draft, "spdx", change)), draft.directory)) == {"sbom.files"}


def test_an_sbom_about_another_release_is_refused(api: Any, judge: Any) -> None:
    """Name, version and digests in the SBOM are those of the manifest."""

    def change(sbom: Any) -> None:
        next(p for p in sbom["packages"] if p["SPDXID"] == "SPDXRef-Model")["versionInfo"] = "0.9.0"

    draft = api.Draft()
    assert api.failures(judge(api.by_key(_with_sbom(api, draft, "spdx", change)), draft.directory)) == {"sbom.differs"}


@pytest.mark.parametrize(("lost", "role"), [("model.safetensors", "weight"), ("config.json", "config")])
def test_an_incomplete_model_is_refused(api: Any, judge: Any, lost: Any, role: Any) -> None:
    """A release without weights or configuration has an SBOM without them: 12, with the role named."""
    draft = api.Draft(files={path: data for path, data in api.FILES.items() if path != lost})
    report = judge(api.by_key(draft.statements), draft.directory)
    assert api.failures(report) == {"sbom.incomplete"}
    assert report.exit_status == 12
    assert any(role in f.message for f in report.findings if f.id == "sbom.incomplete")


def test_a_licence_may_be_a_file_or_declared(api: Any, judge: Any) -> None:
    """Without a licence file the card's licence in the SBOM is enough; without either the model is incomplete."""
    declared = {path: data for path, data in api.FILES.items() if path != "LICENSE"}
    silent = {path: data for path, data in declared.items() if path != "README.md"}
    for files, expected in ((declared, set()), (silent, {"sbom.incomplete"})):
        draft = api.Draft(files=files)
        assert api.failures(judge(api.by_key(draft.statements), draft.directory)) == expected


def test_what_must_be_there_is_configurable(api: Any, judge: Any) -> None:
    """The list of required roles is the caller's."""
    draft = api.Draft(files={"model.safetensors": b"w"})
    bundles = api.by_key(draft.statements)
    assert api.failures(judge(bundles, draft.directory)) == {"sbom.incomplete"}
    assert api.failures(judge(bundles, draft.directory, required_parts=("weights",))) == set()
    assert api.failures(judge(bundles, draft.directory, required_parts=("weights", "wings"))) == {"sbom.incomplete"}


def test_a_gguf_carries_its_configuration(api: Any, judge: Any) -> None:
    """A model that is one self-describing file needs no separate configuration."""
    draft = api.Draft(files={"model.gguf": b"GGUF", "LICENSE": b"Apache"})
    assert api.failures(judge(api.by_key(draft.statements), draft.directory)) == set()


# --- everything at once


def test_all_failures_are_reported_at_once(api: Any, judge: Any) -> None:
    """A wrong version, a changed file, an extra file and a broken signature are four findings of one run."""
    draft = api.Draft()
    bundles = api.by_key(draft.statements)
    bundles["spdx"] = api.by_key(draft.statements, api.OTHER_KEY)["spdx"]
    files = {**draft.files, "config.json": b"{}", "evil.py": b"import os"}
    report = judge(bundles, replace(draft, files=files).directory, version="2.0.0")
    assert {"signature.invalid", "expect.version", "files.changed", "files.extra"} <= api.failures(report)
    assert report.exit_status == 10


def test_a_check_that_could_not_run_says_so(api: Any, judge: Any) -> None:
    """Without a provenance the set cannot be judged: blocked, which is neither silence nor a pass."""
    draft = api.Draft()
    bundles = api.by_key(draft.statements)
    del bundles["provenance"]
    report = judge(bundles, draft.directory)
    blocked = [f for f in report.findings if f.id == "verify.blocked"]
    assert blocked
    assert all(f.status is Status.SKIPPED for f in blocked)
