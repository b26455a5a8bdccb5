"""The rules of routing, pure."""
