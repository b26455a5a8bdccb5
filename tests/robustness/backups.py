"""The operator's backup and restore, with the same program that an operator uses, on the embedded stack's PostgreSQL."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import psycopg

from tiaochu_embedded.ports import HOST, free_port
from tiaochu_embedded.postgres import SUPERUSER
from tiaochu_embedded.process import command_prefix, unprivileged_account
from tiaochu_embedded.stack import Stack
from tiaochu_testkit.waiting import eventually_blocking

PROGRAM = Path(__file__).parents[2] / "deploy" / "backup" / "tiaochu-backup"
STANDBY = "tiaochu_archive"


class Backups:
    """Backups of one stack's cluster in a folder that only the database's user opens."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._stack = stack
        self.folder = folder
        self._account = unprivileged_account()
        self._receiving: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        self._give(folder)

    # --- taking them

    def begin(self) -> None:
        """Stream the WAL, wait for every commit until it is in the archive, take a base backup."""
        self.receive()
        self.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{STANDBY}'", "SELECT pg_reload_conf()")
        self.run("base", self.folder)

    def receive(self) -> None:
        """Start streaming; returns once the server sees the receiver."""
        log = (self.folder.parent / "receive.log").open("ab")
        command, options = self._command("receive", self.folder)
        self._receiving = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **options)

        def seen() -> bool:
            return bool(self.sql(f"SELECT 1 FROM pg_stat_replication WHERE application_name = '{STANDBY}' AND state = 'streaming'"))

        eventually_blocking(seen, 30)

    def end(self) -> None:
        """Stop streaming."""
        if self._receiving is not None:
            os.killpg(self._receiving.pid, signal.SIGINT)
            self._receiving.wait(20)
            self._receiving = None

    # --- using them

    def aside(self, target: str) -> "Aside":
        """The cluster as it was at a target (see the program), beside the one in use."""
        folder = self.folder / f"aside-{target.replace('/', '-')}"
        port = free_port()
        self.run("aside", self.folder, target, folder, port)
        return Aside(self, folder, port)

    def run(self, *words: object) -> str:
        """One command of the program, to its end."""
        command, options = self._command(*words)
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300, **options)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
        return str(done.stdout.strip())

    def sql(self, *statements: str) -> list[tuple[object, ...]]:
        """Statements as the superuser, each by itself; the rows of the last."""
        with psycopg.connect(self._stack.parts.postgres.admin_dsn(), autocommit=True) as admin:
            *_, last = [admin.execute(statement.encode()) for statement in statements]
            return last.fetchall() if last.description else []

    def lose_the_disk(self) -> None:
        """The server dies and its folder is gone."""
        self._stack.kill("postgres")
        shutil.rmtree(self._stack.parts.postgres.folder)

    def put_back(self, aside: "Aside") -> None:
        """What was restored aside becomes the cluster."""
        aside.stop()
        configuration = aside.folder / "postgresql.auto.conf"
        kept = [line for line in configuration.read_text().splitlines() if not line.startswith(("restore_", "recovery_", "hot_standby"))]
        configuration.write_text("\n".join([*kept, "synchronous_standby_names = ''"]) + "\n")
        aside.folder.rename(self._stack.parts.postgres.folder)
        self._stack.restart("postgres")

    def pg_ctl_stop(self, folder: Path) -> None:
        """Stop a server that was restored aside."""
        command, options = self._as_user(["pg_ctl", "stop", "--silent", "--mode=fast", f"--pgdata={folder}"])
        subprocess.run(command, check=True, capture_output=True, **options)

    def _command(self, *words: object) -> tuple[list[str], dict[str, Any]]:
        return self._as_user([str(PROGRAM), *map(str, words)])

    def _as_user(self, words: list[str]) -> tuple[list[str], dict[str, Any]]:
        postgres = self._stack.parts.postgres
        prefix, changes_user = command_prefix(self._account, (PROGRAM.parent, postgres.programs, self.folder))
        environment = {
            "PATH": f"{postgres.programs}:{os.environ['PATH']}",
            "PGHOST": HOST,
            "PGPORT": str(postgres.port),
            "PGUSER": SUPERUSER,
            "PGPASSWORD": self._stack.parts.vault.password("postgres/superuser").read_text(),
        }
        options: dict[str, Any] = {"env": environment, "cwd": self.folder}
        if self._account is not None and not changes_user:
            options |= {"user": self._account.uid, "group": self._account.gid, "extra_groups": []}
        return [*prefix, *words], options

    def _give(self, folder: Path) -> None:
        if self._account is not None:
            os.chown(folder, self._account.uid, self._account.gid)


class Aside:
    """A cluster restored to a moment, running beside the one in use."""

    def __init__(self, backups: Backups, folder: Path, port: int) -> None:
        self._backups = backups
        self.folder, self.port = folder, port

    def load(self, database: str) -> None:
        """Put one of its databases in the place of that in use."""
        self._backups.run("load", self.port, database)

    def stop(self) -> None:
        """End it; its folder stays."""
        self._backups.pg_ctl_stop(self.folder)
