"""`verify --vsa`: how the decision is signed, from the options."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_provenance.cli.console import password
from model_provenance.errors import ModelProvenanceError

if TYPE_CHECKING:
    from model_provenance.domain.verification import Report
    from model_provenance.flows.vsa import Vouching

#: Options that only --vsa makes use of.
_OURS = ("vsa_key", "verifier_id", "identity_token", "allow_public_log")


def clear_older(target: str, given: Mapping[str, Any]) -> None:
    """Remove the summary of an earlier run, whatever comes of this one."""
    from model_provenance.flows.places import places  # noqa: PLC0415 - loaded when used
    from model_provenance.flows.vsa import clear  # noqa: PLC0415

    bases = (Path(path) for path in given["base_evidence"])
    clear(given["vsa"], places(Path(target), (given["evidence"], *bases)))


def vouching(given: Mapping[str, Any]) -> Vouching:
    """With a key, else with the identity of the job; `usage.invalid` without a name for the verifier."""
    from model_provenance.flows.signing import KeylessSigning, KeySigning, Signing  # noqa: PLC0415 - loaded when used
    from model_provenance.flows.vsa import Vouching  # noqa: PLC0415

    if given["verifier_id"] is None:
        raise ModelProvenanceError(
            "usage.invalid",
            "--vsa needs --verifier-id: whoever relies on a summary pins signer and verifier together",
            remedy="Name the verifier by a URI of yours, e.g. https://example.com/model-gate.",
        )
    if given["identity_token"] is not None and os.environ.get("CI"):
        raise ModelProvenanceError(
            "usage.invalid",
            "in CI a token is never an argument, where other processes can read it",
            remedy="Leave --identity-token out: the job's own token is found by itself.",
        )
    signing: Signing = KeylessSigning(given["trust_config"], given["identity_token"], given["allow_public_log"])
    if given["vsa_key"] is not None:
        signing = KeySigning(given["vsa_key"], password)
    return Vouching(given["vsa"], signing, given["verifier_id"], os.environ)


def refuse_unused(given: Mapping[str, Any]) -> None:
    """Options that would be ignored give a false feeling."""
    for name in _OURS:
        if given[name]:
            option = f"--{name.replace('_', '-')}"
            raise ModelProvenanceError(
                "usage.invalid", f"{option} says nothing without --vsa", remedy="Add --vsa FILE."
            )


def written(output: Path, report: Report) -> str:
    """What has become of the file, in words."""
    from model_provenance.domain.text import shown  # noqa: PLC0415 - loaded when used

    if report.decision is None or not output.is_file():
        return "none, because nothing was decided"
    return f"{'PASSED' if report.verified is not None else 'FAILED'}, written to {shown(str(output), 400)}"
