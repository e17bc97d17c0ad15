"""Tests of the Python services."""
