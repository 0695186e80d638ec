"""What a policy is given beside the evidence, from the options: waivers, summaries, base models, a status list."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from model_provenance.domain.verification import Trust
from model_provenance.errors import ModelProvenanceError

if TYPE_CHECKING:
    from model_provenance.domain.status import Status
    from model_provenance.flows.policy import Given
    from model_provenance.flows.verify import VerifyRequest
    from model_provenance.policy.document import Policy
    from model_provenance.policy.outside import Programs


def given(request: VerifyRequest, policy: Policy, trusted: Trust) -> Given:
    """What was given for the policy, read and verified; raises `policy.*`, `evidence.*` for what cannot be used."""
    from model_provenance.flows.lineage import read_bases  # noqa: PLC0415 - only with a policy
    from model_provenance.flows.policy import Given, read_waivers  # noqa: PLC0415
    from model_provenance.flows.summaries import read_summaries  # noqa: PLC0415

    return Given(
        policy,
        int(time.time()) if request.now is None else request.now,
        read_waivers(request.waivers, policy, trusted),
        read_summaries(request.summaries, policy, trusted),
        read_bases(request.base_evidence),
        trusted,
        request.resource or _resource(request),
        _status(request, policy, trusted),
        _programs(request, policy),
    )


def _status(request: VerifyRequest, policy: Policy, trusted: Trust) -> Status | ModelProvenanceError | None:
    """The status list that the policy asks for; why it cannot be used is the gate's to say, beside the other gates."""
    section = policy.revocation
    if section is None:
        _refuse_unused(_about_status(request), "where the policy has no section `revocation`")
        return None
    source = request.status_list or section.source
    if source is None:
        return None
    from model_provenance.flows.status import StatusRequest, read_status  # noqa: PLC0415 - only where a policy asks

    wanted = StatusRequest(
        source,
        section.revokers,
        trusted,
        threshold=section.threshold,
        name=section.list,
        memory=request.status_memory,
        access=request.status_access or request.access,
        as_of=request.status_as_of,
        grace=request.status_grace,
    )
    try:
        return read_status(wanted)
    except ModelProvenanceError as error:
        return error


def _programs(request: VerifyRequest, policy: Policy) -> Programs:
    """Which `opa` may be run: none that lies in what is decided about, or where the command was started."""
    from model_provenance.flows.verify import untrusted  # noqa: PLC0415 - which imports this module
    from model_provenance.policy.outside import Programs  # noqa: PLC0415 - only with a policy

    if policy.rego is None:
        _refuse_unused({"--opa": request.opa}, "where the policy has no section `rego`")
    return Programs(request.env, request.opa, (*untrusted(request), Path.cwd()))


def _about_status(request: VerifyRequest) -> dict[str, object]:
    return {"--status-list": request.status_list, "--status-as-of": request.status_as_of is not None}


def _resource(request: VerifyRequest) -> str | None:
    """The package URL of the expected name and version; without both, that of the signed manifest."""
    if request.name is None or request.version is None:
        return None
    from model_provenance.formats.vsa import resource_of  # noqa: PLC0415 - only with a policy

    return resource_of(request.name, request.version)


def refuse_without_policy(request: VerifyRequest) -> None:
    """Options that only a policy makes use of; to ignore them would give a false feeling."""
    inputs = {
        "--waiver": request.waivers,
        "--accept-vsa": request.summaries,
        "--base-evidence": request.base_evidence,
        "--resource-uri": request.resource,
        "--opa": request.opa,
        **_about_status(request),
    }
    _refuse_unused(inputs, "without --policy")


def _refuse_unused(inputs: Mapping[str, object], where: str) -> None:
    for option, value in inputs.items():
        if value:
            raise ModelProvenanceError(
                "usage.invalid",
                f"{option} says nothing {where}",
                remedy="Give the policy that it is about, or leave it out.",
            )
