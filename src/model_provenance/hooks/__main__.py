"""`python -m model_provenance.hooks NAME [FILES...]`."""

from model_provenance.hooks.main import main

main()
