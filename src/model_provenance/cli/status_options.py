"""What `revoke` and `status` share: where the list is, who may speak there, and how it is signed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_provenance.cli.access import access
from model_provenance.cli.console import password
from model_provenance.errors import ModelProvenanceError

if TYPE_CHECKING:
    from model_provenance.flows.signing import Signing
    from model_provenance.flows.status import StatusRequest

_SCHEME = "oci://"
_UNITS = {"h": 3600, "d": 86400}
_DIGITS = 5


def status_request(given: Mapping[str, Any], target: str | None = None) -> StatusRequest:
    """The list of the options, and who may revoke where a policy says so: nothing of it from the list or from `target`."""
    from model_provenance.flows.places import places, refuse_planted  # noqa: PLC0415 - loaded when used
    from model_provenance.flows.policy import load_policy  # noqa: PLC0415
    from model_provenance.flows.status import StatusRequest  # noqa: PLC0415
    from model_provenance.flows.tree_heads import open_heads  # noqa: PLC0415
    from model_provenance.flows.verify import trust  # noqa: PLC0415

    others = [Path(text) for text in (given["status_list"], target) if text is not None]
    untrusted = tuple(place for path in others for place in places(path, (given.get("evidence"),)))
    refuse_planted({"--key": given.get("key"), "--trust-config": given["trust_config"]}, untrusted)
    section = None if given["policy"] is None else load_policy(given["policy"], decided_about=untrusted).revocation
    if given["policy"] is not None and section is None:
        raise ModelProvenanceError(
            "usage.invalid",
            "the policy has no section `revocation`",
            remedy="Name the revokers there, or leave --policy out.",
        )
    place = given["status_list"] or (None if section is None else section.source)
    if place is None:
        raise ModelProvenanceError(
            "usage.invalid", "--status-list is missing", remedy="Give a folder or oci://HOST/REPOSITORY[:TAG]."
        )
    return StatusRequest(
        place,
        frozenset() if section is None else section.revokers,
        replace(trust(given["trust_config"], None), heads=open_heads(None, os.environ)),
        threshold=1 if section is None else section.threshold,
        name=given["list"] or (None if section is None else section.list),
        memory=memory(os.environ),
        access=access(given),
    )


def memory(env: Mapping[str, str]) -> Path | None:
    """Where it is remembered which snapshot was seen last; None on a machine without a home."""
    from model_provenance.disk.state import state_folder  # noqa: PLC0415 - loaded when used

    folder = state_folder(env)
    return None if folder is None else folder / "status"


def signing_of(given: Mapping[str, Any]) -> Signing:
    """With the key, else keyless."""
    from model_provenance.flows.signing import KeylessSigning, KeySigning  # noqa: PLC0415 - loaded when used

    if given["key"] is not None:
        return KeySigning(given["key"], password)
    return KeylessSigning(given["trust_config"], given["identity_token"], given["allow_public_log"])


def seconds_of(text: str) -> int:
    """`12h` or `7d` in seconds. Raises `usage.invalid`."""
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not number.isascii() or not number.isdigit() or len(number) > _DIGITS or int(number) == 0:
        raise ModelProvenanceError(
            "usage.invalid", f"{text!r} is not a time like 12h or 7d", remedy="Write hours or days."
        )
    return int(number) * _UNITS[unit]


def moment_of(text: str | None, option: str) -> int | None:
    """`2026-11-28T12:00:00Z` in Unix seconds. Raises `usage.invalid`."""
    from model_provenance.domain.moment import parse_rfc3339  # noqa: PLC0415 - loaded when used

    if text is None:
        return None
    moment = parse_rfc3339(text)
    if moment is None:
        raise ModelProvenanceError(
            "usage.invalid", f"{option} is not a moment like 2026-11-28T12:00:00Z", remedy="Write it in UTC."
        )
    return moment


def place_name(place: str) -> str | None:
    """A new list is called as its folder or repository is; None where that is no name."""
    if not place.startswith(_SCHEME):
        return Path(place).absolute().name.lower() or None
    from model_provenance.oci.reference import Reference  # noqa: PLC0415 - only for registries

    return Reference.parse(place).repository
