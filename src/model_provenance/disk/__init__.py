"""Files and cores of this machine: open without following links, read once for several consumers, publish whole."""
