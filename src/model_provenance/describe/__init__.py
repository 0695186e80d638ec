"""Turn a package, its facts and its context into unsigned statements: manifest, SBOM, provenance."""
