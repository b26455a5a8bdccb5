"""One trace through everything, and what a command costs."""
