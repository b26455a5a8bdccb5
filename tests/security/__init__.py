"""Hostile input and access, tried on the whole stack through its public edges."""
