"""`policy export` against what the admission controllers publish: the schemas of their resources, and a real `opa`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.policy.release import NOW
from tests.policy.test_decision import POLICY as STRICT
from tests.policy.test_export import EXACT, IMAGES, RUN, exported, policy

from model_provenance.domain.admission import Admission
from model_provenance.formats.kyverno import image_validating_policy
from model_provenance.formats.policy_controller import cluster_image_policy
from model_provenance.policy.export import admission

WRITERS = {"kyverno": image_validating_policy, "policy-controller": cluster_image_policy}


def exports() -> list[Admission]:
    """Policies of every kind of signer, and one that asks every gate."""
    signers = (
        EXACT,
        '{signer: "github:acme/minilm"}',
        '{signer: "gitlab:acme/minilm//.gitlab-ci.yml@refs/heads/main"}',
        '{identity: "a@acme.example", issuer: "https://accounts.google.com"}',
    )
    named = [exported(signer) for signer in (*signers, ", ".join(signers))]
    return [*named, admission(STRICT, IMAGES, keys=False, now=NOW)]


def closed(schema: Any) -> Any:
    """The schema as the API server prunes by it: what it does not name is an error here, where it would be dropped there."""
    if isinstance(schema, list):
        return [closed(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    known = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    if known and not schema.get("x-kubernetes-preserve-unknown-fields"):
        found.setdefault("additionalProperties", False)
    return found


@pytest.mark.parametrize("controller", WRITERS)
def test_an_export_is_what_the_published_schema_asks(controller: str, tools: Any) -> None:
    """Every field of it is one that the controller knows: a field that it does not know would be dropped in silence."""
    crd = yaml.safe_load(tools.schema(controller))
    for found in exports():
        document = yaml.safe_load(WRITERS[controller](found))
        assert document["kind"] == crd["spec"]["names"]["kind"]
        group, _, version = document["apiVersion"].partition("/")
        assert group == crd["spec"]["group"]
        [published] = [entry for entry in crd["spec"]["versions"] if entry["name"] == version and entry["served"]]
        schema = closed(published["schema"]["openAPIV3Schema"])
        # What the API server adds to every schema.
        schema["properties"] |= {"metadata": {"type": "object"}, "apiVersion": {}, "kind": {}}
        errors = [f"{e.json_path}: {e.message}" for e in jsonschema.Draft202012Validator(schema).iter_errors(document)]
        assert errors == []


def test_a_field_that_the_schema_does_not_name_is_found(tools: Any) -> None:
    """So that the test above can fail."""
    crd = yaml.safe_load(tools.schema("kyverno"))
    schema = closed(next(e for e in crd["spec"]["versions"] if e["name"] == "v1")["schema"]["openAPIV3Schema"])
    document = yaml.safe_load(image_validating_policy(exported(EXACT)))
    document["spec"]["attestors"][0]["cosign"]["keyless"]["identity"] = "x"
    assert not jsonschema.Draft202012Validator(schema).is_valid(document)


def complies(module: str, run: dict[str, Any] | None, opa: str, folder: Path) -> bool:
    """As the controller asks: Rego v0, `data.sigstore.isCompliant`, over the statement."""
    statement = {"predicate": {"buildDefinition": {"internalParameters": {} if run is None else {"run": run}}}}
    (folder / "module.rego").write_text(module)
    (folder / "input.json").write_text(json.dumps(statement))
    words = (
        "eval",
        "--v0-compatible",
        "--format",
        "json",
        "-d",
        "module.rego",
        "-i",
        "input.json",
        "data.sigstore.isCompliant",
    )
    answer = subprocess.run([opa, *words], cwd=folder, capture_output=True, check=True)
    return bool(json.loads(answer.stdout)["result"][0]["expressions"][0]["value"] is True)


def test_conditions_hold_for_the_run_and_for_no_other(tools: Any, tmp_path: Path) -> None:
    """Rego, evaluated by opa: a field that differs or is missing is not compliant. In CUE a missing one would be filled in."""
    opa = str(tools.program("opa"))
    found = admission(policy(EXACT, "  source: {refs: [refs/heads/main, refs/tags/*]}\n"), IMAGES, keys=False, now=NOW)
    [authority] = yaml.safe_load(cluster_image_policy(found))["spec"]["authorities"]
    [module] = [entry["policy"]["data"] for entry in authority["attestations"] if "policy" in entry]
    assert complies(module, RUN, opa, tmp_path)
    assert not complies(module, None, opa, tmp_path)
    for key in RUN.keys() - {"provider"}:
        assert not complies(module, {k: v for k, v in RUN.items() if k != key}, opa, tmp_path), key
        assert not complies(module, {**RUN, key: "x"}, opa, tmp_path), key
