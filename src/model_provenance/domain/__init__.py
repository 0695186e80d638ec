"""Frozen values and parsed scalars that the rooms exchange. No input, no output, no JSON."""
