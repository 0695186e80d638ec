"""The end of a release at a terminal, with the command to run next."""

from __future__ import annotations

import os
from pathlib import Path

from model_provenance.domain.receipt import Receipt, ReleaseResult
from model_provenance.report.text import command_line, receipt_text


def written_release(receipt: Receipt, *, model: Path, folder: Path, colour: bool) -> str:
    """`receipt_text` with where it was written and what to type next."""
    where = os.fspath(folder)
    if receipt.result is ReleaseResult.UNSIGNED:
        following = "run it again without --dry-run to sign"
    else:
        following = command_line(next_words(receipt, model=os.fspath(model), folder=where))
    return receipt_text(receipt, where=where, next_command=following, colour=colour)


def next_words(receipt: Receipt, *, model: str, folder: str) -> list[str]:
    """How to verify what was released: in the registry that holds it, else from the release folder."""
    if receipt.references:
        return verify_words(receipt, target=f"oci://{receipt.references[0]}", evidence=None)
    return verify_words(receipt, target=model, evidence=folder)


def verify_words(receipt: Receipt, *, target: str, evidence: str | None) -> list[str]:
    """The command that verifies this release, pinned by signer, name and version."""
    given = [] if evidence is None else ["--evidence", evidence]
    words = ["model-provenance", "verify", target, *given, *receipt.verify_options]
    return [*words, "--name", receipt.name, "--version", receipt.version]
