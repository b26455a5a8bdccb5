"""Recomputes from the journals what the services must have made of them. Knows the events and the law, and none of the services' code."""
