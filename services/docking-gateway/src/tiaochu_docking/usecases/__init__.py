"""Commands, reactions, queries, and the work in the background."""
