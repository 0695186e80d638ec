"""`release`: the main job."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from model_provenance.cli.console import colour, password, plain_progress, progress
from model_provenance.cli.decorate import options
from model_provenance.errors import ModelProvenanceError


@click.command("release", short_help="Describe, package and sign a model directory.")
@click.argument("model", metavar="MODEL_DIR", type=click.Path(path_type=Path, readable=False))
@options("release", required=("name", "version"))
def command(model: Path, **given: Any) -> int:
    """Turn MODEL_DIR into a signed, described, verifiable release.

    Signs keyless with the identity of the CI job, or with --key. Writes dist/NAME-VERSION/ unless --output says otherwise.

    Example: model-provenance release model/ --name minilm --version 1.0.0 --key release.key
    """
    from model_provenance.cli.push_options import push_request  # noqa: PLC0415 - loaded when used
    from model_provenance.describe.sbom.build import formats_of  # noqa: PLC0415
    from model_provenance.domain.names import ModelName, Version  # noqa: PLC0415 - loaded when used
    from model_provenance.domain.package import Layout  # noqa: PLC0415
    from model_provenance.flows.release import release  # noqa: PLC0415
    from model_provenance.flows.request import ReleaseRequest  # noqa: PLC0415
    from model_provenance.report.release import written_release  # noqa: PLC0415

    request = ReleaseRequest(
        model=model,
        name=ModelName.parse(given["name"]),
        version=Version.parse(given["version"]),
        signing=_signing(given),
        output=given["output"],
        layout=Layout(given["layout"]),
        oci_layout=given["oci_layout"],
        push=push_request(given),
        manifest=given["manifest"],
        datasets=given["dataset"],
        sboms=formats_of(given["sbom"]),
        environment=given["environment"],
        evaluations=tuple(Path(file) for file in given["evaluation"]),
        sbom_engine=given["sbom_engine"],
        syft=given["syft"],
        allow_symlinks=given["allow_symlinks"],
        ignore=given["ignore_path"],
        training_commit=given["training_commit"],
        trained_here=given["trained_here"],
        container_digest=given["container_digest"],
        files_digest=given["files_digest"],
        sign_later=given["sign_later"],
        env=os.environ,
    )
    shown = progress("reading") if sys.stderr.isatty() else plain_progress()
    with shown as advance:
        receipt = release(request, progress=advance)
    if given["format"] == "json":
        from model_provenance.formats.canonical import document  # noqa: PLC0415
        from model_provenance.formats.receipt import receipt_value  # noqa: PLC0415

        click.echo(document(receipt_value(receipt)), nl=False)
    else:
        click.echo(written_release(receipt, model=model, folder=request.folder, colour=colour()), nl=False)
    return 0


def _signing(given: dict[str, Any]) -> Any:
    from model_provenance.flows.signing import KeylessSigning, KeySigning  # noqa: PLC0415

    if given["dry_run"]:
        return None
    if given["key"] is not None:
        if given["identity_token"] is not None:
            raise ModelProvenanceError(
                "usage.invalid", "--key and --identity-token exclude each other", remedy="Sign with one of the two."
            )
        return KeySigning(given["key"], password)
    if given["identity_token"] is not None and os.environ.get("CI"):
        raise ModelProvenanceError(
            "usage.invalid",
            "in CI a token is never an argument, where other processes can read it",
            remedy="Leave --identity-token out: the job's own token is found by itself.",
        )
    return KeylessSigning(given["trust_config"], given["identity_token"], given["allow_public_log"])
