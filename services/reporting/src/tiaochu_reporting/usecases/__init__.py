"""Folding events, locking months, answering questions."""
