"""`sbom`: the SBOMs alone, unsigned."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from model_provenance.cli.decorate import options


@click.command("sbom", short_help="Write the SBOMs of a model directory, unsigned.")
@click.argument("model", metavar="MODEL_DIR", type=click.Path(path_type=Path))
@options("sbom", output={"help": "Folder for the documents; without it the SPDX document goes to standard output."})
def command(model: Path, **given: Any) -> int:
    """Write SPDX 2.3 and CycloneDX 1.6 for MODEL_DIR. They are not signed: `release` makes signed ones.

    Example: model-provenance sbom model/ --output sboms/
    """
    from model_provenance.flows.describe import SbomOptions, sbom_model  # noqa: PLC0415 - loaded when used

    request = SbomOptions(
        model=model,
        name=given["name"],
        version=given["version"],
        manifest=given["manifest"],
        engine=given["sbom_engine"],
        syft=given["syft"],
        ignore=given["ignore_path"],
        allow_symlinks=given["allow_symlinks"],
        env=os.environ,
    )
    documents, findings = sbom_model(request, output=given["output"])
    if given["output"] is None:
        click.echo(documents[0].data, nl=False)
    else:
        for document in documents:
            click.echo(f"{given['output'] / document.file_name}  {document.digest}")
    if findings:
        from model_provenance.report.text import findings_text  # noqa: PLC0415

        click.echo(findings_text(findings, colour=False), nl=False, err=True)
    return 0
