"""Bounded parsers of model file formats; nothing from a model is ever executed."""
