"""Helm charts: render and package."""
