"""Print the `integrity` line of each plain GitLab include, for release notes: GitLab refuses a remote file that differs."""

from __future__ import annotations

import base64
import hashlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def integrity(data: bytes) -> str:
    """What `include:integrity` takes: `sha256-` and the digest in base64."""
    return f"sha256-{base64.b64encode(hashlib.sha256(data).digest()).decode()}"


def main() -> int:
    """One line a file: its name and its `integrity`."""
    for path in sorted((ROOT / "gitlab").glob("*.gitlab-ci.yml")):
        print(f"{path.relative_to(ROOT)}  integrity: {integrity(path.read_bytes())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
