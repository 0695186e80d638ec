"""What a build job without any identity tells the job that signs: the digest of its files, and nothing else.

The files cross over in a store that other jobs can write to; the digest crosses in a job output, which they cannot.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from model_provenance.domain.package import Layout
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.ci_surface import report_error, set_verdict
from model_provenance.flows.inputs import Inputs
from model_provenance.pack.read import read
from model_provenance.pack.refuse import check_model
from model_provenance.pack.walk import walk
from model_provenance.report.units import plural, size


def measure_job(env: Mapping[str, str]) -> int:
    """Read the model once and give its digests as outputs."""
    inputs = Inputs(env)
    try:
        model = inputs.required_path("model")
        with walk(model, ignore=inputs.lines("ignore-path"), allow_symlinks=inputs.flag("allow-symlinks")) as inventory:
            check_model(inventory)
            package = read(inventory, layout=Layout.RAW)
            inventory.recheck()
        sys.stdout.write(f"{package.files_digest}  {plural(len(package.files), 'file')}, {size(package.total_bytes)}\n")
        digests = {"files-digest": str(package.files_digest), "model-digest": str(package.model_digest)}
        set_verdict(env, digests, "MEASURED")
    except ModelProvenanceError as error:
        return report_error(env, error)
    return 0
