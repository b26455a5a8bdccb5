"""A program as the stack expects one: settings by environment, `migrate`, `run`, `/ready`."""
