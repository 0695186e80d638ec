"""Sigstore policy-controller: a ClusterImagePolicy (`policy.sigstore.dev/v1beta1`) over bundles that are referrers.

Conditions are Rego rather than CUE: there a field that is missing is filled in by the very value that it is compared with.
The controller reads Rego v0.
"""

from __future__ import annotations

import json
from typing import Any

from model_provenance.domain.admission import Admission, Attestor, Condition
from model_provenance.domain.evidence import Predicate
from model_provenance.formats.admission_yaml import metadata, written

NOTES = (
    "Trusted is the public Sigstore; for a private one give each `keyless` a `trustRootRef` in place of `url`.",
    "The controller looks at images of containers. Images that are mounted as volumes are not seen by it.",
    "Images that no policy names are admitted unless `no-match-policy` of the controller is `deny`.",
)


def cluster_image_policy(admission: Admission) -> str:
    """The file: any of the authorities must have signed every attestation."""
    document = {
        "apiVersion": "policy.sigstore.dev/v1beta1",
        "kind": "ClusterImagePolicy",
        "metadata": metadata(admission),
        "spec": {
            "mode": "enforce",
            "images": [
                # The controller compares whole references, to which it adds a tag where there is none.
                {"glob": f"{repository}{separator}**"}
                for repository in admission.repositories
                for separator in (":", "@", "/")
            ],
            "authorities": [
                _authority(number, attestor, admission) for number, attestor in enumerate(admission.attestors, 1)
            ],
        },
    }
    return written(admission, document, notes=NOTES)


def _authority(number: int, attestor: Attestor, admission: Admission) -> dict[str, Any]:
    identity = {"issuer": attestor.issuer}
    identity |= {"subject": attestor.subject} if attestor.subject else {"subjectRegExp": attestor.subject_pattern}
    return {
        "name": f"signer-{number}",
        "signatureFormat": "bundle",
        "keyless": {"url": "https://fulcio.sigstore.dev", "identities": [identity]},
        "attestations": [
            _attestation(place, predicate, attestor) for place, predicate in enumerate(admission.predicate_types, 1)
        ],
    }


def _attestation(number: int, predicate: str, attestor: Attestor) -> dict[str, Any]:
    wanted: dict[str, Any] = {"name": f"attestation-{number}", "predicateType": predicate}
    if predicate == Predicate.PROVENANCE and attestor.conditions:
        wanted["policy"] = {"type": "rego", "data": rego(attestor.conditions)}
    return wanted


def rego(conditions: tuple[Condition, ...]) -> str:
    """A module that is compliant only where every condition holds; what is missing makes it undefined, which is false."""
    lines = ["package sigstore", "", "default isCompliant = false", "", "isCompliant {"]
    lines += ["  run := input.predicate.buildDefinition.internalParameters.run"]
    for condition in conditions:
        values = json.dumps(list(condition.values))
        field = f"run.{condition.field}"
        lines.append(f"  regex.match({values}[_], {field})" if condition.patterns else f"  {field} == {values}[_]")
    return "\n".join([*lines, "}", ""])
