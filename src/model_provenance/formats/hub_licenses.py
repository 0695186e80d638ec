"""Licence identifiers that model hubs use and SPDX does not have, or spells otherwise."""

from __future__ import annotations

from typing import NamedTuple

from model_provenance.domain.licenses import Restriction

_LLAMA = (Restriction.ACCEPTABLE_USE, Restriction.USER_THRESHOLD)
_RAIL = (Restriction.USE_RESTRICTED,)
_RESEARCH = (Restriction.NON_COMMERCIAL, Restriction.RESEARCH_ONLY)


class HubLicense(NamedTuple):
    """A licence with one text that the SPDX list does not hold."""

    name: str
    restrictions: tuple[Restriction, ...]
    url: str | None = None
    #: What follows `LicenseRef-`, where the identifier itself has other characters than it may.
    slug: str | None = None


#: Spelled without a version on the hub, but there is only one text.
SAME_AS = {
    "c-uda": "C-UDA-1.0",
    "lgpl-lr": "LGPLLR",
    "odbl": "ODbL-1.0",
    "odc-by": "ODC-By-1.0",
    "pddl": "PDDL-1.0",
}

HUB = {
    "apple-amlr": HubLicense("Apple Machine Learning Research Model License", _RESEARCH),
    "apple-ascl": HubLicense("Apple Sample Code License", ()),
    "bigcode-openrail-m": HubLicense(
        "BigCode OpenRAIL-M v1", _RAIL, "https://huggingface.co/spaces/bigcode/bigcode-model-license-agreement"
    ),
    "bigscience-bloom-rail-1.0": HubLicense(
        "BigScience RAIL License v1.0", _RAIL, "https://huggingface.co/spaces/bigscience/license"
    ),
    "bigscience-openrail-m": HubLicense("BigScience OpenRAIL-M", _RAIL),
    "creativeml-openrail-m": HubLicense(
        "CreativeML OpenRAIL-M", _RAIL, "https://huggingface.co/spaces/CompVis/stable-diffusion-license"
    ),
    "deepfloyd-if-license": HubLicense(
        "DeepFloyd IF Research License Agreement",
        _RESEARCH,
        "https://huggingface.co/spaces/DeepFloyd/deepfloyd-if-license",
    ),
    "fair-noncommercial-research-license": HubLicense("FAIR Noncommercial Research License", _RESEARCH),
    "gemma": HubLicense("Gemma Terms of Use", (Restriction.ACCEPTABLE_USE,), "https://ai.google.dev/gemma/terms"),
    "grok2-community": HubLicense("Grok 2 Community License Agreement", _RAIL),
    "h-research": HubLicense("H Research License", _RESEARCH),
    "intel-research": HubLicense("Intel Research Use License Agreement", _RESEARCH),
    "llama2": HubLicense("Llama 2 Community License Agreement", _LLAMA, "https://ai.meta.com/llama/license/"),
    "llama3": HubLicense("Llama 3 Community License Agreement", _LLAMA, "https://www.llama.com/llama3/license/"),
    "llama3.1": HubLicense("Llama 3.1 Community License Agreement", _LLAMA, "https://www.llama.com/llama3_1/license/"),
    "llama3.2": HubLicense("Llama 3.2 Community License Agreement", _LLAMA, "https://www.llama.com/llama3_2/license/"),
    "llama3.3": HubLicense("Llama 3.3 Community License Agreement", _LLAMA, "https://www.llama.com/llama3_3/license/"),
    "llama4": HubLicense("Llama 4 Community License Agreement", _LLAMA, "https://www.llama.com/llama4/license/"),
    "openmdw-1.1": HubLicense("OpenMDW License 1.1", ()),
    "openrail++": HubLicense("Open RAIL++-M License", _RAIL, slug="openrail-plus-plus"),
}

#: Families of licences: which member is meant was not said, and is not ours to say.
FAMILIES = {
    "bsd": "BSD licence family, member not stated",
    "cc": "Creative Commons licence family, member not stated",
    "gfdl": "GNU Free Documentation License, version not stated",
    "gpl": "GNU General Public License, version not stated",
    "lgpl": "GNU Lesser General Public License, version not stated",
    "openrail": "OpenRAIL licence family, member not stated",
}

#: Identifiers that say that something else says it.
SAYS_NOTHING = frozenset({"", "other", "unknown", "none", "noassertion"})
