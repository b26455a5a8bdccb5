"""The rules of the table, pure: standard library and domainkit only."""
