"""Figures as ratios: a loader for a million cases, measurements beside their ceilings, plans of every list and search query."""
