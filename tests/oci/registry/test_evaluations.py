"""A test result travels with its release: pushed as a referrer, listed, pulled, verified in the registry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.oci.registry.workshop import REPOSITORY, Workshop, access_to

from model_provenance.domain.evidence import Predicate
from model_provenance.domain.result import Result
from model_provenance.flows.registry import discover
from model_provenance.testing.registry_sim import RegistrySim

Registries = Callable[..., RegistrySim]


@pytest.fixture
def evaluated(workshop: Workshop) -> dict[str, Any]:
    """What `release` is given: a bound, and results that keep it."""
    manifest, results = workshop.folder / "m.yaml", workshop.folder / "results.json"
    manifest.write_text("license: Apache-2.0\ntests: [{name: sts-b, min: 0.8}]\n")
    results.write_text('{"tests": [{"name": "sts-b", "value": 0.82}]}')
    return {"manifest": manifest, "evaluations": (results,)}


def remeasured(evaluated: dict[str, Any], value: str) -> dict[str, Any]:
    """The same with another number, in the same places."""
    path: Path = evaluated["evaluations"][0]
    path.write_text(f'{{"tests": [{{"name": "sts-b", "value": {value}}}]}}')
    return evaluated


def results_of(report: Any) -> str:
    """What the signed test result of a verified release says."""
    assert report.result is Result.PASS, report.findings
    return str(report.verified.test_result["result"])


def test_a_test_result_is_a_referrer_of_every_manifest(
    workshop: Workshop, registry: Registries, evaluated: dict[str, Any]
) -> None:
    """`discover` lists it with its type; `verify` and `pull` find it there."""
    sim = registry()
    receipt = workshop.release(sim, **evaluated)
    assert Predicate.TEST_RESULT in {bundle.predicate_type for bundle in receipt.bundles}
    found = discover(f"oci://{sim.host}/{REPOSITORY}:1.0.0", access_to(sim))
    assert len(found.subjects) == len(receipt.package.manifest_digests)
    for subject in found.subjects:
        assert [one.predicate_type for one in subject.attached].count(Predicate.TEST_RESULT) == 1
    assert results_of(workshop.verify(sim)) == "PASSED"
    assert results_of(workshop.pull(sim).report) == "PASSED"


def test_results_of_two_releases_of_one_package_are_never_mixed(
    workshop: Workshop, registry: Registries, evaluated: dict[str, Any]
) -> None:
    """The same bytes, measured again: two sets are attached, and what is verified has manifest and result of one of them."""
    sim = registry()
    workshop.release(sim, **evaluated)
    workshop.release(sim, **remeasured(evaluated, "0.7"))
    report = workshop.verify(sim)
    said = results_of(report)
    assert report.verified is not None
    [test] = report.verified.manifest["tests"]
    assert (test["value"], test["result"], said) in (("0.82", "passed", "PASSED"), ("0.7", "failed", "FAILED"))


def test_the_same_evaluations_are_signed_once(
    workshop: Workshop, registry: Registries, evaluated: dict[str, Any]
) -> None:
    """A second push takes the bundles that are there; another result is signed anew."""
    sim = registry()
    first, second = workshop.release(sim, **evaluated), workshop.release(sim, **evaluated)
    assert [bundle.data for bundle in first.bundles] == [bundle.data for bundle in second.bundles]
    third = workshop.release(sim, **remeasured(evaluated, "0.83"))
    assert third.bundles[-2].data != first.bundles[-2].data
