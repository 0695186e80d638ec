"""Bytes to values and back, pure and byte-stable; one file per wire format."""
