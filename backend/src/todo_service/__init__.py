"""What AI Todo's Python services have in common: serving HTTP in a pod, logs, probes, settings and time limits."""
