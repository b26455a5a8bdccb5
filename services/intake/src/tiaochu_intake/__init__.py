"""The dispute as it came in."""
