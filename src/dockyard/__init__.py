"""Dockyard: from source to a verified, running Helm release on a local Kubernetes cluster, and back."""
