"""Taking a dispute in: by a person at a window, a service for an agency, or a row of an old register."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from tiaochu.intake.v1 import case_commands_pb2 as pb
from tiaochu.intake.v1 import case_pb2 as case_pb
from tiaochu.intake.v1 import register_import_service_pb2 as register_pb
from tiaochu_domainkit import categories, quantities, regions, text
from tiaochu_domainkit.clocks import beijing
from tiaochu_domainkit.errors import denied, invalid
from tiaochu_intake.domain import channels, numbers
from tiaochu_intake.domain.case import Case
from tiaochu_intake.domain.channels import INITIATIVE
from tiaochu_intake.domain.entry import Claim, Entry
from tiaochu_intake.domain.history import Result
from tiaochu_intake.domain.parties import Party, check_party, check_sides
from tiaochu_intake.usecases.attachments import Attachment, Attachments
from tiaochu_intake.usecases.documents import CASES
from tiaochu_intake.usecases.particulars import Sealer, typed
from tiaochu_intake.usecases.ports import Organs, receiving_organ
from tiaochu_intake.usecases.staff_acts import note_staff_act
from tiaochu_kit.documents import DOCUMENT_LIMIT
from tiaochu_kit.ids import is_uuid, new_id
from tiaochu_kit.series import NumberSeries
from tiaochu_kit.usecase import Context, NaturalKey, Work, command

AGENCY_KEY, ROW_KEY = "agency_external", "register_row"
ROOM_TO_GROW = 16 * 1024
"""Bytes a document keeps free for what is still to come: attempts, a correction, a classification."""
DOCKED = ("exchange_id", "agency_id", "docking_mode")


@dataclass(frozen=True)
class Registration:
    """A dispute ready to be stored: everything checked, sealed and numbered."""

    case_id: str
    district: str
    entry: Entry
    applicants: tuple[Party, ...]
    respondents: tuple[Party, ...]
    claims: tuple[Claim, ...]
    claim_texts: tuple[str, ...]
    facts: str
    place: str
    files: tuple[Attachment, ...]
    occurred_at: datetime


def _agency_key(r: pb.RegisterCaseRequest) -> list[NaturalKey]:
    """An agency's number is a key for ever, whichever request brings it."""
    return [NaturalKey(AGENCY_KEY, f"{r.agency_id} {r.external_no}")] if r.agency_id and r.external_no else []


class RegistrationCommands:
    """`RegisterCase`, and the same for a row of a register."""

    def __init__(self, sealer: Sealer, organs: Organs, series: NumberSeries, attachments: Attachments) -> None:
        self._sealer = sealer
        self._organs = organs
        self._series = series
        self._attachments = attachments

    async def _prepare(self, ctx: Context, r: pb.RegisterCaseRequest) -> Registration:
        received_at = moment("received_at", r.received_at, ctx.now) if r.HasField("received_at") else ctx.now
        return await self._registration(ctx, r, received_at=received_at, occurred_at=received_at)

    async def _prepare_row(self, ctx: Context, row: register_pb.RegisterRow) -> Registration:
        """A row keeps its original date; the act that starts clocks is the import."""
        r = row.case
        received_at = moment("received_at", r.received_at, ctx.now)
        return await self._registration(ctx, r, received_at=received_at, occurred_at=ctx.now)

    async def foresee_row(self, ctx: Context, row: register_pb.RegisterRow) -> None:
        """Refuse what `register_row` would refuse; nothing is stored, no number is taken."""
        received_at = moment("received_at", row.case.received_at, ctx.now)
        ready = await self._registration(ctx, row.case, received_at=received_at, occurred_at=ctx.now, numbered=False)
        _built(ready, history=row.HasField("result"))

    async def _registration(
        self, ctx: Context, r: pb.RegisterCaseRequest, *, received_at: datetime, occurred_at: datetime, numbered: bool = True
    ) -> Registration:
        if r.case_id and not is_uuid(r.case_id):
            raise invalid("case_id", "ID_MALFORMED", "案件标识应为UUID")
        if not ctx.principal.is_service and any(getattr(r, name) for name in DOCKED):
            raise denied("DOCKING_ONLY", "only the gateway registers for an agency", "只有对接网关可以代单位登记")
        case_id = r.case_id or new_id()
        today = beijing(ctx.now).date()
        region = _region(r.region_code)
        district = ctx.principal.own_district(region[:6])
        organ_id, organ_path = await receiving_organ(self._organs, ctx.principal, r.first_receiver_organ_id)
        if r.category_hint and len(r.category_hint) == 4:
            categories.category(r.category_hint, "category_hint")
        applicants = self._parties(case_id, "applicants", r.applicants, today, applies=True)
        respondents = self._parties(case_id, "respondents", r.respondents, today, applies=False)
        claims = tuple(
            Claim(new_id(), c.kind, quantities.money_fen(f"claims[{n}].amount", c.amount) if c.amount else 0)
            for n, c in enumerate(r.claims)
        )
        claim_texts = tuple(text.clean(f"claims[{n}].text", c.text, 500, min_chars=1) for n, c in enumerate(r.claims))
        facts = text.clean("facts", r.facts, 5000, min_chars=1)
        place = text.clean("place", r.place, 200, lines=False)
        files = await self._attachments.of_new_case(case_id, list(r.file_ids))
        source = channels.source_of(r.channel, r.source)
        occurred_on = quantities.past_date("occurred_on", r.occurred_on, today) if r.occurred_on else None
        check_sides(applicants, respondents, own_initiative=source == INITIATIVE)
        # Everything that can be refused was checked; only now is a number taken.
        series = numbers.series(district, beijing(ctx.now).year, region)
        code = numbers.receipt_code(self._sealer.receipt_secret(case_id))
        entry = Entry(
            number=numbers.case_number(series, await self._series.next(series)) if numbered else "",
            channel=r.channel,
            source=source,
            organ_id=organ_id,
            organ_path=organ_path,
            received_at=received_at,
            registered_at=ctx.now,
            registered_by=ctx.principal.id,
            region_code=region,
            occurred_on=occurred_on,
            category_hint=r.category_hint,
            exchange_id=r.exchange_id,
            agency_id=r.agency_id,
            docking_mode=r.docking_mode,
            external_no=text.clean("external_no", r.external_no, 100, lines=False),
            receipt_index=self._sealer.receipt_index(code),
        )
        return Registration(case_id, district, entry, applicants, respondents, claims, claim_texts, facts, place, files, occurred_at)

    def _parties(self, case_id: str, path: str, parties: Iterable[case_pb.PartyInput], today: date, *, applies: bool) -> tuple[Party, ...]:
        found = []
        for n, party in enumerate(parties):
            given = typed(party)
            if given.party_id and not is_uuid(given.party_id):
                raise invalid(f"{path}[{n}].party_id", "ID_MALFORMED", "当事人标识应为UUID")
            found.append(self._sealer.party(case_id, check_party(f"{path}[{n}]", given, today, applies=applies), new_id))
        return tuple(found)

    def _with_receipt(self, response: pb.RegisterCaseResponse) -> pb.RegisterCaseResponse:
        """The receipt code is drawn again for every answer; it is stored nowhere."""
        response.receipt_code = numbers.printed(numbers.receipt_code(self._sealer.receipt_secret(response.case_id)))
        return response

    @command(reads=_agency_key, before=_prepare, answer=_with_receipt)
    def register_case(self, work: Work, r: pb.RegisterCaseRequest, ready: Registration) -> pb.RegisterCaseResponse:
        """Take a dispute in, or answer the case the same agency number already has."""
        for key in _agency_key(r):
            held = work.holder(key.kind, key.key)
            if held is not None:
                case_id, number = held.split(" ")
                return pb.RegisterCaseResponse(case_id=case_id, case_number=number, already_registered=True)
            work.claim(key.kind, key.key, f"{ready.case_id} {ready.entry.number}")
        case = self._store(work, ready, history=False)
        if r.HasField("on_behalf_of"):
            note_staff_act(work, case, "register_case", r.on_behalf_of)
        return _answer(work, case)

    @command(reads=lambda row: [NaturalKey(ROW_KEY, row.row_key)], before=_prepare_row)
    def register_row(self, work: Work, row: register_pb.RegisterRow, ready: Registration) -> pb.RegisterCaseResponse:
        """Take a row of a register in, or answer the case it already became."""
        held = work.holder(ROW_KEY, row.row_key)
        if held is not None:
            case_id, number = held.split(" ")
            return pb.RegisterCaseResponse(case_id=case_id, case_number=number, already_registered=True)
        work.claim(ROW_KEY, row.row_key, f"{ready.case_id} {ready.entry.number}")
        finished = row.HasField("result")
        case = self._store(work, ready, history=finished)
        if finished:
            case.record_result(_result(row.result, case), work.now)
        return _answer(work, case)

    def _store(self, work: Work, ready: Registration, *, history: bool) -> Case:
        case = _built(ready, history=history)
        work.add(CASES, case)
        note_text(work, case, "facts", "", ready.facts)
        if ready.place:
            note_text(work, case, "place", "", ready.place)
        for claim, words in zip(ready.claims, ready.claim_texts, strict=True):
            note_text(work, case, "claim", claim.id, words)
        for attachment in ready.files:
            attachment.attach(work, case)
        return case


def moment(path: str, stamp: Timestamp, now: datetime) -> datetime:
    """A moment of the past as a request gives it. Reasons: those of `quantities.past_moment`, DATE_UNREAL."""
    try:
        value = stamp.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise invalid(path, "DATE_UNREAL", "该时间不存在") from None
    return quantities.past_moment(path, value, now)


def _built(ready: Registration, *, history: bool) -> Case:
    case = Case.register(
        id=ready.case_id,
        district=ready.district,
        entry=ready.entry,
        applicants=ready.applicants,
        respondents=ready.respondents,
        claims=ready.claims,
        occurred_at=ready.occurred_at,
        history=history,
    )
    _fits(case)
    return case


def note_text(work: Work, case: Case, kind: str, ref: str, body: str) -> None:
    """A free text beside the document."""
    work.insert(
        "case_texts",
        {
            "case_id": case.id,
            "kind": kind,
            "ref": ref,
            "district": case.district,
            "body": body,
            "written_at": work.now,
            "written_by": work.actor.id,
        },
    )


def _answer(work: Work, case: Case) -> pb.RegisterCaseResponse:
    return pb.RegisterCaseResponse(
        case_id=case.id,
        case_number=case.entry.number,
        etag=work.etag(case),
        applicant_ids=[p.id for p in case.applicants],
        respondent_ids=[p.id for p in case.respondents],
    )


def _region(code: str) -> str:
    region = regions.parse(code, "region_code")
    if region.level < regions.Level.COUNTY:
        raise invalid("region_code", "REGION_TOO_WIDE", "纠纷发生地至少应写到县(市、区)")
    return region.code


def _fits(case: Case) -> None:
    try:
        size = len(CASES.encode(case).encode())
    except ValueError:
        size = DOCUMENT_LIMIT
    if size > DOCUMENT_LIMIT - ROOM_TO_GROW:
        raise invalid("applicants", "CASE_TOO_LARGE", "当事人信息过多,请按群体案件登记")


def _result(result: register_pb.HistoryResult, case: Case) -> Result:
    leaf = categories.category(result.category)
    return Result(
        organ_id=case.entry.organ_id,
        organ_path=case.entry.organ_path,
        outcome=result.outcome,
        form=result.form,
        closed_on=date.fromisoformat(result.closed_on),
        performed=result.performed,
        confirmed=result.confirmed,
        category=leaf.code,
        moj_type=leaf.moj_type(),
    )
