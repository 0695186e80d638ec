"""Nothing in a target, its evidence or the place of a pull makes a file escape the verification."""

from __future__ import annotations

import base64
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.oci.registry.workshop import Workshop, tree

from model_provenance.domain.names import ModelName, Version
from model_provenance.domain.package import Layout
from model_provenance.domain.result import Result
from model_provenance.domain.verification import Report
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.expectation import SignerOptions
from model_provenance.flows.release import release
from model_provenance.flows.request import ReleaseRequest
from model_provenance.flows.signing import KeySigning
from model_provenance.flows.verify import VerifyRequest, verify
from model_provenance.testing.registry_sim import RegistrySim


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """A model and a key."""
    return Workshop(tmp_path)


def released(workshop: Workshop, **changes: object) -> Path:
    """The release folder of the workshop's model."""
    request = ReleaseRequest(
        model=workshop.model,
        name=ModelName.parse("minilm"),
        version=Version.parse("1.0.0"),
        signing=KeySigning(workshop.key, lambda: b""),
        output=workshop.folder / "dist",
        sbom_engine="native",
        env={},
    )
    release(replace(request, **changes))  # type: ignore[arg-type]  # fields of the request
    return workshop.folder / "dist"


def verdict(workshop: Workshop, target: Path, evidence: Path | None = None) -> Report:
    """`verify` with the key and the version."""
    signer = SignerOptions(key=workshop.public)
    return verify(VerifyRequest(target, signer, evidence=evidence, name="minilm", version="1.0.0"))


def refused(workshop: Workshop, target: Path, evidence: Path | None = None) -> str:
    """The codes of a refusal: of the verdict, or of the error in its place."""
    try:
        report = verdict(workshop, target, evidence)
    except ModelProvenanceError as error:
        return error.code
    assert report.result is not Result.PASS
    assert report.exit_status != 0
    return " ".join(finding.id for finding in report.findings if finding.severity.value == "error")


def test_a_statement_in_a_foreign_envelope_hides_no_file(workshop: Workshop) -> None:
    """A bundle that does not count, with another payload type, does not say what is left out of the reading."""
    folder = released(workshop)
    bundle = json.loads((folder / "evidence/oms.sigstore.json").read_bytes())
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    statement["predicate"]["serialization"]["ignore_paths"] = ["modeling_evil.py"]
    bundle["dsseEnvelope"] |= {
        "payload": base64.b64encode(json.dumps(statement).encode()).decode(),
        "payloadType": "application/vnd.in-toto+json;v=2",
    }
    (folder / "evidence/zz.sigstore.json").write_text(json.dumps(bundle))
    (workshop.model / "modeling_evil.py").write_text("import os")

    assert "files.extra" in refused(workshop, workshop.model, folder)


@pytest.mark.parametrize("by", ["signer", "caller"])
def test_what_is_ignored_is_told(workshop: Workshop, by: str) -> None:
    """A file that a signature or an option leaves out is there, is loaded by whoever loads the folder, and is named."""
    left_out = ("modeling_new.py",)
    folder = released(workshop, ignore=left_out if by == "signer" else ())
    request = VerifyRequest(workshop.model, SignerOptions(key=workshop.public), evidence=folder, name="minilm")
    request = replace(request, ignore=left_out if by == "caller" else ())
    assert "files.ignored" not in {finding.id for finding in verify(request).findings}
    (workshop.model / "modeling_new.py").write_text("import os")

    report = verify(request)
    assert report.result is Result.PASS
    assert [f.message for f in report.findings if f.id == "files.ignored" and "modeling_new.py" in f.message]


@pytest.mark.parametrize("name", ["SHA256SUMS", "MODEL.SHA256SUMS", "receipt.json"])
def test_a_folder_named_like_a_list_of_the_release_hides_no_file(workshop: Workshop, name: str) -> None:
    """Only the files that `release` writes are left out of a model that its evidence lies in."""
    folder = released(workshop)
    shutil.copytree(folder, workshop.model, dirs_exist_ok=True)
    (workshop.model / "model-manifest.json").unlink()
    assert verdict(workshop, workshop.model, workshop.model).result is Result.PASS
    (workshop.model / name).unlink()
    (workshop.model / name).mkdir()
    (workshop.model / name / "modeling_evil.py").write_text("import os")

    refused(workshop, workshop.model, workshop.model)


@pytest.mark.parametrize("layout", [Layout.LAYERS, Layout.RAW])
def test_a_model_folder_that_calls_itself_a_layout_is_refused(workshop: Workshop, layout: Layout) -> None:
    """A genuine layout beside files that nobody signed: the folder would be loaded, and only the layout was read."""
    place = workshop.folder / "layout"
    folder = released(workshop, layout=layout, oci_layout=place)
    assert verdict(workshop, place).result is Result.PASS
    (place / "model.safetensors").write_bytes(b"evil")

    refused(workshop, place)
    refused(workshop, place, folder)


def test_a_model_folder_that_calls_itself_a_release_is_refused(workshop: Workshop) -> None:
    """A genuine release with its archive beside files that nobody signed."""
    folder = released(workshop, layout=Layout.TAR)
    assert verdict(workshop, folder).result is Result.PASS
    (folder / "pytorch_model.bin").write_bytes(b"evil")

    refused(workshop, folder)


@pytest.mark.parametrize("layout", [Layout.LAYERS, Layout.RAW])
def test_a_pull_writes_every_file_also_where_two_are_equal(workshop: Workshop, layout: Layout) -> None:
    """Equal files share a blob; both lie there when the pull says PASS."""
    shutil.copy(workshop.model / "LICENSE", workshop.model / "NOTICE")
    workshop.add_big_file("a.safetensors")
    workshop.add_big_file("b.safetensors")
    with RegistrySim() as sim:
        workshop.release(sim, layout=layout)
        pulled = workshop.pull(sim)

    assert pulled.report.result is Result.PASS
    assert tree(workshop.folder / "pulled") == tree(workshop.model)


def test_a_pull_does_not_go_on_in_a_file_that_somebody_else_can_write(workshop: Workshop) -> None:
    """A file with a second name beside `output` could be changed after it was verified, so it is refused."""
    outside = workshop.folder / "outside"
    with RegistrySim() as sim:
        workshop.add_big_file()
        receipt = workshop.release(sim)
        staging = workshop.partly_pulled(receipt.package.package_digest.hex)
        shutil.copy(workshop.model / "big.safetensors", outside)
        os.link(outside, staging / "big.safetensors")
        with pytest.raises(ModelProvenanceError) as error:
            workshop.pull(sim)

    assert error.value.code == "pull.output"
    assert not (workshop.folder / "pulled").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="this machine runs tests without root, who alone can give a folder away")
def test_a_pull_does_not_go_on_in_a_folder_of_another_user(workshop: Workshop) -> None:
    """Who owns the folder may change it after it was verified."""
    with RegistrySim() as sim:
        receipt = workshop.release(sim)
        staging = workshop.partly_pulled(receipt.package.package_digest.hex).parent
        os.chown(staging, 12345, 12345)
        with pytest.raises(ModelProvenanceError) as error:
            workshop.pull(sim)

    assert error.value.code == "pull.output"
    assert not (workshop.folder / "pulled").exists()
