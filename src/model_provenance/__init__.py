"""Release, describe, sign and verify AI models."""

__version__ = "0.1.0"
