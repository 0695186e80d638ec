"""`.pre-commit-hooks.yaml` and the table of hooks, from the catalogue of hooks."""

from __future__ import annotations

from model_provenance.hooks.catalogue import HOOKS, Hook
from pages import table


def hooks_file(note: str) -> str:
    """The hooks that this repository offers, as pre-commit reads them from the root."""
    return f"# {note}\n" + "".join(_hook(hook) for hook in HOOKS)


def hooks_table() -> str:
    """Id and meaning, for people."""
    return table(("hook", "what it holds"), [(f"`{hook.id}`", hook.description) for hook in HOOKS])


def _hook(hook: Hook) -> str:
    # Serial: findings come in one order, and the index is read once instead of once a core.
    lines = [
        f"- id: {hook.id}",
        f"  name: {hook.name}",
        f"  description: {hook.description}",
        f"  entry: model-provenance-hook {hook.id}",
        "  language: python",
        *([] if not hook.files else [f"  files: {hook.files}"]),
        # Deletions are handed over to no hook, and they make a list stale as well.
        *(["  pass_filenames: false", "  always_run: true"] if hook.whole else []),
        "  require_serial: true",
        "  minimum_pre_commit_version: 3.2.0",
    ]
    return "\n".join(lines) + "\n"
