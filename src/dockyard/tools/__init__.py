"""One thin wrapper a program: arguments in, typed records out. Nothing else starts a process."""
