"""The SBOMs are there in the formats that are asked for, and the model has the parts that they must list.

That each SBOM is the signed one and lists exactly the files has been verified; so a file that is there is listed.
"""

from __future__ import annotations

from model_provenance.domain.evidence import Predicate
from model_provenance.domain.parts import parts_of
from model_provenance.domain.policy import Answer
from model_provenance.policy.gates.gate import Case, Gate, cannot_decide, passed, refused
from model_provenance.policy.sections import Sbom

_FORMATS = {Predicate.SPDX: "spdx", Predicate.SPDX3: "spdx", Predicate.CYCLONEDX: "cyclonedx"}


def decide(section: Sbom, case: Case) -> Answer:
    """Formats and parts; what is missing is named."""
    listed = case.verified.manifest.get("sboms")
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        fix = "Verify the whole release; release again if its manifest has no `sboms`."
        return cannot_decide("sbom", "the manifest lists no SBOMs", "only the manifest says which SBOMs there are", fix)
    formats = {_FORMATS.get(str(entry.get("predicate_type"))) for entry in listed}
    missing = sorted((section.formats or frozenset()) - formats)
    if missing or not formats - {None}:
        what = f"no SBOM in the format {' and '.join(missing) or 'of SPDX or CycloneDX'}"
        return refused("sbom", section.effect, what, "the policy asks for it", "Release with --sbom and this format.")
    lacking = sorted((section.required or frozenset()) - _parts(case))
    if lacking:
        return refused(
            "sbom",
            section.effect,
            f"model and SBOM have no {', '.join(lacking)}",
            "the policy asks for these parts",
            "Add the missing part to the model or to its source manifest, and release again.",
        )
    return passed("sbom", f"{' and '.join(sorted(f for f in formats if f))}, complete")


def _parts(case: Case) -> frozenset[str]:
    files, manifest = case.verified.files, case.verified.manifest
    parts = parts_of(((file.path, file.role) for file in files), licensed=bool(manifest.get("license")))
    based = manifest.get("fine_tuned_from") or manifest.get("merged_from")
    return parts | {"base_model"} if based else parts


GATE = Gate("sbom", "SBOMs are there and complete", lambda policy: policy.sbom, decide)
