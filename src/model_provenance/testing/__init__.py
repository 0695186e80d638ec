"""Simulators with real cryptography, for tests and the demo; nobody trusts what they sign."""
