"""Debian's packages that tests are run against: installed where this is root on Debian or Ubuntu, else said.

python3 tools/debian.py git-lfs skopeo
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

MISSING = 22


def install(programs: Sequence[str]) -> int:
    """Packages that are called as their programs are; 0 where all are there in the end, else the status of a missing tool."""
    missing = [name for name in programs if shutil.which(name) is None]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        words = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
        for command in (["apt-get", "update", "-qq"], words):
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env=environment)
        missing = [name for name in programs if shutil.which(name) is None]
    if not missing:
        return 0
    sys.stderr.write(f"error: {' and '.join(missing)} missing\nsudo apt-get install {' '.join(missing)}\n")
    return MISSING


if __name__ == "__main__":
    sys.exit(install(sys.argv[1:]))
