"""Every gate, in the order in which a decision lists them. A gate that is not in this tuple is never asked."""

from __future__ import annotations

from model_provenance.policy.gates import (
    age,
    datasets,
    evaluations,
    formats,
    integrity,
    licenses,
    lineage,
    rego,
    revocation,
    rules,
    sbom,
    signer,
    slsa,
    source,
    time,
    vsa,
)
from model_provenance.policy.gates.gate import Gate

#: Gates with an answer for each rule or module, which is waived as `GATE/ID`.
HATCHES = (rules.GATE.id, rego.GATE.id)

GATES: tuple[Gate, ...] = (
    integrity.GATE,
    signer.GATE,
    source.GATE,
    time.GATE,
    slsa.GATE,
    sbom.GATE,
    formats.GATE,
    licenses.GATE,
    datasets.GATE,
    evaluations.GATE,
    lineage.GATE,
    vsa.GATE,
    age.GATE,
    revocation.GATE,
    rules.GATE,
    rego.GATE,
)
