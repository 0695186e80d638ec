"""`policy`: is a policy valid, what does it decide and why, does it decide as it should."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import click

from model_provenance.cli.decorate import options
from model_provenance.errors import Exit


@click.group("policy", short_help="Check policies, explain what one decides, test them.")
def command() -> None:
    """Work with policies: what a verified release must be so that it may run here.

    Example: model-provenance policy check policy.yaml
    """


@command.command("check")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@options("policy check")
def check(files: tuple[str, ...], opa: Path | None) -> int:
    """Check that policies can be read and only tighten what they extend; says what each asks.

    CEL rules and modules of Rego are read by their own engines, and nothing is evaluated.

    Example: model-provenance policy check policy.yaml
    """
    from model_provenance.flows.policy import checked_policy  # noqa: PLC0415 - loaded when used
    from model_provenance.policy.gates import GATES  # noqa: PLC0415
    from model_provenance.policy.outside import Programs  # noqa: PLC0415

    for file in files:
        policy = checked_policy(file, Programs(os.environ, opa, (Path.cwd(),)))
        asked = [gate.id for gate in GATES if gate.section(policy) is not None]
        click.echo(f"{policy.name}: {', '.join(asked)}  {policy.digest}")
    return int(Exit.OK)


@command.command("explain")
@click.argument("file", metavar="FILE")
@click.argument("target", metavar="TARGET")
@options("policy explain")
def explain(file: str, target: str, **given: Any) -> int:
    """Decide about TARGET and print every gate's answer in words: what was found, why that is so, what to do.

    FILE is a policy, or integrity, baseline or production. Ends as verify does.

    Example: model-provenance policy explain production model/ --evidence dist/minilm-1.0.0 --key release.pub
    """
    from model_provenance.cli.expected import verify_request  # noqa: PLC0415 - loaded when used
    from model_provenance.flows.verify import verify  # noqa: PLC0415
    from model_provenance.policy.gates import GATES  # noqa: PLC0415
    from model_provenance.report.decision import decision_section, explanation  # noqa: PLC0415
    from model_provenance.report.text import report_text  # noqa: PLC0415

    report = verify(verify_request(target, {**given, "policy": file}))
    titles = {gate.id: gate.title for gate in GATES}
    if report.decision is None:
        click.echo(report_text(report, target=target, colour=False, seconds=0), nl=False)
    elif given["format"] == "markdown":
        click.echo("\n".join(decision_section(report.decision, titles, heading="#")))
    else:
        width = min(max(shutil.get_terminal_size((100, 24)).columns, 60), 120)
        click.echo(explanation(report.decision, target=target, titles=titles, width=width), nl=False)
    return report.exit_status


@command.command("test")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, readable=False))
@options("policy test")
def test(folder: Path, format: str, opa: Path | None) -> int:
    """Run every case below DIR: a folder with a case.yaml that names policy, target, evidence and the expected decision.

    Example: model-provenance policy test policies/cases
    """
    from model_provenance.flows.policy_test import run_cases  # noqa: PLC0415 - loaded when used

    outcomes = run_cases(folder, env=os.environ, opa=opa)
    wrong = [outcome for outcome in outcomes if outcome.differences]
    if format == "json":
        cases = [{"case": outcome.case, "differences": list(outcome.differences)} for outcome in outcomes]
        click.echo(json.dumps({"cases": cases}, indent=2))
    else:
        for outcome in outcomes:
            click.echo(f"{'differs' if outcome.differences else 'ok':<8} {outcome.case}")
            for difference in outcome.differences:
                click.echo(f"         {difference}")
        click.echo(f"{len(outcomes) - len(wrong)} of {len(outcomes)} cases as expected")
    return int(Exit.POLICY if wrong else Exit.OK)


@command.command("waive")
@click.argument("digest", metavar="MODEL_DIGEST")
@options("policy waive", required=("key",))
def waive(digest: str, **given: Any) -> int:
    """Sign that it is accepted, until a day, that one gate fails for the model with MODEL_DIGEST (sha256:HEX).

    It counts where the policy names the key under waivers.approvers, and never for whoever released the model.

    Example: model-provenance policy waive sha256:HEX --gate age --reason TEXT --approver NAME --ticket T-1
    --expires 2027-06-30 --key officer.key --output age.waiver
    """
    from model_provenance.cli.console import password  # noqa: PLC0415 - loaded when used
    from model_provenance.flows.policy import waive as sign_waiver  # noqa: PLC0415
    from model_provenance.flows.signing import KeySigning  # noqa: PLC0415
    from model_provenance.formats.waiver import waiver_of  # noqa: PLC0415

    words = {key: given[key] for key in ("gate", "reason", "approver", "ticket")}
    waiver = waiver_of({**words, "digest": digest, "expiry": given["expires"]})
    sign_waiver(waiver, output=given["output"], signing=KeySigning(given["key"], password))
    click.echo(f"Written: {given['output']}  {waiver.gate} for {waiver.digest} until {waiver.expiry}")
    return int(Exit.OK)


@command.command("export")
@click.argument("file", metavar="FILE")
@options("policy export")
def export(file: str, to: str, images: tuple[str, ...]) -> int:
    """Write FILE as an admission policy of a cluster, to standard output; says on standard error what it does not ask.

    For models that are pushed as images: who signed them, and what their provenance says of the run. A policy that names no
    signer is refused, for its export would admit everything.

    Example: model-provenance policy export policy.yaml --to kyverno --images registry.example/models
    """
    import time  # noqa: PLC0415 - only here

    from model_provenance.flows.policy import exported  # noqa: PLC0415 - loaded when used

    text, omissions = exported(file, to, images, now=int(time.time()))
    click.echo(text, nl=False)
    for omission in omissions:
        click.echo(f"not asked by the cluster: {omission.gate}: {omission.why}", err=True)
    return int(Exit.OK)
