"""Over a verified release: may this model run here, today? A policy file, gates, and the decision."""
