"""Pre-commit hooks: quick checks of what is about to be committed. They start without jsonschema, GitPython or network."""
