"""What routing does: commands, reactions and duties."""
