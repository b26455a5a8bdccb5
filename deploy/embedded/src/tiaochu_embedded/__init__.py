"""The embedded stack: real PostgreSQL, real NATS, an issuer, a trace viewer and the services as processes; one command, no root."""
