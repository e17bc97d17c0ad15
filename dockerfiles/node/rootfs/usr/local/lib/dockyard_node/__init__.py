"""What runs in the embedded cluster's container beside Kubernetes: its init and its DNS. Standard library only."""
