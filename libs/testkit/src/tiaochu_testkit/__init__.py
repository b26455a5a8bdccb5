"""Fixtures on real servers: PostgreSQL, NATS, a service in a test, object mothers."""
