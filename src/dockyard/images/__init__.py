"""Images: fingerprint, build, size, load, stand-in bases."""
