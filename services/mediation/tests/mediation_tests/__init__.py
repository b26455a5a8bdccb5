"""Tests of mediation: one package, so that its mothers are shared. They stand in `table`."""
