"""The tables of mediation, read."""
