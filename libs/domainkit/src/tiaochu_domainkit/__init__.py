"""What is the same law everywhere: aggregates, codes, calendar, dated rules, masking."""
