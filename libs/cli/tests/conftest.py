"""Journals written by hand, and one embedded stack for the whole session."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from google.protobuf import message_factory
from google.protobuf.message import Message
from typer.testing import CliRunner

from tiaochu.log.v1.log_service_pb2 import Head, LoggedEvent
from tiaochu_cli.audit.journals import Journals
from tiaochu_cli.events import FILES
from tiaochu_cli.main import app
from tiaochu_embedded.stack import Stack
from tiaochu_kit.ids import new_id
from tiaochu_kit.log import GENESIS, chain

DISTRICT = "329901"
BEGIN = datetime(2026, 9, 1, 1, 0, tzinfo=UTC)
SERVICES = ("intake", "routing", "mediation", "docking", "reporting")


def body_of(name: str, fields: dict[str, Any]) -> Message:
    """A message of an event by its short name."""
    descriptor = next(file.DESCRIPTOR.message_types_by_name[name] for file in FILES if name in file.DESCRIPTOR.message_types_by_name)
    message = message_factory.GetMessageClass(descriptor)()
    for field_name, value in fields.items():
        if isinstance(value, datetime):
            getattr(message, field_name).FromDatetime(value)
        elif isinstance(value, list):
            getattr(message, field_name).extend(value)
        else:
            setattr(message, field_name, value)
    return message


@dataclass
class Books:
    """Writes events into journals as the services would: in positions, hashed, one version each."""

    journals: Journals = field(default_factory=lambda: Journals(heads=dict.fromkeys(SERVICES, ())))
    now: datetime = BEGIN
    versions: dict[str, int] = field(default_factory=dict)

    def write(self, service: str, name: str, *, subject: str = "", occurred_at: datetime | None = None, **fields: Any) -> Message:
        """Append one event, a second after the one before it."""
        self.now += timedelta(seconds=1)
        body = body_of(name, fields)
        log = self.journals.logs[service, DISTRICT]
        position, previous = len(log) + 1, log[-1].event.hash if log else GENESIS
        aggregate = f"{service}:{fields.get('clock_id') or fields.get('exchange_id') or fields.get('case_id')}"
        self.versions[aggregate] = self.versions.get(aggregate, 0) + 1
        occurred = occurred_at or self.now
        row = (new_id(), body.DESCRIPTOR.full_name, aggregate, self.versions[aggregate], subject or fields.get("case_id", ""), DISTRICT)
        payload = body.SerializeToString(deterministic=True)
        running = chain(previous, position, (*row, occurred, self.now, "{}", payload))
        event = LoggedEvent(
            district=DISTRICT,
            position=position,
            previous_hash=previous,
            hash=running,
            event_id=row[0],
            type=row[1],
            aggregate_id=row[2],
            version=row[3],
            subject=row[4],
            headers="{}",
            payload=payload,
        )
        event.occur_time.FromDatetime(occurred)
        event.record_time.FromDatetime(self.now)
        self.journals.add(service, [event])
        self.journals.heads[service] = [Head(district=DISTRICT, position=position, hash=running)]
        return body

    def wait(self, **span: int) -> None:
        """Let time pass."""
        self.now += timedelta(**span)


@pytest.fixture
def books() -> Books:
    """Empty journals of all services."""
    return Books()


@dataclass
class Told:
    """What a run of the command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return orjson.loads(self.out)


Run = Callable[..., Told]


@pytest.fixture(scope="session")
def run() -> Run:
    """`run("case", "show", CASE, stdin="")`: the command as a shell would run it, without a stack."""

    def invoke(*arguments: str, stdin: str = "", **environment: str) -> Told:
        result = CliRunner().invoke(app, [*map(str, arguments)], input=stdin, env=environment)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Told(result.exit_code, result.stdout, result.stderr)

    return invoke


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All services, real."""
    with Stack(tmp_path_factory.mktemp("stack"), SERVICES) as running:
        yield running


@pytest.fixture(scope="session")
def directory_folder() -> Path:
    """The synthetic city's directory as files."""
    import tiaochu_demo.directory  # noqa: PLC0415 - its files, not its code

    return Path(str(tiaochu_demo.directory.__file__)).parent / "data"
