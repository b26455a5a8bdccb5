"""Tables and figures derived from everybody's events."""
