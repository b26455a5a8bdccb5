"""The doors by which the demonstration's cases come in: the register's workbook, staff at their windows, the court's gateway."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tiaochu.intake.v1 import register_import_service_pb2 as pb
from tiaochu_demo.driver import Actor, Cast, Clerk, Court, Wire
from tiaochu_demo.scenario import CasePlan, Scenario
from tiaochu_demo.synthetic.register import Register

_CHUNK = 256 * 1024
ACCEPTED, PRESENT, REFUSED = "accepted", "present", "refused"


class Unexpected(Exception):
    """Something answered otherwise than the scenario says."""


@dataclass
class Imported:
    """What became of a register: the case of every good row by its number, and the refused rows with column and reason."""

    cases: dict[int, str] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    refused: set[tuple[int, str, str]] = field(default_factory=set)

    @property
    def is_new(self) -> bool:
        """Whether any row became a case by this import."""
        return bool(self.outcomes.get(ACCEPTED))


async def import_register(
    wire: Wire,
    actor: Actor,
    workbook: Path,
    *,
    mode: pb.ImportMode.ValueType = pb.IMPORT_MODE_OPEN,
    each: Callable[[pb.RowReport], None] = lambda _: None,
) -> Imported:
    """Import a workbook and answer row by row what became of it."""
    found = Imported()
    async for answer in wire.stream(actor, *_parts(pb.ImportRegisterRequest, workbook, mode)):
        if answer.HasField("row"):
            _note(found, answer.row)
            each(answer.row)
    return found


async def preview_register(
    wire: Wire, actor: Actor, workbook: Path, *, mode: pb.ImportMode.ValueType = pb.IMPORT_MODE_OPEN
) -> tuple[Imported, pb.RegisterSummary]:
    """The same checks; stores nothing."""
    found, summary = Imported(), pb.RegisterSummary()
    async for answer in wire.stream(actor, *_parts(pb.PreviewRegisterRequest, workbook, mode)):
        if answer.HasField("row"):
            _note(found, answer.row)
        else:
            summary = answer.summary
    return found, summary


def check_faults(register: Register, imported: Imported) -> None:
    """The rows made wrong on purpose, and no others, were refused with their column and reason. Raises `Unexpected`."""
    wanted = {(f.row, f.column, f.reason) for f in register.faults}
    if imported.refused != wanted:
        raise Unexpected(
            f"register rows refused otherwise than planned: missing {sorted(wanted - imported.refused)}, more {sorted(imported.refused - wanted)}"
        )


def _note(found: Imported, row: pb.RowReport) -> None:
    found.outcomes[row.outcome] = found.outcomes.get(row.outcome, 0) + 1
    if row.outcome == REFUSED:
        found.refused |= {(row.row_number, p.column, p.reason) for p in row.problems}
    else:
        found.cases[row.row_number] = row.case_id


def _parts(request: type[Any], workbook: Path, mode: pb.ImportMode.ValueType) -> list[Any]:
    content = workbook.read_bytes()
    header = request(header=pb.RegisterHeader(name=workbook.name, mode=mode))
    return [header, *(request(chunk=content[start : start + _CHUNK]) for start in range(0, len(content), _CHUNK))]


class Doors:
    """The three doors: each answers the clerk who has the case."""

    def __init__(self, wire: Wire, cast: Cast, scenario: Scenario, imported: Imported, court: Court) -> None:
        self._wire, self._cast, self._court = wire, cast, court
        self._offers = {offer.case.key: offer for offer in scenario.offers}
        self._rows = {case.key: imported.cases[number] for number, case in scenario.register.cases.items() if number in imported.cases}

    async def register(self, plan: CasePlan) -> Clerk:
        """A row of the register is a case already; its first receiver takes it up."""
        return await Clerk.take_up(self._wire, self._cast, self._rows[plan.key], plan.case.first_receiver_organ_id)

    async def staff(self, plan: CasePlan) -> Clerk:
        """Somebody at the first receiver writes it down."""
        return await Clerk.register(self._wire, self._cast, plan.case)

    async def court(self, plan: CasePlan) -> Clerk:
        """The court offers it through the gateway, which has it registered at the organ that receives the court's matters."""
        exchange_id = await self._court.offer(self._offers[plan.key])
        case_id = await self._court.case_of(exchange_id)
        return await Clerk.take_up(self._wire, self._cast, case_id, plan.case.first_receiver_organ_id)
