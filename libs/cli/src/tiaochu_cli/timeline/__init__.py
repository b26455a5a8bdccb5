"""A case told as a story."""
