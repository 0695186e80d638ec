"""An admission policy as a YAML file: first, as comments, what the policy asks and the cluster does not."""

from __future__ import annotations

from typing import Any

from model_provenance.domain.admission import Admission
from model_provenance.domain.text import shown

DIGEST, OMITTED = "model-provenance.dev/policy-digest", "model-provenance.dev/not-asked"


def metadata(admission: Admission) -> dict[str, Any]:
    """Name and annotations, the same for every controller."""
    omitted = sorted({omission.gate for omission in admission.omissions})
    return {
        "name": admission.name,
        "annotations": {DIGEST: admission.policy_digest, OMITTED: ", ".join(omitted) or "nothing"},
    }


def written(admission: Admission, document: dict[str, Any], *, notes: tuple[str, ...]) -> str:
    """The file. Keys keep their order; nothing in it depends on when or where it is written."""
    import yaml  # noqa: PLC0415 - 20 ms that `--help` need not pay

    lines = [
        f"# Written by `model-provenance policy export` from the policy {admission.name} ({admission.policy_digest}).",
        "#",
    ]
    lines += [f"# Not asked by the cluster - {o.gate}: {shown(o.why, 400)}." for o in admission.omissions]
    lines += ["#", *(f"# {note}" for note in notes)]

    class Dumper(yaml.SafeDumper):
        """Programs of several lines stay readable."""

    Dumper.add_representer(str, _text)
    body = yaml.dump(document, Dumper=Dumper, sort_keys=False, width=120, allow_unicode=True)
    return "\n".join(lines) + "\n" + body


def _text(dumper: Any, value: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)
