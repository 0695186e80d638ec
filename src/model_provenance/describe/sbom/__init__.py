"""SBOM engines give facts (native always, Syft where it is there); `formats` renders them."""
