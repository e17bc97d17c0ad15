"""Where releases run: one protocol, several providers."""
