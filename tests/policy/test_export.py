"""`policy export`: a cluster lets in nothing that the verifier keeps out for its signer, and is said to lack the rest."""

from __future__ import annotations

import copy
import re
from fnmatch import fnmatchcase
from importlib import import_module
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from model_provenance.domain.admission import Admission
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.kyverno import image_validating_policy
from model_provenance.formats.policy_controller import cluster_image_policy
from model_provenance.policy.document import Policy, parse
from model_provenance.policy.export import admission
from model_provenance.policy.gates import GATES

from .engine import HAS_CEL, NO_CEL
from .release import NOW
from .test_decision import POLICY as STRICT

IMAGES = ("registry.example/models", "ghcr.io/acme/models")
PEM = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
REPOSITORY = "https://github.com/acme/minilm"
WORKFLOW = f"{REPOSITORY}/.github/workflows/release.yml@refs/heads/main"
RUN = {
    "provider": "github",
    "repository": REPOSITORY,
    "repositoryId": "718293041",
    "ref": "refs/heads/main",
    "event": "push",
    "config": WORKFLOW,
    "environment": "production",
}
EXACT = (
    '{signer: "github:acme/minilm#718293041/.github/workflows/release.yml@refs/heads/main", environment: production}'
)


def policy(signers: str, more: str = "", name: str = "prod", expires: str = "2027-01-01") -> Policy:
    """A policy with these signers."""
    head = f"apiVersion: model-provenance/v1\nkind: Policy\nmetadata: {{name: {name}, expires: {expires}}}\n"
    data = f"{head}spec:\n  signers: [{signers}]\n{more}".encode()
    return parse(data, "policy.yaml", lambda _: PEM)


def exported(signers: str, more: str = "", *, keys: bool = True) -> Admission:
    """The same, as a cluster gets it."""
    return admission(policy(signers, more), IMAGES, keys=keys, now=NOW)


def admits(found: Admission, image: str, run: dict[str, Any] | None, *, signed_by: str = "signer1") -> bool:
    """What Kyverno's expression says of a pod with this image, evaluated by an engine of CEL.

    `signed_by` is whose signature holds, for every predicate type; `run` is what the provenance says.
    """
    document = yaml.safe_load(image_validating_policy(found))
    [validation] = document["spec"]["validations"]
    names = [attestor["name"] for attestor in document["spec"]["attestors"]]
    statement = {"predicate": {"buildDefinition": {"internalParameters": {} if run is None else {"run": run}}}}
    variables = {
        "images": {
            "containers": ["docker.io/library/nginx:1"],
            "initContainers": [],
            "ephemeralContainers": [],
            "volumes": [image],
        },
        "attestations": {entry["name"]: entry["name"] for entry in document["spec"]["attestations"]},
        "attestors": {name: name for name in names},
    }
    functions = {
        "verifyAttestationSignatures": lambda _image, _attestation, attestors: int(attestors == [signed_by]),
        "extractPayload": lambda _image, _attestation: statement,
    }
    if not HAS_CEL:
        pytest.skip(NO_CEL)
    cel = import_module("cel")
    try:
        return cel.evaluate(validation["expression"], cel.Context(variables, functions)) is True
    except (KeyError, RuntimeError, TypeError, ValueError):
        # An expression that is an error does not admit: the policy says `failurePolicy: Fail`.
        return False


def test_what_the_signer_released_is_admitted_and_images_of_others_are_not_looked_at() -> None:
    """The run that the policy names; and a pod whose images lie elsewhere."""
    found = exported(EXACT)
    assert admits(found, "registry.example/models/minilm@sha256:0", RUN)
    assert admits(found, "ghcr.io/acme/models/minilm:1", RUN)
    assert admits(found, "docker.io/other/thing:1", None, signed_by="nobody")
    assert not admits(found, "registry.example/models/minilm@sha256:0", RUN, signed_by="nobody")


@pytest.mark.parametrize(
    "change",
    [
        {"repository": "https://github.com/mallory/minilm"},
        {"repositoryId": "1"},
        {"ref": "refs/heads/x"},
        {"event": "pull_request"},
        {"event": "pull_request_target"},
        {"config": f"{REPOSITORY}/.github/workflows/other.yml@refs/heads/main"},
        {"environment": "staging"},
        *({key: None} for key in RUN if key != "provider"),
    ],
)
def test_a_run_that_differs_is_not_admitted(change: dict[str, Any]) -> None:
    """A workflow that is called from another repository has the same subject: only the provenance tells them apart."""
    run = {key: value for key, value in {**RUN, **change}.items() if value is not None}
    assert not admits(exported(EXACT), "registry.example/models/minilm", run)
    assert not admits(exported(EXACT), "registry.example/models/minilm", None)


@pytest.mark.parametrize("rest", ["", ":1", "@sha256:0", ":1@sha256:0", "/minilm", "/minilm:1"])
def test_the_repository_itself_is_held_to_the_policy(rest: str) -> None:
    """Whoever names a repository means its images; one that only begins like it is another."""
    found = exported(EXACT)
    assert not admits(found, f"registry.example/models{rest}", None, signed_by="nobody")
    assert admits(found, f"registry.example/models2{rest}", None, signed_by="nobody")
    spec = yaml.safe_load(image_validating_policy(found))["spec"]
    assert any(fnmatchcase(f"registry.example/models{rest}", one["glob"]) for one in spec["matchImageReferences"])
    # As policy-controller has it: a whole reference, with a tag at least, and `**` for any characters.
    named = f"registry.example/models{rest if ':' in rest or '@' in rest else rest + ':latest'}"
    globs = [one["glob"] for one in yaml.safe_load(cluster_image_policy(found))["spec"]["images"]]
    assert any(re.fullmatch(re.escape(glob).replace(r"\*\*", ".*"), named) for glob in globs)
    assert not any(re.fullmatch(re.escape(glob).replace(r"\*\*", ".*"), "registry.example/models2:1") for glob in globs)


def test_docker_hub_is_refused() -> None:
    """Its images have two names, of which an export would see one."""
    with pytest.raises(ModelProvenanceError, match="with and without the host"):
        admission(policy(EXACT), ("docker.io/acme/minilm",), keys=True, now=NOW)


def test_one_signer_does_not_lend_another_his_name() -> None:
    """Each signature goes with its own conditions."""
    other = '{signer: "github:acme/big/.github/workflows/release.yml@refs/heads/main"}'
    found = exported(f"{EXACT}, {other}")
    big = {**RUN, "repository": "https://github.com/acme/big", "config": WORKFLOW.replace("minilm", "big")}
    assert admits(found, "registry.example/models/x", RUN, signed_by="signer2")
    assert admits(found, "registry.example/models/x", big, signed_by="signer1")
    assert not admits(found, "registry.example/models/x", RUN, signed_by="signer1")
    assert not admits(found, "registry.example/models/x", big, signed_by="signer2")


def test_source_cuts_what_the_signers_may() -> None:
    """Events that both allow, refs that a pattern matches; where nothing is left the export is refused."""
    found = exported(
        '{signer: "github:acme/minilm"}', "  source: {events: [push, pull_request], refs: [refs/tags/*]}\n"
    )
    image = "registry.example/models/minilm"
    tagged = {**RUN, "ref": "refs/tags/v1"}
    assert admits(found, image, tagged)
    assert not admits(found, image, RUN)
    assert not admits(found, image, {**tagged, "event": "pull_request"})
    assert not admits(found, image, {**tagged, "ref": "xrefs/tags/v1"})
    with pytest.raises(ModelProvenanceError, match="no run of its signers"):
        exported('{signer: "github:acme/minilm"}', "  source: {events: [pull_request]}\n")


def subjects(found: Admission) -> list[str]:
    """The identities of the ClusterImagePolicy: exact ones, or patterns."""
    spec = yaml.safe_load(cluster_image_policy(found))["spec"]
    identities = [identity for authority in spec["authorities"] for identity in authority["keyless"]["identities"]]
    return [identity.get("subject") or identity["subjectRegExp"] for identity in identities]


@pytest.mark.parametrize(
    ("signer", "subject"),
    [
        (EXACT, WORKFLOW),
        (
            '{signer: "github:acme/minilm", builder: "org/b/.github/workflows/r.yml@refs/tags/v1"}',
            "https://github.com/org/b/.github/workflows/r.yml@refs/tags/v1",
        ),
        (
            '{signer: "gitlab:acme/minilm//.gitlab-ci.yml@refs/heads/main"}',
            "https://gitlab.com/acme/minilm//.gitlab-ci.yml@refs/heads/main",
        ),
        ('{identity: "a@acme.example", issuer: "https://accounts.google.com"}', "a@acme.example"),
    ],
)
def test_a_subject_is_exact_where_the_signer_is(signer: str, subject: str) -> None:
    """Nothing of the policy is turned into a pattern that need not be one."""
    assert subjects(exported(signer)) == [subject]


def test_a_signer_without_workflow_or_ref_is_said_to_be_wide() -> None:
    """The pattern is anchored and stays in the repository; the export says whose word the rest is."""
    found = exported('{signer: "github:acme/minilm"}')
    [pattern] = subjects(found)
    assert re.fullmatch(pattern, WORKFLOW)
    for other in (
        "https://github.com/acme/minilm2/.github/workflows/r.yml@refs/heads/main",
        f"x{WORKFLOW}",
        "https://githubXcom/acme/minilm/w@r",
    ):
        assert re.fullmatch(pattern, other) is None
    assert [o.gate for o in found.omissions if "word of any workflow" in o.why] == ["signer"]


def test_a_bare_identity_is_bound_to_the_repository_that_it_lies_in() -> None:
    """As the verifier has it: without `sourceRepository` the workflow must be one of the source repository."""
    found = exported(f'{{identity: "{WORKFLOW}", issuer: "https://token.actions.githubusercontent.com"}}')
    assert admits(found, "registry.example/models/x", {"repository": REPOSITORY})
    assert not admits(found, "registry.example/models/x", {"repository": "https://github.com/mallory/x"})
    assert not admits(found, "registry.example/models/x", None)


@pytest.mark.parametrize("writer", [image_validating_policy, cluster_image_policy])
def test_every_gate_that_is_asked_is_expressed_or_said_to_be_left_out(writer: Any) -> None:
    """In a comment and in an annotation; a gate that somebody adds is left out in general words, never in silence."""
    found = admission(STRICT, IMAGES, keys=True, now=NOW)
    text = writer(found)
    asked = {gate.id for gate in GATES if gate.section(STRICT) is not None}
    left = set(yaml.safe_load(text)["metadata"]["annotations"]["model-provenance.dev/not-asked"].split(", "))
    assert asked - {"signer", "source", "sbom"} <= left
    assert "expires" in left
    for gate in left:
        assert f"# Not asked by the cluster - {gate}: " in text
    for gate in GATES:
        assert (
            gate.section(STRICT) is None
            or gate.id in ("signer", "source", "sbom")
            or any(o.gate == gate.id and o.why for o in found.omissions)
        )


@pytest.mark.parametrize("writer", [image_validating_policy, cluster_image_policy])
def test_the_same_policy_is_written_the_same(writer: Any) -> None:
    """Whatever order signers and repositories are named in."""
    other = '{signer: "github:acme/big"}'
    one = admission(policy(f"{EXACT}, {other}"), IMAGES, keys=True, now=NOW)
    two = admission(policy(f"{other}, {EXACT}"), IMAGES[::-1], keys=True, now=NOW)
    # The digest is that of the text, which differs.
    assert writer(one).replace(one.policy_digest, "") == writer(two).replace(two.policy_digest, "")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"expires": "2026-01-01"}, "has expired"),
        ({"name": "Prod_LLM"}, "no name of a resource"),
    ],
)
def test_what_cannot_be_said_is_refused(given: dict[str, str], says: str) -> None:
    """Before anything is written."""
    with pytest.raises(ModelProvenanceError, match=says) as caught:
        admission(policy(EXACT, **given), IMAGES, keys=True, now=NOW)
    assert caught.value.code == "policy.export"


def test_a_policy_without_signers_is_never_exported() -> None:
    """It would admit whatever anybody has signed."""
    bare = copy.copy(
        parse(
            b"apiVersion: model-provenance/v1\nkind: Policy\nmetadata: {name: bare}\nspec: {extends: production}\n",
            "p.yaml",
            lambda _: b"",
        )
    )
    with pytest.raises(ModelProvenanceError, match="admit what anybody has signed"):
        admission(bare, IMAGES, keys=True, now=NOW)


def test_keys_are_left_out_where_a_cluster_cannot_verify_them() -> None:
    """Beside other signers with a note; alone the export is refused."""
    found = exported(f"{EXACT}, {{key: k.pub}}", keys=False)
    assert (len(found.attestors), found.omissions[0].gate) == (1, "signer")
    assert len(exported(f"{EXACT}, {{key: k.pub}}").attestors) == 2
    with pytest.raises(ModelProvenanceError, match="its signers are keys"):
        exported("{key: k.pub}", keys=False)


@pytest.mark.parametrize(
    "images",
    [
        "models",
        "registry.example/models:1",
        "registry.example/models@sha256:0",
        "https://x.example/a",
        "x.example/*",
        "x.example/a b",
        '"',
    ],
)
def test_images_are_repositories(images: str) -> None:
    """A pattern, a tag or a quote in it would mean something else in each controller."""
    with pytest.raises(ModelProvenanceError) as caught:
        admission(policy(EXACT), (images,), keys=True, now=NOW)
    assert caught.value.code == "usage.invalid"
