"""Every flow that takes personal data in: windows, the register's workbook, the court, the table; what is refused and what is done."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from google.protobuf import message_factory
from google.protobuf.message import Message

from privacy.marks import EVERYTHING, MAILBOX, MARK, NAME, NUMBERS, PHONES, Planting, babble, text_of
from tiaochu.intake.v1 import case_commands_pb2 as intake
from tiaochu.intake.v1 import case_queries_pb2 as queries
from tiaochu.log.v1 import log_service_pb2 as log_pb
from tiaochu_cli import rpcs
from tiaochu_demo import feed
from tiaochu_demo.driver import Actor, Cast, Clerk, Court, Mediator, Refused, Unit
from tiaochu_demo.driver.clerk import party_input
from tiaochu_demo.driver.mediator import Promise
from tiaochu_demo.driver.rpcs import roles_of
from tiaochu_demo.prepare import OPERATOR
from tiaochu_demo.synthetic.casebook import Casebook
from tiaochu_demo.synthetic.court import CourtOffer, court_offers
from tiaochu_demo.synthetic.model import Party, SyntheticCase
from tiaochu_demo.synthetic.register import HEADINGS, build_register, write_workbook
from tiaochu_domainkit.clocks import beijing
from tiaochu_sandbox.gateway import new_id

VILLAGE, TOWN = "v001001", "t001"
NEIGHBOURS = "0201"
SERVICES = ("intake", "routing", "mediation", "docking", "reporting")
ROWS = 20
"""Rows of the register; row 18 has a wrong check digit."""
NOT_AT_RANDOM = frozenset(
    {"LockMonth", "ImportDirectory", "PutPolicy", "PutClockRule", "LoadCalendarYear", "PutRoutingRule", "ChangeKeywords"}
)
"""Commands that would change the district for everybody."""


@dataclass
class Life:
    """Drives the flows. What was answered to refused input is in `wire.refusals`."""

    wire: Planting
    cast: Cast
    court: Court
    folder: Path

    def __post_init__(self) -> None:
        rng = Random(self.wire.now().isoformat())
        self._rng = rng
        self._book = Casebook(self.cast.directory, rng, beijing(self.wire.now()).date())

    # --- the window and the table

    async def to_the_end(self) -> Unit:
        """A case from the window through recusal, sessions and agreement to the court's confirmation, performance and closing."""
        case, clerk = await self._registered(TOWN, files=1)
        await self._looked_at(clerk)
        await clerk.ask_for_papers()
        await clerk.take_papers()
        await self._corrected(clerk, case)
        await clerk.classify(case)
        unit = await self._handed_over(clerk)
        for party_id in await clerk.must_be_asked():
            await clerk.attempt(party_id, "undecided")
            await clerk.attempt(party_id, "consented", channel="in_person")
        await unit.accept()
        mediator = await self._seated(clerk, unit)
        await self._sat(mediator, "not_agreed")
        await mediator.suspend()
        await mediator.resume()
        await self._sat(mediator, "not_agreed", study=f"研究{MARK}")
        await unit.approve_session("再调一次", besides=mediator.person_id)
        await self._sat(mediator, "agreed")
        promise = Promise("pay", 100_000, beijing(self.wire.now()).date() + timedelta(days=6), "分一次付清")
        draft = await mediator.draft((promise,))
        await mediator.sign(draft)
        await mediator.apply_for_confirmation(draft, self.court.agency_id)

        async def ruling() -> str:
            return str((await mediator.agreement(draft.agreement_id)).confirmations[-1].ruling)

        await mediator.matter.until(ruling, bool, "the court's ruling")
        await mediator.perform(draft, 0)
        await mediator.visit("performed")
        await mediator.close()
        return unit

    async def otherwise(self) -> None:
        """Cases that end early: declined, withdrawn, without agreement, returned twice and designated."""
        case, clerk = await self._registered(VILLAGE)
        await clerk.classify(case)
        unit = Unit(clerk.matter, clerk.organ_id)
        await unit.lead()
        await unit.decline("other")

        _, clerk = await self._registered(VILLAGE)
        await clerk.withdraw()

        case, clerk = await self._registered(VILLAGE)
        await clerk.classify(case)
        unit = Unit(clerk.matter, clerk.organ_id)
        await unit.lead()
        await clerk.win_consent()
        await unit.accept()
        mediator = await self._named(unit)
        await mediator.accept()
        await mediator.tell_rights()
        await mediator.check_safety()
        await self._sat(mediator, "not_agreed")
        await mediator.terminate("wide_gap")

        case, clerk = await self._registered(TOWN)
        await clerk.classify(case)
        holder = Unit(clerk.matter, clerk.organ_id)
        lead = Unit(clerk.matter, await holder.lead())
        for _ in range(2):
            await lead.give_back(await holder.offer(lead.organ.id))
        centre = Unit(clerk.matter, self._organ("centre").id)
        await centre.designate(lead.organ.id)

    async def _registered(self, receiver: str, *, files: int = 0) -> tuple[SyntheticCase, Clerk]:
        case = self._write(receiver, files=files)
        return case, await Clerk.register(self.wire, self.cast, case)

    def _write(self, receiver: str, *, files: int = 0) -> SyntheticCase:
        organ, today = self._organ(receiver), beijing(self.wire.now()).date()
        case = self._book.write(MARK, NEIGHBOURS, "window", organ, received_on=today, difficulty="simple", risk="none", files=files)
        number = self._rng.randrange(len(NUMBERS) // 2)
        applicant = _marked(case.applicants[0], number)
        respondent = _marked(case.respondents[0], number + len(NUMBERS) // 2)
        papers = tuple(replace(f, name=f"{MARK}{f.name}", content=f.content + f"\n%{EVERYTHING}\n".encode()) for f in case.files)
        between = replace(case, applicants=(applicant,), respondents=(respondent,), files=papers)
        return replace(between, scale="01", flags=(), single_legal_relation=True)

    async def _looked_at(self, clerk: Clerk) -> None:
        """Queries that carry words, and the look at numbers in clear."""
        await clerk.ask(queries.SearchCasesRequest(text=NAME))
        await clerk.ask(queries.SearchCasesRequest(text=PHONES[0]))
        await clerk.ask(queries.SuggestCategoryRequest(text=EVERYTHING))
        await clerk.duplicates()
        await clerk.ask(queries.GetReceiptRequest(case_id=clerk.matter.case_id))
        request = intake.UnmaskParticularsRequest(case_id=clerk.matter.case_id, party_ids=clerk.matter.applicants, purpose="contact")
        await clerk.ask(request)

    async def _corrected(self, clerk: Clerk, case: SyntheticCase) -> None:
        party = party_input(replace(case.applicants[0], name=f"{NAME}甲", phone=PHONES[-1]))
        party.party_id = clerk.matter.applicants[0]
        await clerk.ask(intake.CorrectPartyRequest(case_id=clerk.matter.case_id, party=party))

    async def _handed_over(self, clerk: Clerk) -> Unit:
        holder = Unit(clerk.matter, clerk.organ_id)
        lead = Unit(clerk.matter, await holder.lead())
        await lead.sign(await holder.offer(lead.organ.id))
        return lead

    async def _seated(self, clerk: Clerk, unit: Unit) -> Mediator:
        """A mediator from elsewhere is recused on request, one of the unit follows."""
        stranger = await self._named(unit, own=False)
        await stranger.accept()
        await clerk.raise_recusal(stranger.person_id, clerk.matter.applicants[0])
        clerk.matter.barred.add(stranger.person_id)
        mediator = await self._named(unit)
        await mediator.accept()
        await mediator.tell_rights()
        answer = await clerk.raise_recusal(mediator.person_id, clerk.matter.applicants[0])
        await unit.decide_recusal(answer.recusal_id, replaced=False, besides=mediator.person_id)
        return mediator

    async def _named(self, unit: Unit, *, own: bool = True) -> Mediator:
        ranked = await unit.ranked()
        chosen = next((m for m in ranked if unit.has(m.mediator_id) is own), ranked[0])
        await unit.choose_mediator(chosen.mediator_id, chosen_by="ranking" if own else "parties")
        return Mediator(unit.matter, chosen.mediator_id, unit.organ.id)

    async def _sat(self, mediator: Mediator, result: str, *, study: str = "") -> None:
        session = await mediator.appoint(self.wire.now() + timedelta(seconds=5), waived=True, study=study)
        self.wire.clock.step(1800)
        await mediator.hold(session, result)

    # --- the register

    async def imported(self) -> feed.Imported:
        """A workbook with marked rows, good and bad, previewed and imported."""
        register = build_register(self.cast.directory, self._rng.randrange(10**9), beijing(self.wire.now()).date())
        rows = [[_marked_cell(heading, row[heading]) for heading in HEADINGS] for row in register.rows[:ROWS]]
        rows[1][HEADINGS.index("纠纷类别")] = EVERYTHING
        rows[2][HEADINGS.index("受理单位")] = EVERYTHING
        rows[3][HEADINGS.index("涉及金额")] = EVERYTHING
        rows[4][HEADINGS.index("登记日期")] = EVERYTHING
        rows[5][HEADINGS.index("电话")] = f"{PHONES[0]}9"
        workbook = write_workbook(self.folder / f"台账{MARK}.xlsx", HEADINGS, rows)
        actor = self.cast.role("dispatcher")
        reports: list[str] = []
        await feed.preview_register(self.wire, actor, workbook)
        found = await feed.import_register(self.wire, actor, workbook, each=lambda row: reports.append(str(list(row.problems))))
        self.wire.refusals += reports
        broken = self.folder / f"坏{MARK}.xlsx"
        broken.write_bytes(EVERYTHING.encode())
        try:
            await feed.import_register(self.wire, actor, broken)
        except Refused as refused:
            self.wire.refusals.append(text_of(refused))
        return found

    # --- the court

    async def offered(self) -> str:
        """A marked matter of the court, registered and declined; answers its case."""
        offer = self._offer()
        exchange_id = await self.court.offer(offer)
        case_id = await self.court.case_of(exchange_id)
        clerk = await Clerk.take_up(self.wire, self.cast, case_id, offer.case.first_receiver_organ_id)
        await clerk.classify(offer.case)
        unit = Unit(clerk.matter, clerk.organ_id)
        await unit.lead()
        await unit.decline("already_handled")
        return case_id

    async def refused_at_the_door(self) -> list[int]:
        """Packets and papers that the gateway refuses; answers the statuses."""
        gateway = self.court.gateway()
        packet = {
            "data": {
                "packet_id": new_id(),
                "kind": "offer",
                "content": {"facts": EVERYTHING, "parties": [{"name": NAME, "id_no": NUMBERS[0]}]},
            }
        }
        bodies = (
            json.dumps({"type": "cn.tiaochu.docking.court.offer.v1", **packet}, ensure_ascii=False).encode(),
            json.dumps({"type": EVERYTHING, EVERYTHING: EVERYTHING}, ensure_ascii=False).encode(),
            json.dumps(EVERYTHING, ensure_ascii=False).encode(),
            f'{{"data": "{EVERYTHING}'.encode(),
        )
        statuses = []
        for body in bodies:
            ident = new_id()
            for headers in (gateway.signed(ident, body), gateway.signed(ident, body + b" ")):
                answer = await gateway.write("POST", "/exchanges", body, headers)
                self.wire.refusals.append(answer.text)
                statuses.append(answer.status_code)
        upload = await gateway.upload(f"{MARK}.exe", EVERYTHING.encode())
        self.wire.refusals.append(upload.text)
        for path in (f"/exchanges/{new_id()}", f"/exchanges/{MARK}", f"/files/{MARK}", f"/{MARK}"):
            self.wire.refusals.append((await gateway.read(path)).text)
        return [*statuses, upload.status_code]

    def _offer(self) -> CourtOffer:
        today = beijing(self.wire.now()).date()
        offers = court_offers(self.cast.directory, self._rng.randrange(10**9), today, round_number=self._rng.randrange(10, 10**6))
        offer = next(o for o in offers if o.channel == "push" and len(o.case.parties) == 2)
        content: dict[str, Any] = json.loads(json.dumps(offer.content, ensure_ascii=False))
        content["facts"] += MARK
        content["place"] = f"{MARK}路1号"
        for claim in content["claims"]:
            claim["text"] += MARK
        for party in content["parties"]:
            party |= {"name": party["name"] + MARK, "address": f"{MARK}路2号", "e_address": f"{MAILBOX}@example.invalid"}
            if "phone" in party:
                party["phone"] = PHONES[1]
        files = tuple(replace(f, name=f"{MARK}{f.name}") for f in offer.case.files)
        return replace(offer, content=content, case=replace(offer.case, flags=(), files=files))

    # --- everything else, refused

    async def babbled(self) -> int:
        """Every RPC asked with what gives everything away in every text; answers how many refused it."""
        refused = 0
        for method in rpcs._methods().values():
            if method.client_streaming or method.server_streaming:
                continue
            for plausible in (False, True):
                if plausible and method.name in NOT_AT_RANDOM:
                    continue
                request = babble(message_factory.GetMessageClass(method.input_type)(), plausible=plausible)
                owner = rpcs.service_of(method)
                for service in SERVICES if owner == "log" else (owner,):
                    refused += await self._refused(request, service, roles_of(method))
        return refused

    async def _refused(self, request: Message, service: str, roles: frozenset[str]) -> bool:
        try:
            await self.wire.ask(self._somebody(roles), request, service=service, patience=0)
        except Refused:
            return True
        return False

    async def traced(self, traceparent: str) -> None:
        """One more call to every service, in a trace of its own: when its spans were collected, all before it were."""
        self.wire.traceparent = traceparent
        for service in SERVICES:
            await self.wire.ask(OPERATOR, log_pb.ReadHeadsRequest(), service=service)
        self.wire.traceparent = ""

    def _somebody(self, roles: frozenset[str]) -> Actor:
        for role in sorted(roles):
            try:
                return self.cast.role(role)
            except LookupError:
                continue
        return self.cast.role("dispatcher")

    def _organ(self, code: str) -> Any:
        return self.cast.directory.organs_by_code[code]


def _marked(party: Party, number: int) -> Party:
    return replace(
        party,
        kind="person",
        name=f"{NAME}{'甲乙丙丁戊己'[number]}",
        id_type="resident_id",
        id_number=NUMBERS[number],
        sex="",
        born_on=None,
        phone=PHONES[number],
        address=f"{MARK}路{number}号",
        electronic_address=f"{MAILBOX}{number}@example.invalid",
        occupation=f"{MARK}工",
        care=(),
        representatives=(),
    )


def _marked_cell(heading: str, value: Any) -> Any:
    match heading:
        case "申请人" | "被申请人":
            return "、".join(f"{name}{MARK}" for name in str(value).split("、"))
        case "简要案情" | "备注":
            return f"{value}{MARK}"
        case _:
            return value
