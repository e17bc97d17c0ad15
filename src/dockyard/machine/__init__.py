"""What the machine must have: the Docker engine, and the programs that are pinned here."""
