"""Find out who and where we are: git, container, CI run and its identity token, as one `Context`."""
