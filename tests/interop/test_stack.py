"""The servers themselves: what they issue carries what production's certificates carry."""

from __future__ import annotations

from tests.interop.stack import Stack


def test_starts(stack: Stack) -> None:
    """All servers answer."""
    assert stack.issue_github_token()
