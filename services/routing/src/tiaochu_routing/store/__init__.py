"""Reading the tables of routing."""
