"""Statements to Sigstore bundles; the only room that knows Fulcio, Rekor and timestamp authorities."""
