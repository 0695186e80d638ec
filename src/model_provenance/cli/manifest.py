"""`manifest check`: is a source manifest valid, and does it mean something."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from model_provenance.cli.console import colour
from model_provenance.cli.decorate import options
from model_provenance.errors import Exit

#: Files that stand in comments of an entry: a manifest may not become larger than what is read of one.
_LISTED = 1000


@click.group("manifest", short_help="Work with source manifests.")
def command() -> None:
    """Work with source manifests: what people declare about a model.

    Example: model-provenance manifest check model-manifest.yaml
    """


@command.command("check")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@options("manifest check")
def check(files: tuple[Path, ...], format: str) -> int:
    """Check source manifests against the schema and its meaning; silent when all is well.

    Example: model-provenance manifest check model-manifest.yaml
    """
    from model_provenance.flows.manifest import check_files  # noqa: PLC0415 - jsonschema only when used

    findings = check_files(files, os.environ)
    if format == "json":
        from model_provenance.formats.receipt import finding_value  # noqa: PLC0415

        click.echo(json.dumps({"findings": [finding_value(f) for f in findings]}, indent=2))
    elif findings:
        from model_provenance.report.text import findings_text  # noqa: PLC0415

        click.echo(findings_text(findings, colour=colour()), nl=False)
    return int(Exit.USAGE) if any(f.severity.value == "error" for f in findings) else 0


@command.command("dataset")
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path, readable=False))
@options("manifest dataset")
def dataset(path: Path, *, name: str | None, ignore_path: tuple[str, ...], format: str) -> int:
    """Read a local dataset and print its entry for the source manifest: name, digest, and the files behind it.

    Example: model-provenance manifest dataset data/train >> model-manifest.yaml
    """
    from model_provenance.flows.dataset import dataset as read_dataset  # noqa: PLC0415 - loaded when used

    found = read_dataset(path, name=name, ignore=ignore_path)
    if format == "json":
        files = [{"path": file.path, "size": file.size, "digest": str(file.digest)} for file in found.files]
        value = {"datasets": [{"name": found.name, "digest": str(found.digest)}], "files": files}
        click.echo(json.dumps(value, indent=2))
        return 0
    # A JSON string is a YAML string, whatever is in the name.
    lines = ["datasets:", f"  - name: {json.dumps(found.name)}", f"    digest: {found.digest}"]
    lines += [f"    # {file.digest.hex}  {json.dumps(file.path)[1:-1]}" for file in found.files[:_LISTED]]
    if len(found.files) > _LISTED:
        lines.append(f"    # and {len(found.files) - _LISTED} more files, which --format json lists")
    click.echo("\n".join(lines))
    return 0
