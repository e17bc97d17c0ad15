"""Static checks: what would keep a release from starting, found before a cluster is touched."""
