"""GitLab's surfaces that need no token: dotenv outputs and links on the job page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from model_provenance.domain.receipt import Receipt

#: GitLab refuses a dotenv report above 5 KiB, with blank lines, comments, spaces in keys or multi-line values.
_DOTENV_LIMIT = 5 * 1024
_VALUE = re.compile(r"[\x21-\x7e]*")


def dotenv(outputs: Mapping[str, str]) -> bytes:
    """`MODEL_PROVENANCE_RESULT=…` lines; a value that GitLab could not carry is left out."""
    lines = []
    for name, value in outputs.items():
        if _VALUE.fullmatch(value):
            lines.append(f"MODEL_PROVENANCE_{name.upper().replace('-', '_')}={value}\n")
    data = ""
    for line in lines:
        if len(data) + len(line) <= _DOTENV_LIMIT:
            data += line
    return data.encode()


def links(receipt: Receipt) -> bytes:
    """The `annotations` report: links to the log entries, shown on the job page."""
    found = [
        {"external_link": {"label": f"log entry {entry.log_index} ({bundle.name})", "url": entry.entry_url}}
        for bundle in receipt.bundles
        for entry in bundle.log_entries
        if entry.entry_url
    ]
    return (json.dumps({"model-provenance": found}, indent=2) + "\n").encode()
