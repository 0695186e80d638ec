"""The composite actions, made from the option catalogue: `action.yml` releases, `verify/` is the gate, `measure/` hashes.

All are thin on purpose: they hand inputs over as variables and run `tools/ci.sh` of their own checkout. No third-party
`uses:` inside, so that an allow-list or a full-SHA policy has nothing to object to.
"""

from __future__ import annotations

from model_provenance.cli.catalogue import Kind, Option, ci_inputs

RELEASE_OUTPUTS = {
    "result": "SIGNED, UNSIGNED (dry run) or ERROR; written as ERROR first and as the verdict last.",
    "digest": "Digest of the package: of the model index, or of the archive. Empty when nothing was signed.",
    "model-digest": "Digest of the model's files (OMS root digest). Empty when nothing was signed.",
    "files-digest": "Digest of the model's names and contents. Empty when nothing was signed.",
    "reference": "HOST/REPOSITORY@sha256:… of the first registry that holds the release; the one thing to deploy from.",
    "evidence-path": "Folder with the Sigstore bundles.",
    "bundle-path": "The bundle with the SLSA provenance.",
    "sbom-path": "The SPDX document.",
    "manifest-path": "The released model manifest.",
    "receipt-path": "The receipt: what this run did, as JSON.",
    "log-entries": "Transparency log entries, as JSON.",
    "log-index": "Log index of the provenance.",
    "log-url": "Address of the provenance's log entry.",
    "slsa-level": "SLSA build level that the evidence supports, derived from the signing certificate.",
    "check-url": "Address of the check run, where one was posted.",
}

VERIFY_OUTPUTS = {
    "result": "PASS, FAIL or ERROR; written as ERROR first and as the verdict last. Only PASS means checked and good.",
    "reference": "HOST/REPOSITORY@sha256:… of a model in a registry that passed: deploy this, never the tag.",
    "digest": "Digest of the package that passed, where the target is one.",
    "model-digest": "Digest of the model's files that passed.",
    "slsa-level": "SLSA build level that the verified evidence supports.",
}

MEASURE_OUTPUTS = {
    "result": "MEASURED or ERROR; written as ERROR first and as the verdict last.",
    "files-digest": "Digest of names and contents, for the input `files-digest` of the release action in another job.",
    "model-digest": "Digest of the model's files (OMS root digest).",
}

_INSTALL = (
    "`fresh` installs hash-locked wheels into an environment of this job (Linux or macOS, Python 3.10 or newer with venv, "
    "the package index reachable); `never` runs the executable that `tool-path` names."
)
_TOOL_PATH = "Executable to run with `install: never`, absolute. Its version is then yours to vouch for."


def release_action(*, folder: str = "") -> str:
    """The composite release action; in a `folder` for the reusable workflow, since `$/` of GitHub names no root."""
    inputs = [_input("model", "Folder with the model's files, relative to the workspace.", required=True)]
    inputs += [_input(o.name, described(o, "release"), default=default_value(o)) for o in ci_inputs("release")]
    inputs += [
        _input(
            "check-run",
            "Post a check run: `auto` where the job has `checks: write`, `always` (an error where it cannot be), `never`. "
            "A check informs; require the job, not the check, since any job with `checks: write` can write one.",
            default="auto",
        ),
        _input(
            "compare-with",
            "Release folder of the last version, or oci://HOST/REPOSITORY[:TAG], without a tag the highest version there but "
            "this one; summary and check say what changed since. It is read, not verified.",
        ),
        _input("github-token", "Token for the check run and for ghcr.io.", default="${{ github.token }}"),
    ]
    return _action(
        "Release an AI model",
        "Turn a directory of model files into a signed, described, verifiable release.",
        "release",
        inputs,
        RELEASE_OUTPUTS,
        ["model", *(o.name for o in ci_inputs("release")), "check-run", "compare-with", "github-token"],
        script="$GITHUB_ACTION_PATH/../tools/ci.sh" if folder else "$GITHUB_ACTION_PATH/tools/ci.sh",
    )


def verify_action() -> str:
    """The composite gate."""
    inputs = [
        _input("model", "Folder, archive or OCI layout to verify. One of `model` and `reference`."),
        _input(
            "reference",
            "Model in a registry, HOST/REPOSITORY[:TAG][@sha256:…]: resolved once, verified with all its bytes.",
        ),
    ]
    inputs += [_input(o.name, described(o, "verify"), default=default_value(o)) for o in ci_inputs("verify")]
    inputs += [_input("github-token", "Token to read ghcr.io with.", default="${{ github.token }}")]
    return _action(
        "Verify an AI model",
        "Let a model release through, or refuse: who signed it, which release it is, and that every byte is as signed.",
        "verify",
        inputs,
        VERIFY_OUTPUTS,
        ["model", "reference", *(o.name for o in ci_inputs("verify")), "github-token"],
        script="$GITHUB_ACTION_PATH/../tools/ci.sh",
    )


def measure_action() -> str:
    """The composite action of a build job without identity."""
    taken = [o for o in ci_inputs("release") if o.name in ("allow-symlinks", "ignore-path")]
    inputs = [_input("model", "Folder with the model's files, relative to the workspace.", required=True)]
    inputs += [_input(o.name, described(o, "release"), default=default_value(o)) for o in taken]
    return _action(
        "Measure an AI model",
        "Give the digest of a model's files to the job that signs them; needs no permission and no identity.",
        "measure",
        inputs,
        MEASURE_OUTPUTS,
        ["model", *(o.name for o in taken)],
        script="$GITHUB_ACTION_PATH/../tools/ci.sh",
    )


def _action(
    name: str, description: str, job: str, inputs: list[str], outputs: dict[str, str], names: list[str], *, script: str
) -> str:
    inputs = [*inputs, _input("install", _INSTALL, default="fresh"), _input("tool-path", _TOOL_PATH)]
    lines = [f"        {variable(each)}: ${{{{ inputs.{each} }}}}" for each in (*names, "install", "tool-path")]
    results = [
        f"  {each}:\n    description: {quoted(text)}\n    value: ${{{{ steps.{job}.outputs.{each} }}}}"
        for each, text in outputs.items()
    ]
    return f"""\
name: {name}
description: {quoted(description)}
author: model-provenance
branding: {{icon: shield, color: purple}}

inputs:
{chr(10).join(inputs)}

outputs:
{chr(10).join(results)}

runs:
  using: composite
  steps:
    - id: {job}
      shell: bash
      env:
{chr(10).join(lines)}
      run: '"{script}" {job}'
"""


def _input(name: str, description: str, *, default: str = "", required: bool = False) -> str:
    tail = "    required: true" if required else f"    required: false\n    default: {quoted(default)}"
    return f"  {name}:\n    description: {quoted(description)}\n{tail}"


def described(option: Option, job: str) -> str:
    """The option's help with its choices, form and default, as the descriptions of inputs say them."""
    if option.ci_choices:
        return f"{option.ci_help} One of {', '.join(option.ci_choices)}."
    kinds = {Kind.FLAG: " `true` or `false`.", Kind.LIST: " One a line."}
    choices = f" One of {', '.join(option.choices)}." if option.choices else ""
    # What a release takes from its run by default, a gate must be told: whoever started the run would decide it.
    default = f" Default: {option.ci_default}." if option.ci_default and job == "release" else ""
    return f"{option.ci_help or option.help}{choices}{kinds.get(option.kind, '')}{default}".replace(
        " May be repeated.", ""
    )


def default_value(option: Option) -> str:
    """The default that stands in the file."""
    if option.ci_choices:
        return option.ci_choices[0]
    return "false" if option.kind is Kind.FLAG else option.default or ""


def variable(name: str) -> str:
    """The environment variable that carries an input."""
    return "MODEL_PROVENANCE_" + name.upper().replace("-", "_")


def quoted(text: str) -> str:
    """A YAML double-quoted scalar on one line."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
