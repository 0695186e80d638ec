"""Status lists: what no longer counts, numbered, chained and fresh, so that hiding a revocation can only deny."""
