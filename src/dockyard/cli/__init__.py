"""Invoke tasks: parse, call one function, print, turn errors into exit codes."""
