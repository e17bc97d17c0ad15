"""What the charts render to, with Helm 3 and with Helm 4."""
