"""What the machine must have: the Docker engine, and the programs that are pinned here.

`setup` observes, plans and acts; `engine`, `packages` and `programs` know one thing each.
"""
