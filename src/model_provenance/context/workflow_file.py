"""The one thing read from a GitHub workflow file: the image of a job's container.

The YAML is only composed into nodes and never constructed into values: an alias stays one shared node, so a file that
multiplies itself by aliases or merge keys stays as small as it is written.
"""

from __future__ import annotations


def container_image(text: bytes, job: str) -> str | None:
    """The `container` (or its `image`) of the job `job`; None where the file does not say, or says it twice."""
    import yaml  # noqa: PLC0415 - only in jobs of GitHub Actions

    try:
        # Not the C loader: it overruns the stack on deep nesting, and takes the process with it.
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError):
        return None  # GitHub would not have run it: the job stands in another file than it seems
    container = _value(_value(_value(root, "jobs"), job), "container")
    if isinstance(container, yaml.MappingNode):
        container = _value(container, "image")
    return str(container.value) if isinstance(container, yaml.ScalarNode) else None


def _value(node: object, key: str) -> object:
    """The value under `key` of a mapping node that has it exactly once."""
    import yaml  # noqa: PLC0415 - as above

    if not isinstance(node, yaml.MappingNode):
        return None
    found = [value for name, value in node.value if isinstance(name, yaml.ScalarNode) and name.value == key]
    return found[0] if len(found) == 1 else None
