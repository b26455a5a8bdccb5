"""Commands and reactions: load, decide, answer."""
