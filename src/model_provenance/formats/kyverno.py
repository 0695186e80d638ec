"""Kyverno: an ImageValidatingPolicy (`policies.kyverno.io/v1`) over bundles that are referrers."""

from __future__ import annotations

import json
from typing import Any

from model_provenance.domain.admission import Admission, Attestor, Condition
from model_provenance.domain.evidence import Predicate
from model_provenance.formats.admission_yaml import metadata, written

NOTES = (
    "Images of containers and images that are mounted as volumes are looked at, both of pods.",
    "Trusted is the public Sigstore; for a private one give each `cosign` its `trustedRoot`.",
)
#: What may follow the name of a repository in a reference: a tag, a digest, a repository below it.
_SEPARATORS = (":", "@", "/")
_LISTS = ("containers", "initContainers", "ephemeralContainers", "volumes")
_VOLUMES = (
    "object.spec.?volumes.orValue([]).filter(v, has(v.image) && has(v.image.reference)).map(v, v.image.reference)"
)


def image_validating_policy(admission: Admission) -> str:
    """The file: for each image, some attestor has signed every attestation, and the provenance says what it must."""
    document = {
        "apiVersion": "policies.kyverno.io/v1",
        "kind": "ImageValidatingPolicy",
        "metadata": metadata(admission),
        "spec": {
            "validationActions": ["Deny"],
            "failurePolicy": "Fail",
            "webhookConfiguration": {"timeoutSeconds": 30},
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": ["pods", "pods/ephemeralcontainers"],
                    }
                ]
            },
            "matchImageReferences": [
                {"glob": f"{repository}{rest}"}
                for repository in admission.repositories
                for rest in ("", *(f"{separator}*" for separator in _SEPARATORS))
            ],
            "validationConfigurations": {"required": True, "mutateDigest": True, "verifyDigest": True},
            "images": [{"name": "volumes", "expression": _VOLUMES}],
            "attestors": [
                {"name": f"signer{number}", "cosign": _cosign(attestor)}
                for number, attestor in enumerate(admission.attestors, 1)
            ],
            "attestations": [
                {"name": f"attestation{number}", "intoto": {"type": predicate}}
                for number, predicate in enumerate(admission.predicate_types, 1)
            ],
            "validations": [
                {
                    "expression": _expression(admission),
                    "message": f"an image is not a model that the policy {admission.name} lets run",
                }
            ],
        },
    }
    return written(admission, document, notes=NOTES)


def _cosign(attestor: Attestor) -> dict[str, Any]:
    if attestor.public_key is not None:
        # A key is good for as long as it is trusted: no log has to say when it signed.
        return {"key": {"data": attestor.public_key}, "ctlog": {"insecureIgnoreTlog": True}}
    identity = {"issuer": attestor.issuer}
    identity |= {"subject": attestor.subject} if attestor.subject else {"subjectRegExp": attestor.subject_pattern}
    return {"keyless": {"identities": [identity]}}


def _expression(admission: Admission) -> str:
    """Of images of others nothing is asked; they are told apart here, for the functions count them as not verified."""
    every = " + ".join(f"images.{name}" for name in _LISTS)
    ours = " || ".join(map(_is_of, admission.repositories))
    one_of = " || ".join(_holds(number, attestor, admission) for number, attestor in enumerate(admission.attestors, 1))
    return f"({every}).filter(image, {ours}).all(image, {one_of})"


def _is_of(repository: str) -> str:
    """The repository itself, whatever its image is named by, and all below it."""
    begins = [f"image.startsWith({json.dumps(repository + separator)})" for separator in _SEPARATORS]
    return " || ".join([f"image == {json.dumps(repository)}", *begins])


def _holds(number: int, attestor: Attestor, admission: Admission) -> str:
    parts = [
        f"verifyAttestationSignatures(image, attestations.attestation{place}, [attestors.signer{number}]) > 0"
        for place in range(1, len(admission.predicate_types) + 1)
    ]
    if attestor.conditions:
        place = admission.predicate_types.index(Predicate.PROVENANCE) + 1
        run = f"extractPayload(image, attestations.attestation{place}).predicate.buildDefinition.internalParameters.run"
        # A list of one gives the run a name; without a run, or without a field of it, the expression is an error, which denies.
        parts.append(f"[{run}].all(run, {' && '.join(map(_condition, attestor.conditions))})")
    return f"({' && '.join(parts)})"


def _condition(condition: Condition) -> str:
    field = f"run.{condition.field}"
    if condition.patterns:
        return f"({' || '.join(f'{field}.matches({json.dumps(value)})' for value in condition.values)})"
    return f"{field} in {json.dumps(list(condition.values))}"
