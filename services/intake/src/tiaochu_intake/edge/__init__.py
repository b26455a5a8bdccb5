"""Streams in and out: files and registers."""
