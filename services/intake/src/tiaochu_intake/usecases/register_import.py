"""Taking a register in: row by row, each a command of its own, each found again for ever by what it says."""

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import cast

from tiaochu.intake.v1 import case_commands_pb2 as case_pb
from tiaochu.intake.v1 import case_pb2
from tiaochu.intake.v1 import register_import_service_pb2 as pb
from tiaochu_domainkit.clocks import beijing, midnight
from tiaochu_domainkit.errors import DomainError, Kind, invalid
from tiaochu_intake.domain.parties import Particulars
from tiaochu_intake.domain.policies import Policy
from tiaochu_intake.domain.register import Headings, Problem, Row, RowReader, recognise, row_key
from tiaochu_intake.domain.register_cells import Cell
from tiaochu_intake.usecases.ports import Organ, Organs, Policies, receiving_organ
from tiaochu_intake.usecases.registration import ROW_KEY, RegistrationCommands
from tiaochu_kit.database import Database
from tiaochu_kit.executor import Executor
from tiaochu_kit.ids import new_id
from tiaochu_kit.usecase import Context

TITLE_ROWS = 10
"""How far down the headings may stand."""
ACCEPTED, PRESENT, REFUSED = "accepted", "present", "refused"
PASSED_ON = (Kind.UNAVAILABLE, Kind.RESOURCE_EXHAUSTED, Kind.UNAUTHENTICATED)
"""Not the row's fault: the import ends, and is taken up again with the same file."""

_KNOWN_SQL = "SELECT value FROM natural_keys WHERE kind = %s AND key = %s"


@dataclass
class Tally:
    """The summary as it grows."""

    rows: int = 0
    accepted: int = 0
    present: int = 0
    refused: int = 0
    headings: Headings | None = None

    def count(self, report: pb.RowReport) -> pb.RowReport:
        """Count a row's fate."""
        self.rows += 1
        setattr(self, report.outcome, getattr(self, report.outcome) + 1)
        return report

    def summary(self, digest: str) -> pb.RegisterSummary:
        """As it is answered."""
        known = self.headings.written if self.headings else {}
        return pb.RegisterSummary(
            sha256=digest,
            rows=self.rows,
            accepted=self.accepted,
            present=self.present,
            refused=self.refused,
            headings=[pb.RecognisedHeading(heading=word, field=f) for f, word in known.items()],
            unknown_headings=self.headings.unknown if self.headings else (),
        )


@dataclass
class _Import:
    """One register on its way."""

    ctx: Context
    district: str
    header: pb.RegisterHeader
    policy: Policy
    preview: bool
    organs: Mapping[str, Organ] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)

    @property
    def history(self) -> bool:
        return self.header.mode == pb.IMPORT_MODE_HISTORY

    @property
    def today(self) -> date:
        return beijing(self.ctx.now).date()


class RegisterImport:
    """Reads rows and registers them; in a preview it only says what would become of them."""

    def __init__(
        self, database: Database, executor: Executor, registration: RegistrationCommands, organs: Organs, policies: Policies
    ) -> None:
        self._database = database
        self._executor = executor
        self._registration = registration
        self._organs = organs
        self._policies = policies

    async def policy(self, ctx: Context) -> Policy:
        """The limits of the caller's district."""
        return (await self._policies.snapshot()).on(ctx.principal.own_district(), ctx.now)

    async def take(
        self, ctx: Context, header: pb.RegisterHeader, rows: AsyncIterator[tuple[int, list[Cell]]], tally: Tally, *, preview: bool
    ) -> AsyncIterator[pb.RowReport]:
        """The fate of every row that holds anything, in order. Reasons: HEADINGS_NOT_FOUND, HEADING_MISSING, HEADING_TWICE."""
        district = ctx.principal.own_district()
        one = _Import(ctx, district, header, await self.policy(ctx), preview)
        reader: RowReader | None = None
        async for number, cells in rows:
            if reader is None:
                reader = await self._reader(one, cells)
                tally.headings = reader.headings if reader else None
                if reader is None and number > TITLE_ROWS:
                    break
            elif any(cell is not None and cell != "" for cell in cells):
                yield tally.count(await self._row(one, reader, number, cells))
        if reader is None:
            raise invalid("headings", "HEADINGS_NOT_FOUND", "没有找到表头,请检查是否为登记台账")

    async def _reader(self, one: _Import, cells: Sequence[Cell]) -> RowReader | None:
        """A reader of the rows below, if these cells are headings; organs are looked up once, when the sheet names any."""
        headings = recognise(cells, history=one.history)
        if headings is None:
            return None
        if "organ" in headings.columns:
            one.organs = await self._organs.named(one.ctx, one.district)
        return RowReader(headings, today=one.today, history=one.history)

    async def _row(self, one: _Import, reader: RowReader, number: int, cells: Sequence[Cell]) -> pb.RowReport:
        key = row_key(one.district, cells, reader.headings, one.seen)
        found = reader.read(cells)
        if isinstance(found, list):
            return _refusal(number, found)
        try:
            request = await self._request(one, found, key)
            if one.preview:
                return await self._foreseen(one, request, number)
            return await self._registered(one, request, number)
        except DomainError as error:
            if error.kind in PASSED_ON:
                raise
            return _refusal(number, [reader.problem(_field_of(error), error)])

    async def _request(self, one: _Import, row: Row, key: str) -> pb.RegisterRow:
        """The row as a command. Reasons: ORGAN_UNKNOWN, ORGAN_DENIED, MONTH_LOCKED, REGION_REQUIRED."""
        organ = one.organs.get(row.organ) if row.organ else None
        if row.organ and organ is None:
            raise invalid("organ", "ORGAN_UNKNOWN", "组织目录中没有这一单位")
        organ_id, _ = await receiving_organ(self._organs, one.ctx.principal, organ.organ_id if organ else one.header.organ_id, "organ")
        placed = organ or await self._organs.get(organ_id)
        region = row.region or one.header.region_code or (placed.region_code if placed else "")
        if not region:
            raise invalid("region", "REGION_REQUIRED", "须注明纠纷发生地的区划代码")
        if row.result is not None:
            for day in (row.received_on, row.result.closed_on):
                if one.policy.month_is_locked(day):
                    raise invalid("closed_on", "MONTH_LOCKED", f"{day.year}年{day.month}月的统计已锁定,不能补录")
        return _request(row, organ_id, region, key)

    async def _registered(self, one: _Import, request: pb.RegisterRow, number: int) -> pb.RowReport:
        ctx = replace(one.ctx, request_id=new_id())
        responses = case_pb.RegisterCaseResponse
        answer = cast("case_pb.RegisterCaseResponse", await self._executor.run(self._registration.register_row, request, ctx, responses))
        outcome = PRESENT if answer.already_registered else ACCEPTED
        return pb.RowReport(row_number=number, outcome=outcome, case_id=answer.case_id, case_number=answer.case_number)

    async def _foreseen(self, one: _Import, request: pb.RegisterRow, number: int) -> pb.RowReport:
        await self._registration.foresee_row(one.ctx, request)
        async with self._database.transaction() as tx:
            rows = await tx.rows(_KNOWN_SQL, (ROW_KEY, request.row_key))
        if not rows:
            return pb.RowReport(row_number=number, outcome=ACCEPTED)
        case_id, case_number = rows[0][0].split(" ")
        return pb.RowReport(row_number=number, outcome=PRESENT, case_id=case_id, case_number=case_number)


def _request(row: Row, organ_id: str, region: str, key: str) -> pb.RegisterRow:
    case = case_pb.RegisterCaseRequest(
        channel=row.channel,
        first_receiver_organ_id=organ_id,
        region_code=region,
        place=row.place,
        occurred_on=row.occurred_on,
        facts=row.facts,
        category_hint=row.category,
        applicants=_people(row.applicants),
        respondents=_people(row.respondents),
        claims=[case_pb2.ClaimInput(kind="pay", text="台账登记的涉及金额", amount=row.amount)] if row.amount.strip("0.") else [],
    )
    case.received_at.FromDatetime(midnight(row.received_on))
    request = pb.RegisterRow(case=case, row_key=key)
    if row.result is not None:
        r = row.result
        request.result.CopyFrom(
            pb.HistoryResult(
                outcome=r.outcome,
                form=r.form,
                closed_on=r.closed_on.isoformat(),
                performed=r.performed,
                confirmed=r.confirmed,
                category=row.leaf,
            )
        )
    return request


def _people(people: Iterable[Particulars]) -> list[case_pb2.PartyInput]:
    return [
        case_pb2.PartyInput(
            kind=p.kind,
            name=p.name,
            id_type=p.id_type,
            id_number=p.id_number,
            phone=p.phone,
            identity_note=p.identity_note,
            representatives=[
                case_pb2.RepresentativeInput(
                    kind=r.kind, name=r.name, id_type=r.id_type, id_number=r.id_number, phone=r.phone, relation=r.relation
                )
                for r in p.representatives
            ],
        )
        for p in people
    ]


def _refusal(number: int, problems: Sequence[Problem]) -> pb.RowReport:
    told = [pb.RowProblem(column=p.column, reason=p.reason, zh=p.zh) for p in problems]
    return pb.RowReport(row_number=number, outcome=REFUSED, problems=told)


_FIELDS = {
    "region_code": "region",
    "first_receiver_organ_id": "organ",
    "category_hint": "category",
    "claims": "amount",
} | {
    name: name
    for name in ("received_on", "channel", "applicants", "respondents", "category", "facts", "organ", "region", "place", "closed_on")
}
"""Field of a refused registration → field of the register."""
_REASONS = {"ORGAN_DENIED": "organ", "OUTSIDE_DISTRICT": "region"}


def _field_of(error: DomainError) -> str:
    """The field of the register a refused registration is about."""
    path = re.split(r"[\[.]", error.violations[0].path)[0] if error.violations else ""
    return _FIELDS.get(path) or _REASONS.get(error.reason, "facts")
