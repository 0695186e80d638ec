"""`sbom`: the SBOMs alone, unsigned; and SBOMs held against the bytes and against rules."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from model_provenance.cli.decorate import options
from model_provenance.domain.finding import Finding, Status
from model_provenance.errors import Exit

_WRITE = "write"


class _SbomGroup(click.Group):
    """`sbom MODEL_DIR` writes; `sbom verify` and `sbom check` are commands. A folder of that name is `./verify`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [_WRITE, *args]
        return super().parse_args(ctx, args)


@click.group("sbom", cls=_SbomGroup, short_help="Write the SBOMs of a model directory, unsigned; verify or check one.")
def command() -> None:
    """Write the SBOMs of a model: `sbom MODEL_DIR` (see `sbom write --help`); verify one, or check it against rules.

    Example: model-provenance sbom model/ --output sboms/
    """


@command.command(_WRITE, short_help="Write the SBOMs of a model directory (the word may be left out).")
@click.argument("model", metavar="MODEL_DIR", type=click.Path(path_type=Path, readable=False))
@options("sbom")
def write(model: Path, **given: Any) -> int:
    """Write SBOMs of MODEL_DIR. They are not signed: `release` makes signed ones.

    Example: model-provenance sbom model/ --sbom spdx3-json,cyclonedx-json@1.7 --output sboms/
    """
    from model_provenance.describe.sbom.build import formats_of  # noqa: PLC0415 - loaded when used
    from model_provenance.flows.describe import SbomOptions, sbom_model  # noqa: PLC0415

    request = SbomOptions(
        model=model,
        name=given["name"],
        version=given["version"],
        manifest=given["manifest"],
        datasets=given["dataset"],
        formats=formats_of(given["sbom"]),
        environment=given["environment"],
        evaluations=tuple(Path(file) for file in given["evaluation"]),
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
    return int(Exit.OK)


@command.command("verify", short_help="Derive an SBOM again from the bytes of the model.")
@click.argument("sbom", metavar="SBOM", type=click.Path(path_type=Path))
@click.argument("model", metavar="MODEL_DIR", type=click.Path(path_type=Path, readable=False))
@options("sbom verify")
def verify(sbom: Path, model: Path, **given: Any) -> int:
    """Derive SBOM again from MODEL_DIR and name every fact that differs. This checks no signature: `verify` does.

    Example: model-provenance sbom verify sbom.spdx.json model/
    """
    from model_provenance.flows.sbom_verify import SbomVerification, verify_sbom  # noqa: PLC0415 - loaded when used

    request = SbomVerification(
        sbom,
        model,
        given["manifest"],
        given["ignore_path"],
        given["allow_symlinks"],
        given["dataset"],
        tuple(Path(file) for file in given["evaluation"]),
    )
    findings = verify_sbom(request)
    _tell(findings, given["format"])
    return int(Exit.CONTENT if any(f.severity.value == "error" for f in findings) else Exit.OK)


@command.command("check", short_help="Hold an SBOM, or a release folder, against a list of minimum elements.")
@click.argument("sbom", metavar="SBOM|RELEASE_DIR", type=click.Path(path_type=Path, readable=False))
@options("sbom check")
def check(sbom: Path, *, profile: str, format: str) -> int:
    """Say for each element of a profile whether it is present, declared or absent, where from, and what to add.

    Example: model-provenance sbom check sbom.spdx3.json --profile g7-ai
    """
    from model_provenance.flows.sbom_check import check_sbom  # noqa: PLC0415 - loaded when used

    result = check_sbom(sbom, profile)
    if format == "json":
        from model_provenance.formats.canonical import document  # noqa: PLC0415
        from model_provenance.formats.conformance import conformance_value  # noqa: PLC0415

        click.echo(document(conformance_value(result)), nl=False)
    else:
        from model_provenance.report.conformance import conformance_markdown, conformance_text  # noqa: PLC0415

        click.echo(conformance_markdown(result) if format == "markdown" else conformance_text(result), nl=False)
    return int(Exit.OK if result.holds else Exit.EVIDENCE_MISSING)


def _tell(findings: Sequence[Finding], format: str) -> None:
    if format == "json":
        from model_provenance.formats.canonical import document  # noqa: PLC0415 - loaded when used
        from model_provenance.formats.receipt import finding_value  # noqa: PLC0415

        click.echo(document({"findings": [finding_value(finding) for finding in findings]}), nl=False)
        return
    from model_provenance.cli.console import colour  # noqa: PLC0415
    from model_provenance.report.text import findings_text  # noqa: PLC0415

    for finding in findings:
        if finding.status is Status.PASS:
            click.echo(f"PASS {finding.message}")
    click.echo(findings_text(findings, colour=colour()), nl=False)
