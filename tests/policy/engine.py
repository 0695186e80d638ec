"""Where CEL can be evaluated: its engine has no wheels for Python 3.10, where the product answers `policy.cel_missing`."""

from __future__ import annotations

import sys

import pytest

HAS_CEL = sys.version_info >= (3, 11)
NO_CEL = "this machine has Python 3.10, for which there is no engine of CEL"
#: Without an engine every answer is an ERROR, so a test of an ERROR would pass without having asked anything.
needs_cel = pytest.mark.skipif(not HAS_CEL, reason=NO_CEL)
