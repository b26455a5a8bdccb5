"""PgBouncer in transaction mode between the services and their databases: Debian's package, `apt-get install pgbouncer`."""

import os
import shutil
from pathlib import Path

from tiaochu_embedded.ports import HOST, free_port, listens
from tiaochu_embedded.process import Child, Launch, unprivileged_account, wait_until
from tiaochu_embedded.stack import Stack

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
_CONFIGURATION = """
[databases]
* = host={host} port={postgres}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 8
max_client_conn = 400
ignore_startup_parameters = extra_float_digits
"""


class Pooler:
    """One PgBouncer before a stack's PostgreSQL. Each server connection serves whatever transaction comes next, so nothing of a session lasts."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._stack, self.folder, self.port = stack, folder, free_port()
        self._child: Child | None = None

    def start(self) -> None:
        """Start it and return when it listens."""
        assert PROGRAM is not None
        account = unprivileged_account()
        self.folder.mkdir(exist_ok=True)
        postgres = self._stack.parts.postgres
        users = [postgres.database(service) for service in self._stack.topology.services]
        (self.folder / "users").write_text("".join(f'"{user.role}" "{user.password_file.read_text()}"\n' for user in users))
        configuration = self.folder / "pgbouncer.ini"
        configuration.write_text(_CONFIGURATION.format(host=HOST, postgres=postgres.port, port=self.port, folder=self.folder))
        for file in (self.folder, configuration, self.folder / "users"):
            if account is not None:
                os.chown(file, account.uid, account.gid)
        command = [PROGRAM, str(configuration)]
        self._child = Launch(command, self._stack.folder.log("pgbouncer"), account=account, reaches=(self.folder,)).start()
        assert wait_until(lambda: listens(self.port), 10), self._child.last_words()

    def kill(self) -> None:
        """SIGKILL."""
        if self._child is not None:
            self._child.kill()

    def put_before(self, service: str) -> None:
        """Start a service again with its database behind the pooler, and without prepared statements of the server."""
        url = f"postgresql://{service}@{HOST}:{self.port}/{service}"
        self._stack.restart(service, TIAOCHU_DATABASE_URL=url, TIAOCHU_DATABASE_PREPARE="false")
