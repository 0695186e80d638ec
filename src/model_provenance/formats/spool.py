"""`spool.json` (schema `spool/v1`): what was asked for when an outage left a release unsigned. Never evidence."""

from __future__ import annotations

SCHEMA = "https://model-provenance.dev/schemas/spool/v1"
NAME = "spool.json"
