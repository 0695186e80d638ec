"""A status list in a registry: one artifact at a tag, which nobody takes for a signature of a model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.oci.registry.workshop import access_to
from tests.revoke.office import MODEL, NOW, Office, revoked

from model_provenance.domain.digest import Digest
from model_provenance.domain.status import Affected
from model_provenance.domain.verification import Trust
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.status import StatusRequest, cosign, publish, read_status
from model_provenance.oci.reference import Reference
from model_provenance.oci.referrers import list_referrers
from model_provenance.oci.registry import Registry
from model_provenance.testing.registry_sim import RegistrySim


@pytest.fixture(params=["spec-1.1", "distribution-2.8", "ghcr"])
def sim(request: pytest.FixtureRequest) -> Iterator[RegistrySim]:
    """Registries with and without a referrers API, with and without a login."""
    with RegistrySim(request.param) as running:
        yield running


def at(sim: RegistrySim, office: Office, *names: str, tag: str = "") -> StatusRequest:
    """The list in the registry, as a consumer or a publisher names it."""
    request = office.request(*names, memory=None)
    return replace(request, source=f"oci://{sim.host}/trust/list{tag}", access=access_to(sim), trust=Trust(None))


def test_a_list_is_published_and_read(sim: RegistrySim, office: Office) -> None:
    """Each snapshot moves the tag; the newest one is gone by, and the old ones go in time."""
    request = at(sim, office)
    publish(request, office.publication("first", NOW, "acme"))
    publish(request, office.publication("first", NOW, "acme"), revoked())
    assert read_status(request).about(Affected.ARTIFACT, MODEL) is not None
    for _ in range(12):
        publish(request, office.publication("first", NOW, "acme"))
    status = read_status(request)
    assert status.snapshot.seq == 14
    stored = sim.store.manifests["trust/list"][sim.store.tags["trust/list"]["status"][-1]][1]
    names = [layer["annotations"]["org.opencontainers.image.title"] for layer in json.loads(stored)["layers"]]
    assert sum(name.startswith("snapshots/") for name in names) <= 9
    assert sum(name.startswith("revocations/") for name in names) == 1


def test_two_revokers_meet_a_threshold_there(sim: RegistrySim, office: Office) -> None:
    """The second signature lies beside the first one."""
    request = at(sim, office, "first", "second")
    publish(request, office.publication("first", NOW, "acme"))
    assert cosign(request, office.publication("second", NOW, "acme")).signatures == 2
    assert len(read_status(replace(request, threshold=2)).revokers) == 2


def test_a_list_is_nobodys_referrer(sim: RegistrySim, office: Office) -> None:
    """It has no subject, so a tool that looks for signatures of the model comes upon nothing."""
    request = at(sim, office)
    publish(request, office.publication("first", NOW, "acme"), revoked())
    with Registry(Reference.parse(request.source), access_to(sim)) as registry:
        assert list_referrers(registry, MODEL) == ()
    assert all("subject" not in json.loads(data) for _, data in sim.store.manifests["trust/list"].values())


def test_something_else_at_the_tag_is_no_list(sim: RegistrySim, office: Office) -> None:
    """A manifest of another kind is refused, by who reads and by who publishes, and nothing is overwritten."""
    request = at(sim, office, tag=":latest")
    publish(request, office.publication("first", NOW, "acme"))
    digest = sim.store.tags["trust/list"]["latest"][-1]
    kind, data = sim.store.manifests["trust/list"][digest]
    other = data.replace(b"vnd.model-provenance.status.v1", b"vnd.example.other")
    name = str(Digest.of(other))
    sim.store.manifests["trust/list"][name] = (kind, other)
    sim.store.tags["trust/list"]["latest"] = [name]
    for act in (lambda: read_status(request), lambda: publish(request, office.publication("first", NOW, "acme"))):
        with pytest.raises(ModelProvenanceError) as caught:
            act()
        assert caught.value.code == "status.malformed"
    assert sim.store.tags["trust/list"]["latest"] == [name]


def test_two_publishers_at_once_are_not_two_histories(sim: RegistrySim, office: Office) -> None:
    """Who comes second sees that the tag has moved since he read it, publishes nothing, and may run again."""
    request = at(sim, office, "first", "second")
    publish(request, office.publication("first", NOW, "acme"))
    rival = at(sim, office, "first", "second")
    moved = False

    def interfere(method: str, path: str) -> None:
        nonlocal moved
        if method == "PUT" and "/manifests/sha256:" in path and not moved:
            moved = True
            publish(rival, office.publication("second", NOW + 1, "acme"))

    sim.before = interfere
    with pytest.raises(ModelProvenanceError) as caught:
        publish(request, office.publication("first", NOW + 2, "acme"), revoked())
    assert (caught.value.code, int(caught.value.exit_status)) == ("status.busy", 20)
    sim.before = None
    assert read_status(request).snapshot.seq == 2
    publish(request, office.publication("first", NOW + 3, "acme"), revoked())
    assert read_status(request).snapshot.seq == 3


def test_a_registry_without_the_list_is_no_empty_list(sim: RegistrySim, office: Office) -> None:
    """Nothing was ever published there, or somebody has deleted it: undecided."""
    with pytest.raises(ModelProvenanceError) as caught:
        read_status(at(sim, office))
    assert (caught.value.code, int(caught.value.exit_status)) == ("status.missing", 15)
