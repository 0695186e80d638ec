"""Unverified bytes to `Verified`, or findings."""
