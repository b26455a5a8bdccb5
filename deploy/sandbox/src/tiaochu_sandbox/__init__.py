"""The sandbox court: a real HTTP program that docks like an agency."""
