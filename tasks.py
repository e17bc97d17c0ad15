"""The tasks of this project: `invoke --list` shows them."""

from dockyard.cli import namespace

ns = namespace()
