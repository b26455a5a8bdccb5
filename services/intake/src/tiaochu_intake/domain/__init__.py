"""The rules of the intake: standard library and domainkit only."""
