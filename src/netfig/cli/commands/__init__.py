"""One file a command; each holds a click command named `command` and is imported only when it is asked for."""
