"""`python -m model_provenance`, and the command `model-provenance` of what pre-commit installs (decision 17)."""

import sys
from importlib.util import find_spec

from model_provenance.errors import ModelProvenanceError


def main() -> None:
    """Run the program, or say that only the hooks are installed: the root of a checkout gives nothing else."""
    if find_spec("click") is None:
        error = ModelProvenanceError("usage.hooks_only", "this installation has the hooks and nothing else")
        sys.stderr.write(f"error {error.code} {error}\n  fix {error.remedy}\n")
        sys.exit(error.exit_status)

    from model_provenance.cli.main import main as program  # noqa: PLC0415 - it needs click

    program()


if __name__ == "__main__":
    main()
