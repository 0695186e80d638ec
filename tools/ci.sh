#!/bin/sh
# What the actions and the GitLab templates run: install from this checkout into a fresh environment, then one command.
# Inputs come as MODEL_PROVENANCE_* variables and are read by Python; nothing here interprets them but `install`.
set -eu
# Before anything can go wrong: whatever stops this job, `result` never stays empty or says more than was done.
if [ -n "${GITHUB_OUTPUT:-}" ]; then echo "result=ERROR" >>"$GITHUB_OUTPUT"; fi
if [ "${GITLAB_CI:-}" = true ]; then
  # Not written through a link, and nothing stays of a file that the repository brought along.
  rm -f model-provenance.env
  echo "MODEL_PROVENANCE_RESULT=ERROR" >model-provenance.env
fi

refuse() { # STATUS MESSAGE
  if [ "${GITHUB_ACTIONS:-}" = true ]; then echo "::error title=model-provenance::$2"; else echo "error: $2" >&2; fi
  exit "$1"
}

here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
case ${RUNNER_OS:-} in
  Windows) refuse 22 "Windows runners are not supported; run this job on ubuntu-latest or macos-latest" ;;
esac

case ${MODEL_PROVENANCE_INSTALL:-fresh} in
  fresh) ;;
  never)
    tool=${MODEL_PROVENANCE_TOOL_PATH:-}
    # A name would be looked up in PATH, which any earlier step may have changed.
    case $tool in
      /*) ;;
      "") refuse 2 "install: never needs tool-path: the absolute path of the model-provenance executable" ;;
      *) refuse 2 "tool-path is not absolute, so what it names depends on where the job stands" ;;
    esac
    [ -x "$tool" ] && [ ! -d "$tool" ] || refuse 22 "tool-path names nothing that can be executed"
    exec "$tool" ci "$@"
    ;;
  *) refuse 2 "install is neither fresh nor never" ;;
esac

python=${MODEL_PROVENANCE_PYTHON:-python3}
command -v "$python" >/dev/null 2>&1 ||
  refuse 22 "$python is not there; Python 3.10 or newer with venv is needed: add actions/setup-python before this step, use an image such as python:3.13, or install: never with tool-path"
if [ -n "${RUNNER_TEMP:-}" ]; then
  environment=$RUNNER_TEMP/model-provenance-venv
else
  # A known name in a folder that others write to could have been made, and filled, by any of them.
  scratch=$(mktemp -d) || refuse 22 "there is no place for temporary files"
  trap 'rm -rf -- "$scratch"' EXIT
  environment=$scratch/venv
fi
"$python" -I "$here/tools/bootstrap.py" --venv "$environment" --requirements "$here/requirements/runtime.txt" ||
  refuse 22 "the tool could not be installed; the lines above say why"
# Not exec: the environment goes when the job ends.
"$environment/bin/python" -I -m model_provenance ci "$@"
