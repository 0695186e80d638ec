"""The lineage of a model as a Mermaid picture: what it was made from, and what was made of it.

Names come from manifests and model cards. In a label only letters, digits and harmless marks stay as they are; all else
becomes one of Mermaid's own entities, so that no name can add an arrow, a link or a directive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from model_provenance.domain.receipt import Receipt, ReleaseResult
from model_provenance.domain.text import shown

_PLAIN = re.compile(r"[^A-Za-z0-9 .,_/:@+=-]")
_NODES = 6
_TEXT = 44


def lineage(receipt: Receipt) -> list[str]:
    """The lines of a Mermaid flowchart. Solid arrows are observed, dashed ones declared or looked up."""
    manifest = receipt.manifest
    known: Mapping[str, Any] = manifest.get("known") or {}
    lines = ["flowchart LR"]
    for number, (field, text) in enumerate(_sources(manifest)):
        arrow = "-->" if known.get(field) == "observed" else "-.->"
        lines += [f"  s{number}[{_label(text)}]", f"  s{number} {arrow} model"]
    package = receipt.package
    lines.append(f"  model([{_label((f'{receipt.name} {receipt.version}', _short(str(package.model_digest))))}])")
    lines.append(f"  package[({_label((f'package ({package.layout.value})', _short(str(package.package_digest))))})]")
    lines.append("  model --> package")
    commit = manifest.get("release_commit")
    if isinstance(commit, str):
        lines += [f"  release[{_label(('release commit', _commit(commit)))}]", "  release --> package"]
    if receipt.result is ReleaseResult.SIGNED:
        names = ", ".join(statement.name for statement in receipt.statements)
        lines += [f"  evidence[/{_label((f'{len(receipt.bundles)} signatures', names))}/]", "  evidence --> package"]
    for number, reference in enumerate(receipt.references[:_NODES]):
        place = reference.partition("@")[0]
        lines += [f"  r{number}[({_label(('registry', place))})]", f"  package --> r{number}"]
    return lines


def _sources(manifest: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[str]]]:
    datasets = [entry for entry in manifest.get("datasets") or () if isinstance(entry, dict)]
    if datasets:
        more = len(datasets) - _NODES
        names = [str(entry.get("name", "")) for entry in datasets[:_NODES]]
        yield "datasets", ("datasets", *names, *((f"and {more} more",) if more > 0 else ()))
    for field in ("fine_tuned_from", "merged_from"):
        value: Any = manifest.get(field)
        for entry in (value if isinstance(value, list) else [value])[:_NODES]:
            if isinstance(entry, dict):
                yield field, ("base model", str(entry.get("model", "")))
    commit = manifest.get("training_commit")
    if isinstance(commit, str):
        yield "training_commit", ("training commit", _commit(commit))
    container = manifest.get("training_container_digest")
    if isinstance(container, str):
        image = str(manifest.get("training_container_image") or "container")
        yield "training_container_digest", ("training container", image, _short(container))


def _commit(uri: str) -> str:
    repository, _, commit = uri.removeprefix("git+https://").rpartition("@")
    return f"{repository.partition('/')[2] or repository}@{commit[:12]}"


def _short(digest: str) -> str:
    return digest[:19]


def _label(parts: Sequence[str]) -> str:
    return '"' + "<br>".join(_plain(part) for part in parts) + '"'


def _plain(text: str) -> str:
    return _PLAIN.sub(lambda match: f"#{ord(match[0])};", shown(text, _TEXT))
