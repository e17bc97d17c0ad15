"""The rendered charts, with Helm 3 and Helm 4."""
