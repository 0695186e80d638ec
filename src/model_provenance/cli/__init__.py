"""The command line: parse, call a flow, choose the exit status."""
