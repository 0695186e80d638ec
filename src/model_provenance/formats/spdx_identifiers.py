"""The identifiers of the SPDX licence list; apart, because a check of one identifier needs nothing else."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files


@lru_cache(maxsize=1)
def spdx_identifiers() -> tuple[dict[str, str], dict[str, str]]:
    """(licences, exceptions): lower-case form -> the list's spelling."""
    text = files("model_provenance.formats").joinpath("spdx-license-ids.txt").read_text(encoding="utf-8")
    licenses, exceptions = text.split("\n", 1)[1].split("\n\n")
    return {name.lower(): name for name in licenses.split()}, {name.lower(): name for name in exceptions.split()}
