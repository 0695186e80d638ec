"""The numbered list of checks: the one order that code, documentation and reports share (docs/verify.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from model_provenance.domain.finding import Finding
from model_provenance.verify.case import Case
from model_provenance.verify.checks import (
    certificate,
    claims,
    evaluations,
    event,
    evidence,
    files,
    log,
    manifest,
    model,
    one_set,
    package,
    sbom,
    sct,
    signature,
    signer,
    subjects,
    timestamp,
)


class Check(NamedTuple):
    """One check. `alone`: it is carried out for one bundle alone, too."""

    number: int
    id: str
    title: str
    run: Callable[[Case], Sequence[Finding]]
    alone: bool


CHECKS: tuple[Check, ...] = (
    Check(1, "evidence", "evidence is there and readable", evidence.check, alone=True),
    Check(2, "signature", "every statement is signed over exactly its bytes", signature.check, alone=True),
    Check(
        3, "certificate", "certificates lead to a trusted authority, valid at signing", certificate.check, alone=True
    ),
    Check(4, "sct", "certificates are in a trusted certificate log", sct.check, alone=True),
    Check(5, "log", "signatures are in a trusted transparency log", log.check, alone=True),
    Check(6, "timestamp", "the time of signing is trusted", timestamp.check, alone=True),
    Check(7, "signer", "signed by who was expected", signer.check, alone=True),
    Check(8, "event", "the run was started by an event that may release", event.check, alone=True),
    Check(9, "set", "one release is one set of statements", one_set.check, alone=False),
    Check(10, "subjects", "subjects are compared with their own kind", subjects.check, alone=True),
    Check(11, "model", "name, version and digest are the expected ones", model.check, alone=True),
    Check(12, "manifest", "the manifest is valid and about these files", manifest.check, alone=False),
    Check(13, "claims", "certificate, manifest and provenance name one run", claims.check, alone=False),
    Check(14, "files", "the files are exactly the signed ones", files.check, alone=True),
    Check(15, "package", "the package is the signed one", package.check, alone=False),
    Check(16, "sbom", "the SBOMs list exactly these files, completely", sbom.check, alone=False),
    Check(17, "evaluations", "the test result says what the manifest does", evaluations.check, alone=True),
)
