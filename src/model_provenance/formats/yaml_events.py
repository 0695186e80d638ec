"""Events of a YAML parser, for the readers that build plain values from them and never let a loader construct any."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

#: Lines that begin with `%`.
DIRECTIVE_LIMIT = 16
#: After any of the line ends that libyaml knows.
_DIRECTIVE = re.compile("(?:^|[\r\n\x85\u2028\u2029])%")
#: libyaml where PyYAML was built with it (ten to twenty times faster); the events are the same.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def directive_beyond(text: str) -> int | None:
    """Where the first line of directives beyond the limit begins, to be refused: libyaml compares each with all before it."""
    starts = [match.start() for match in _DIRECTIVE.finditer(text)]
    return starts[DIRECTIVE_LIMIT] if len(starts) > DIRECTIVE_LIMIT else None


def events_of(text: str) -> Iterator[yaml.Event]:
    """The events of a text whose directives were counted; raises `yaml.YAMLError`, ValueError, OverflowError, RecursionError."""
    events: Iterator[yaml.Event] = yaml.parse(text, Loader=_LOADER)
    return events
