#!/bin/sh
# What the action and the GitLab templates run: install from this checkout into a fresh environment, then one command.
# Inputs come as MODEL_PROVENANCE_* variables and are read by Python; nothing here interprets them.
set -eu
# Before anything can go wrong: whatever stops this job, `result` never stays empty or says more than was done.
if [ -n "${GITHUB_OUTPUT:-}" ]; then echo "result=ERROR" >>"$GITHUB_OUTPUT"; fi
here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
temporary=${RUNNER_TEMP:-${TMPDIR:-/tmp}}
environment="$temporary/model-provenance-venv"
python=${MODEL_PROVENANCE_PYTHON:-python3}
if ! command -v "$python" >/dev/null 2>&1; then
  echo "error: $python is not there; Python 3.10 or newer with venv is needed (actions/setup-python, or an image such as python:3.13)" >&2
  exit 22
fi
"$python" -I "$here/tools/bootstrap.py" --venv "$environment" --requirements "$here/requirements/runtime.txt"
exec "$environment/bin/python" -I -m model_provenance ci "$@"
