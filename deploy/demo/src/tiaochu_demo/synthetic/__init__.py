"""Seeded generators of synthetic persons, cases, papers and registers."""
