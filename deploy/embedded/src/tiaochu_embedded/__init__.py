"""The embedded stack: real PostgreSQL, real NATS, an issuer, a trace viewer and the services as processes; one command, no root.

`Stack` is the whole; `Postgres` and `Nats` can be had alone.
"""

from tiaochu_embedded.nats import Nats
from tiaochu_embedded.postgres import Database, Postgres
from tiaochu_embedded.problem import Problem

__all__ = ["Database", "Nats", "Postgres", "Problem"]
