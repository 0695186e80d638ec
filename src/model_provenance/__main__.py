"""`python -m model_provenance`."""

import sys
from importlib.util import find_spec

if __name__ == "__main__":
    if find_spec("click") is None:  # what pre-commit installs, or the root of a checkout (decision 17)
        sys.exit("error: only the hooks of model-provenance are installed here\npip install model-provenance-cli")

    from model_provenance.cli.main import main

    main()
