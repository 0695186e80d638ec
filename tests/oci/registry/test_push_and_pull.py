"""Release into a registry, verify there, pull: against every kind of registry that we know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.oci.registry.workshop import REPOSITORY, Workshop, access_to, tree

from model_provenance.domain.package import Layout
from model_provenance.domain.result import Result
from model_provenance.domain.verification import Scope
from model_provenance.errors import ModelProvenanceError
from model_provenance.testing.registry_profiles import PROFILES
from model_provenance.testing.registry_sim import RegistrySim

Registries = Callable[..., RegistrySim]

#: Profiles of registries that behave well enough to be used, and those that are refused.
REFUSED = {"lying-digest": "registry.digest"}


@pytest.mark.parametrize(
    "profile", [name for name in PROFILES if name not in (*REFUSED, "ecr-immutable", "truncating")]
)
def test_a_release_is_pushed_verified_and_pulled(workshop: Workshop, registry: Registries, profile: str) -> None:
    """Every kind of registry takes a release and gives the same bytes back; a second push writes nothing."""
    sim = registry(profile)
    workshop.add_big_file()
    receipt = workshop.release(sim)
    assert receipt.references == (f"{sim.host}/{REPOSITORY}@{receipt.package.package_digest}",)
    before = list(sim.store.writes)
    again = workshop.release(sim)
    assert sim.store.writes == before
    assert again.references == receipt.references
    assert workshop.verify(sim).result is Result.PASS
    pulled = workshop.pull(sim)
    assert pulled.report.result is Result.PASS
    assert pulled.path is not None
    assert tree(pulled.path) == tree(workshop.model)


@pytest.mark.parametrize("profile", sorted(REFUSED))
def test_a_registry_that_lies_is_refused_by_name(workshop: Workshop, registry: Registries, profile: str) -> None:
    """What a profile does wrong has its own code."""
    with pytest.raises(ModelProvenanceError) as refused:
        workshop.release(registry(profile))
    assert refused.value.code == REFUSED[profile]


def test_raw_layers_are_pushed_and_pulled(workshop: Workshop, registry: Registries) -> None:
    """With `raw` each file is one blob whose digest is the file's, and comes back under its name, empty files too."""
    sim = registry()
    (workshop.model / "empty.txt").write_bytes(b"")
    receipt = workshop.release(sim, layout=Layout.RAW)
    digests = {str(file.digest) for file in receipt.package.files}
    assert digests <= set(sim.store.blobs[REPOSITORY])
    pulled = workshop.pull(sim)
    assert pulled.path is not None
    assert tree(pulled.path) == tree(workshop.model)


def test_every_part_is_verified_alone_by_digest(workshop: Workshop, registry: Registries) -> None:
    """The index and each manifest in it can be named by digest, and lead to the same release."""
    sim = registry()
    receipt = workshop.release(sim)
    for digest in receipt.package.manifest_digests:
        report = workshop.verify(sim, f"@{digest}")
        assert report.result is Result.PASS
        assert report.reference == receipt.references[0]


def test_remote_verification_fetches_no_weight(workshop: Workshop, registry: Registries) -> None:
    """`--remote` reads manifests and evidence alone, and its scope says so."""
    sim = registry()
    workshop.add_big_file()
    receipt = workshop.release(sim)
    sim.requests.clear()
    report = workshop.verify(sim, weights=False)
    assert report.result is Result.PASS
    assert report.scope is Scope.REMOTE
    assert not any(str(layer.digest) in request for layer in receipt.package.layers for request in sim.requests)
    assert any("no weight was fetched" in text for text in report.not_checked)


def test_a_changed_layer_is_not_sent_twice_and_an_unchanged_one_not_at_all(
    workshop: Workshop, registry: Registries
) -> None:
    """A new version sends what changed: the layers of the tag that it replaces are hashed first and found there."""
    sim = registry()
    workshop.add_big_file("a.safetensors", 1)
    workshop.add_big_file("b.safetensors", 2)
    workshop.release(sim, "latest")
    workshop.add_big_file("b.safetensors", 3)
    sim.requests.clear()
    workshop.release(sim, "latest", version="1.1.0", allow_tag_move=True)
    assert sim.count("PATCH") == 1


def test_a_push_that_was_interrupted_sends_only_what_is_missing(workshop: Workshop, registry: Registries) -> None:
    """The mark of an earlier attempt makes the next one hash first: blobs that arrived are not sent again."""
    sim = registry()
    for number in range(3):
        workshop.add_big_file(f"{number}.safetensors", number)
    closed = 0

    def hang_up(method: str, path: str) -> None:
        nonlocal closed
        if method == "PUT" and "/manifests/" in path:
            raise ConnectionError

    sim.before = hang_up
    with pytest.raises(ModelProvenanceError) as lost:
        workshop.release(sim, tries=2)
    assert lost.value.code == "registry.unreachable"
    sim.before = None
    sim.requests.clear()
    workshop.release(sim)
    assert sim.count("PATCH") == 0
    assert workshop.verify(sim).result is Result.PASS


def test_two_registries_take_one_read(workshop: Workshop, registry: Registries) -> None:
    """`--push` twice: both get everything from the same read."""
    first, second = registry(), registry("distribution-2.8")
    from model_provenance.flows.push import PushRequest

    push = PushRequest((f"{first.host}/a/b", f"{second.host}/c/d:1.0.0"), access_to(first))
    receipt = workshop.release(first, push=push)
    assert [reference.partition("@")[0] for reference in receipt.references] == [
        f"{first.host}/a/b",
        f"{second.host}/c/d",
    ]
    assert (
        first.store.tagged("a/b", "1.0.0") == second.store.tagged("c/d", "1.0.0") == str(receipt.package.package_digest)
    )


def test_a_large_sbom_is_attached_as_it_is(workshop: Workshop, registry: Registries, monkeypatch: Any) -> None:
    """An SBOM without a statement of its own travels too: without it the release would not verify from the registry."""
    for module in ("model_provenance.oci.publish", "model_provenance.describe.statements"):
        monkeypatch.setattr(f"{module}.SBOM_STATEMENT_LIMIT", 10)
    sim = registry("distribution-2.8")
    receipt = workshop.release(sim)
    assert len(receipt.bundles) == 3
    before = list(sim.store.writes)
    assert workshop.verify(sim).result is Result.PASS
    workshop.release(sim)
    assert sim.store.writes == before


def test_a_warning_of_the_registry_is_said_once_and_changes_nothing(workshop: Workshop, registry: Registries) -> None:
    """`Warning: 299` is for people; other warn codes have no meaning, and control characters do not reach a terminal."""
    said: list[str] = []
    sim = registry(warning='299 - "pull limits change \x1b[31mon Monday", 199 - "stale", 299 - "second"')
    receipt = workshop.release(sim, access=replace(access_to(sim), on_warning=said.append))
    assert receipt.references
    assert len(said) == 2
    assert said[0].startswith(f"{sim.host} says: pull limits change ")
    assert "\x1b" not in said[0]
    assert said[1] == f"{sim.host} says: second"
