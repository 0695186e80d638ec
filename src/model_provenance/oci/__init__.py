"""OCI registries and layout folders."""
