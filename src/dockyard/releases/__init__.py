"""Releases on a cluster: observe, plan, apply, watch, diagnose, roll back."""
