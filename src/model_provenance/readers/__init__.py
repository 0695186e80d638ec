"""Bounded readers of model files: what their headers say, as facts. Nothing is ever executed or unpickled."""
