"""Commands, reactions and queries of mediation."""
