"""What mediation asks of other services."""
