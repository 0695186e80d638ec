"""The GitLab CI/CD components and the plain includes, from the option catalogue: one body for every way of including.

No component context (`$[[ component.version ]]`), since only `include: component` has it; no global keywords. Inputs do not
travel as variables: whoever starts the pipeline, the project, its groups and earlier jobs may set those, and outrank the job.
They stand in quoted here-documents of the script, each behind `name=` on a line of its own. A shell reads nothing in such a
document but its last line, and no line that begins with `name=` is that one; `regex` keeps line breaks out of every input.
Text of inputs may also be put into the YAML before it is parsed, as older instances do, so `regex` keeps quotes and
backslashes out, too: an input can become a value, never a key or a line of a script (decision 29).
"""

from __future__ import annotations

from actions import default_value, described, quoted
from model_provenance.cli.catalogue import Kind, Option, ci_inputs, ci_names

#: NEL, LS and PS break lines in YAML 1.1; written as characters, since no notation of them is common to all readers.
_PLAIN = '^[^"\\\\\\x00-\\x1f\\x7f-\\x9f\u2028\u2029]*$'
_NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._:/-]*$"
_END = "END OF INPUTS"
_FETCH = (
    'git init --quiet "$work/tool"',
    'git -C "$work/tool" fetch --quiet --depth 1 -- "$repository" "$(given tool-ref)"',
    'git -C "$work/tool" checkout --quiet FETCH_HEAD',
    'sh "$work/tool/tools/ci.sh"',
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
    reports = ["annotations: model-provenance-annotations.json", "cyclonedx: dist/*/*.cdx.json"]
    return _component("release", "deploy", inputs, before=_ID_TOKENS, paths=["dist/"], reports=reports)


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
    return _component("verify", "test", inputs, before="", paths=[], reports=[])


def _component(job: str, stage: str, inputs: list[str], *, before: str, paths: list[str], reports: list[str]) -> str:
    own = [
        _input("stage", "Stage of the job.", default=stage, regex=_NAME),
        _input("job-name", "Name of the job.", default=f"model-provenance-{job}", regex=_NAME),
        _input(
            "image", "Image with git and Python 3.10 or newer, or with what tool-path names.", default="python:3.13"
        ),
        _input(
            "tool-repository",
            "Where this tool is fetched from, by git. Only what names a variable can be changed by one.",
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
    fetch = " &&\n            ".join(_FETCH)
    given = f"\"$work/inputs\" <<'{_END}'\n{_lines(ci_names(job))}      {_END}"
    tool = f"\"$work/tool-inputs\" <<'{_END}'\n{_lines(_OWN)}      {_END}"
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
    MODEL_PROVENANCE_TOOL_REPOSITORY: "$[[ inputs.tool-repository ]]"
  script:
    - echo MODEL_PROVENANCE_RESULT=ERROR >model-provenance.env
    - |
      status=0 && work=$(mktemp -d) && cat >{tool}
      cat >{given}
      given() {{ sed -n "s/^$1=//p" "$work/tool-inputs"; }}
      repository=$(given tool-repository) && path=$(given tool-path)
      case $repository in *'$'*) repository=$MODEL_PROVENANCE_TOOL_REPOSITORY ;; esac
      case $(given install)$path in
        never/*) "$path" ci {job} --inputs "$work/inputs" || status=$? ;;
        fresh*) export GIT_ALLOW_PROTOCOL=https:http:ssh:file MODEL_PROVENANCE_INSTALL=fresh MODEL_PROVENANCE_PYTHON=python3
          {fetch} {job} --inputs "$work/inputs" || status=$? ;;
        *) echo "error: install never needs tool-path, the absolute path of the executable" >&2; status=2 ;;
      esac
      rm -rf -- "$work"
      exit "$status"
  artifacts:
    when: always
{kept}    reports:
      dotenv: model-provenance.env
      junit: model-provenance-junit.xml
      codequality: model-provenance-codequality.json
{shown}"""


_OWN = ("tool-repository", "tool-ref", "install", "tool-path")


def _lines(names: tuple[str, ...]) -> str:
    """The inputs, one a line, as they stand in a here-document of the script."""
    return "".join(f"      {name}=$[[ inputs.{name} ]]\n" for name in names)


def _option(option: Option, job: str) -> str:
    if option.kind is Kind.FLAG and not option.ci_choices:
        return _input(option.name, described(option, job).replace(" `true` or `false`.", ""), boolean=True)
    text = described(option, job).replace(
        " One a line.", " For more than one give a variable that holds them, one a line, such as $MODELS."
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
        lines.append(f"      regex: {_escaped(regex)}")
    return "\n".join(lines)


def _escaped(regex: str) -> str:
    """As YAML: single-quoted where that is enough, with the two separators as escapes else."""
    if regex.isascii():
        return f"'{regex}'"
    return quoted(regex).replace("\u2028", "\\L").replace("\u2029", "\\P")
