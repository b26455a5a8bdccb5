"""The dockings of this release, as data."""
