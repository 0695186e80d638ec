"""`inspect`: what a model holds."""

from __future__ import annotations

from pathlib import Path

import click

from model_provenance.cli.decorate import options


@click.command("inspect", short_help="Say what a model directory holds.")
@click.argument("model", metavar="MODEL_DIR|FILE", type=click.Path(path_type=Path, readable=False))
@options("inspect")
def command(model: Path, *, allow_symlinks: bool, ignore_path: tuple[str, ...], format: str) -> int:
    """Say what MODEL_DIR holds: formats, parameters, licences, datasets, what can execute code. Nothing is executed.

    Example: model-provenance inspect model/
    """
    from model_provenance.flows.describe import inspect_model  # noqa: PLC0415 - loaded when used

    facts = inspect_model(model, ignore=ignore_path, allow_symlinks=allow_symlinks)
    if format == "json":
        from model_provenance.formats.canonical import document  # noqa: PLC0415
        from model_provenance.formats.facts import facts_value  # noqa: PLC0415

        click.echo(document(facts_value(facts)), nl=False)
    else:
        from model_provenance.cli.console import colour  # noqa: PLC0415
        from model_provenance.report.facts import facts_text  # noqa: PLC0415

        click.echo(facts_text(facts, colour=colour()), nl=False)
    return 0
