"""`--push` and what belongs to it: where `release` and `sign --spool` bring what they signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from model_provenance.errors import ModelProvenanceError

if TYPE_CHECKING:
    from model_provenance.flows.push import PushRequest


def push_request(given: Mapping[str, Any]) -> PushRequest | None:
    """None without `--push`; an option that would then be without any effect is refused."""
    if not given["push"]:
        if given["allow_tag_move"]:
            raise ModelProvenanceError(
                "usage.invalid", "--allow-tag-move needs --push", remedy="Add --push REFERENCE, or leave it out."
            )
        return None
    from model_provenance.cli.access import access  # noqa: PLC0415 - loaded when used
    from model_provenance.flows.push import PushRequest  # noqa: PLC0415

    return PushRequest(given["push"], access(given), given["allow_tag_move"])
