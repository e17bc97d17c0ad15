"""The pipeline: prepare, observe, plan, and act: images, load, releases, watch, verify, in parallel along `needs`."""
