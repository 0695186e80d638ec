"""`python -m model_provenance`."""

from model_provenance.cli.main import main

if __name__ == "__main__":
    main()
