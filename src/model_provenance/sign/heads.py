"""The tree heads that a log answered with: of a tree that holds the entry, and all of one log.

What a verifier would refuse is not returned, and said in its own words: that the library refuses it says little.
"""

from __future__ import annotations

from collections.abc import Iterable

from model_provenance.domain.evidence import Bundle
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.bundle import ParsedBundle, parse_bundle
from model_provenance.formats.checkpoint import parse_checkpoint


def refuse_frozen(bundle: ParsedBundle, log_url: str) -> None:
    """`log.frozen` for an entry that is not in the tree whose head the log gave with it."""
    for entry in bundle.entries:
        if entry.proof is None or entry.proof.checkpoint is None:
            continue
        size = parse_checkpoint(entry.proof.checkpoint).size
        if size <= entry.proof.log_index:
            raise ModelProvenanceError(
                "log.frozen",
                f"the log at {shown(log_url)} took entry {entry.proof.log_index} and answered with a tree of {size} entries",
            )


def refuse_split_view(bundles: Iterable[Bundle]) -> None:
    """`log.split_view` for two trees of one size. The signatures on the checkpoints have been verified with the bundles."""
    seen: dict[tuple[bytes, str, int], tuple[bytes, str]] = {}
    for bundle in bundles:
        for entry in parse_bundle(bundle.data).entries:
            if entry.proof is None or entry.proof.checkpoint is None:
                continue
            head = parse_checkpoint(entry.proof.checkpoint)
            root, name = seen.setdefault((entry.log_id, head.origin, head.size), (head.root, bundle.name))
            if root != head.root:
                raise ModelProvenanceError(
                    "log.split_view",
                    f"the log {shown(head.origin, 120)} signed two trees of {head.size} entries: "
                    f"root {root.hex()} for {name}, and root {head.root.hex()} for {bundle.name}",
                )
