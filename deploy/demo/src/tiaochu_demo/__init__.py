"""Synthetic data and the demonstration that feeds it through the public doors."""
