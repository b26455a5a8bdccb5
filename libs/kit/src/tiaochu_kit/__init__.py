"""Machinery without a domain word: executor, journal, relay, consumers, timers, access, servers, telemetry."""
