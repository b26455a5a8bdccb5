"""The rules of docking, pure."""
