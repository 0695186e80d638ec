"""The GitLab CI/CD components and the plain includes, from the option catalogue: one body for every way of including.

No component context (`$[[ component.version ]]`), since only `include: component` has it; no global keywords; every input
travels as a variable. Text of inputs may be put into the YAML before it is parsed, so `regex` keeps quotes, backslashes and
line breaks out of double-quoted scalars: an input can become a value, never a key or a line of a script.
"""

from __future__ import annotations

from actions import default_value, described, quoted, variable
from model_provenance.cli.catalogue import Kind, Option, ci_inputs

_PLAIN = r"""^[^"\\\r\n]*$"""
_NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._:/-]*$"
_FETCH = (
    'git init --quiet "$tool" && git -C "$tool" fetch --quiet --depth 1 -- "$MODEL_PROVENANCE_TOOL_REPOSITORY" '
    '"$MODEL_PROVENANCE_TOOL_REF" && git -C "$tool" checkout --quiet FETCH_HEAD'
)
_ID_TOKENS = """\
  id_tokens:
    SIGSTORE_ID_TOKEN:
      aud: sigstore
"""


def release_component() -> str:
    """The job that releases a model."""
    inputs = [_input("model", "Folder with the model's files, relative to the project.", default=None)]
    inputs += [_option(option, "release") for option in ci_inputs("release")]
    names = ["model", *(option.name for option in ci_inputs("release"))]
    reports = ["annotations: model-provenance-annotations.json", "cyclonedx: dist/*/*.cdx.json"]
    return _component("release", "deploy", inputs, names, before=_ID_TOKENS, paths=["dist/"], reports=reports)


def verify_component() -> str:
    """The gate. It has no identity of its own: it asks for no token."""
    inputs = [
        _input("model", "Folder, archive or OCI layout to verify. One of `model` and `reference`."),
        _input(
            "reference",
            "Model in a registry, HOST/REPOSITORY[:TAG][@sha256:…]: resolved once, verified with all its bytes.",
        ),
    ]
    inputs += [_option(option, "verify") for option in ci_inputs("verify")]
    names = ["model", "reference", *(option.name for option in ci_inputs("verify"))]
    return _component("verify", "test", inputs, names, before="", paths=[], reports=[])


def _component(
    job: str, stage: str, inputs: list[str], names: list[str], *, before: str, paths: list[str], reports: list[str]
) -> str:
    own = [
        _input("stage", "Stage of the job.", default=stage, regex=_NAME),
        _input("job-name", "Name of the job.", default=f"model-provenance-{job}", regex=_NAME),
        _input(
            "image", "Image with git and Python 3.10 or newer, or with what tool-path names.", default="python:3.13"
        ),
        _input(
            "tool-repository",
            "Where this tool is fetched from, by git.",
            default="$CI_SERVER_URL/org/model-provenance.git",
        ),
        _input(
            "tool-ref",
            "Commit or tag of the tool; a full commit id is the one that nobody can move.",
            default="v1",
            regex=_NAME,
        ),
        _input(
            "install",
            "`fresh` fetches the tool and installs hash-locked wheels for this job; `never` runs tool-path.",
            default="fresh",
            options=("fresh", "never"),
        ),
        _input(
            "tool-path", "Executable to run with `install: never`, absolute. Its version is then yours to vouch for."
        ),
    ]
    never = f'"${{MODEL_PROVENANCE_TOOL_PATH:?is needed with install never}}" ci {job}'
    fresh = f'tool=$(mktemp -d) && {_FETCH} && sh "$tool/tools/ci.sh" {job}'
    variables = [f'    {variable(each)}: "$[[ inputs.{each} ]]"' for each in (*_OWN, *names)]
    kept = "".join(f"      - {path}\n" for path in paths)
    kept = f"    paths:\n{kept}" if paths else ""
    shown = "".join(f"      {report}\n" for report in reports)
    return f"""\
spec:
  inputs:
{chr(10).join(own)}
{chr(10).join(inputs)}
---
"$[[ inputs.job-name ]]":
  stage: "$[[ inputs.stage ]]"
  image: "$[[ inputs.image ]]"
{before}  variables:
    GIT_ALLOW_PROTOCOL: "https:http:ssh:file"
{chr(10).join(variables)}
  script:
    - echo MODEL_PROVENANCE_RESULT=ERROR >model-provenance.env
    - if test "$MODEL_PROVENANCE_INSTALL" = never; then {never}; else {fresh}; fi
  artifacts:
    when: always
{kept}    reports:
      dotenv: model-provenance.env
      junit: model-provenance-junit.xml
      codequality: model-provenance-codequality.json
{shown}"""


_OWN = ("tool-repository", "tool-ref", "install", "tool-path")


def _option(option: Option, job: str) -> str:
    if option.kind is Kind.FLAG and not option.ci_choices:
        return _input(option.name, described(option, job).replace(" `true` or `false`.", ""), boolean=True)
    text = described(option, job).replace(
        " One a line.", f" For more than one set {option.variable} of the job, one a line."
    )
    default = default_value(option)
    return _input(option.name, text, default=default, options=option.ci_choices or option.choices)


def _input(
    name: str,
    description: str,
    *,
    default: str | None = "",
    options: tuple[str, ...] = (),
    regex: str = _PLAIN,
    boolean: bool = False,
) -> str:
    lines = [f"    {name}:", f"      description: {quoted(description)}"]
    if boolean:
        return "\n".join([*lines, "      type: boolean", "      default: false"])
    if default is not None:
        lines.append(f"      default: {quoted(default)}")
    if options:
        lines.append(f"      options: [{', '.join(quoted(option) for option in options)}]")
    else:
        lines.append(f"      regex: '{regex}'")
    return "\n".join(lines)
