"""A model with everything attached to it, seen and copied."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from tests.oci.registry.workshop import REPOSITORY, Workshop, access_to

from model_provenance.domain.result import Result
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.registry import copy, discover
from model_provenance.oci.access import Access
from model_provenance.report.discovered import discovered_text, discovered_value
from model_provenance.testing.registry_sim import RegistrySim

Registries = Callable[..., RegistrySim]


@pytest.mark.parametrize(
    ("one", "other"), [("spec-1.1", "distribution-2.8"), ("ghcr", "spec-1.1"), ("spec-1.1", "no-patch")]
)
def test_a_copy_verifies_as_the_original_does(workshop: Workshop, registry: Registries, one: str, other: str) -> None:
    """Index, layers and evidence arrive in another kind of registry under the same digests; a second copy sends nothing."""
    here, there = registry(one), registry(other)
    workshop.add_big_file()
    receipt = workshop.release(here)
    logins = [json.loads(access_to(sim).env["DOCKER_AUTH_CONFIG"])["auths"] for sim in (here, there)]
    both = Access({"DOCKER_AUTH_CONFIG": json.dumps({"auths": {**logins[0], **logins[1]}})})
    source, target = f"oci://{here.host}/{REPOSITORY}:1.0.0", f"oci://{there.host}/mirror/minilm"
    reference, copied = copy(source, target, both, allow_move=False)
    assert reference == f"{there.host}/mirror/minilm@{receipt.package.package_digest}"
    assert copied.referrers == len(receipt.bundles) * 3
    report = workshop.verify(there, reference=f"{target}:1.0.0")
    assert report.result is Result.PASS
    before = list(there.store.writes)
    _, again = copy(source, target, both, allow_move=False)
    assert again.blobs_sent == 0
    assert [write for write in there.store.writes[len(before) :] if write.startswith("blob")] == []


def test_a_copy_within_one_registry_moves_no_byte(workshop: Workshop, registry: Registries) -> None:
    """Blobs are mounted from the other repository."""
    sim = registry()
    workshop.add_big_file()
    workshop.release(sim)
    sim.requests.clear()
    copy(f"{sim.host}/{REPOSITORY}:1.0.0", f"{sim.host}/other/minilm:1.0.0", access_to(sim), allow_move=False)
    assert sim.count("PATCH") == 0
    assert sim.count("GET", "/blobs/") == 0
    assert workshop.verify(sim, reference=f"oci://{sim.host}/other/minilm:1.0.0").result is Result.PASS


def test_a_copy_does_not_move_a_tag(workshop: Workshop, registry: Registries) -> None:
    """The tag of the target names another model: refused, unless somebody insists."""
    sim = registry()
    workshop.release(sim)
    (workshop.model / "README.md").write_text("two")
    workshop.release(sim, tag="1.1.0", version="1.1.0")
    words = (f"{sim.host}/{REPOSITORY}:1.1.0", f"{sim.host}/{REPOSITORY}:1.0.0", access_to(sim))
    with pytest.raises(ModelProvenanceError) as refused:
        copy(*words, allow_move=False)
    assert refused.value.code == "registry.tag_moved"
    copy(*words, allow_move=True)


def test_a_copy_of_changed_bytes_is_refused(workshop: Workshop, registry: Registries) -> None:
    """What is not what its digest says is not passed on."""
    here, there = registry(), registry()
    workshop.add_big_file()
    receipt = workshop.release(here)
    digest = str(receipt.package.layers[0].digest)
    data = bytearray(here.store.blobs[REPOSITORY][digest])
    data[1000] ^= 1
    here.store.blobs[REPOSITORY][digest] = bytes(data)
    with pytest.raises(ModelProvenanceError) as refused:
        copy(f"{here.host}/{REPOSITORY}:1.0.0", f"{there.host}/m/m", access_to(here), allow_move=False)
    assert refused.value.code == "registry.digest"
    assert "1.0.0" not in there.store.tags.get("m/m", {})


@pytest.mark.parametrize("profile", ["spec-1.1", "distribution-2.8"])
def test_discover_shows_who_signed_what(workshop: Workshop, registry: Registries, profile: str) -> None:
    """Index, image and model manifest, each with the five statements and their signer; and that nothing was verified."""
    sim = registry(profile)
    receipt = workshop.release(sim)
    found = discover(f"oci://{sim.host}/{REPOSITORY}:1.0.0", access_to(sim))
    assert [subject.kind for subject in found.subjects] == ["index", "image", "model"]
    for subject in found.subjects:
        assert {each.predicate_type for each in subject.attached} == {b.predicate_type for b in receipt.bundles}
    text = discovered_text(found)
    assert text.count("key:") == 15
    assert "not verified" in text
    assert discovered_value(found)["verified"] is False


def test_discover_shows_what_it_cannot_read(workshop: Workshop, registry: Registries) -> None:
    """A bundle that is none, and a manifest that is gone, are shown as such beside the others."""
    sim = registry("distribution-2.8")
    receipt = workshop.release(sim)
    manifests = sim.store.manifests[REPOSITORY]
    gone = next(d for d, (_, data) in manifests.items() if json.loads(data).get("subject"))
    del manifests[gone]
    found = discover(f"oci://{sim.host}/{REPOSITORY}@{receipt.package.package_digest}", access_to(sim))
    assert any(each.problem for subject in found.subjects for each in subject.attached)
    assert "cannot be read" in discovered_text(found)
