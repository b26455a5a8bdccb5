"""The derived tables and how they are read."""
