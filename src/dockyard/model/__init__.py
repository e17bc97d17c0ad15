"""Entities and rules of the specification: pure, no I/O, no clock."""
