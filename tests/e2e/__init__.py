"""End-to-end tests: the whole stack, driven by its public edges alone."""
