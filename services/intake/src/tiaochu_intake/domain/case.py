"""A dispute as it came in (案件): who, what, by which door; what it is; whether the parties are willing."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar

from tiaochu_domainkit.aggregate import Aggregate, Transition, Transitions
from tiaochu_domainkit.errors import invalid, refused
from tiaochu_domainkit.stages import IntakeSlice
from tiaochu_intake.domain import consent, events, parties
from tiaochu_intake.domain.channels import INITIATIVE
from tiaochu_intake.domain.classification import Classification
from tiaochu_intake.domain.consent import Attempt, Persistence
from tiaochu_intake.domain.correction import CORRECTION_ITEMS, Correction
from tiaochu_intake.domain.entry import Claim, Entry
from tiaochu_intake.domain.files import FileFacts
from tiaochu_intake.domain.history import Result
from tiaochu_intake.domain.parties import Party

REGISTERED, SUPPLEMENTING, CLASSIFIED = "registered", "supplementing", "classified"
CONSULTING, CONSENTED, STOPPED = "consulting", "consented", "stopped"
WITHDRAWN, MERGED, HISTORY = "withdrawn", "merged", "history"
BEFORE_END = (REGISTERED, SUPPLEMENTING, CLASSIFIED, CONSULTING, CONSENTED, STOPPED)
LIVE = (REGISTERED, SUPPLEMENTING, CLASSIFIED, CONSULTING, CONSENTED)


@dataclass(frozen=True)
class Merge:
    """A proposal that this case is the same dispute as another. `state`: proposed, merged, dropped."""

    master_case_id: str
    state: str


@dataclass(kw_only=True)
class Case(Aggregate):
    """One entry of the register. `facts` and other free texts are rows of their own."""

    TRANSITIONS: ClassVar[Transitions] = {
        "correct_party": Transition(BEFORE_END, BEFORE_END),
        "withdraw_application": Transition(LIVE, (*LIVE, WITHDRAWN)),
        "classify_case": Transition((REGISTERED, CLASSIFIED), (CLASSIFIED,)),
        "propose_merge": Transition((REGISTERED, CLASSIFIED), (REGISTERED, CLASSIFIED)),
        "request_correction": Transition((REGISTERED, CLASSIFIED), (SUPPLEMENTING,)),
        "supply_correction": Transition((SUPPLEMENTING,), (REGISTERED, CLASSIFIED)),
        "record_consent_attempt": Transition((CLASSIFIED, CONSULTING), (CONSULTING, CONSENTED, STOPPED)),
        "attach_file": Transition(BEFORE_END, BEFORE_END),
        # Not commands of people: what routing and the clock decided.
        "merge": Transition((*BEFORE_END, WITHDRAWN), (MERGED,)),
        "drop_merge": Transition((*BEFORE_END, WITHDRAWN), (*BEFORE_END, WITHDRAWN)),
        "lapse_correction": Transition((SUPPLEMENTING,), (STOPPED,)),
        "record_result": Transition((REGISTERED,), (HISTORY,)),
    }

    entry: Entry
    applicants: list[Party]
    respondents: list[Party]
    claims: list[Claim] = field(default_factory=list)
    classification: Classification | None = None
    correction: Correction | None = None
    attempts: list[Attempt] = field(default_factory=list)
    consent: str = ""
    merge_state: Merge | None = None
    result: Result | None = None
    file_count: int = 0

    @classmethod
    def register(
        cls,
        *,
        id: str,  # noqa: A002 - the field of every aggregate
        district: str,
        entry: Entry,
        applicants: Sequence[Party],
        respondents: Sequence[Party],
        claims: Sequence[Claim],
        occurred_at: datetime,
        history: bool = False,
    ) -> "Case":
        """A new case. `occurred_at` is the moment of the act from which clocks run; `entry.received_at` may be earlier still.

        Reasons: those of `parties.check_sides`, REGION_OUTSIDE_DISTRICT.
        """
        parties.check_sides(applicants, respondents, own_initiative=entry.source == INITIATIVE)
        if not entry.region_code.startswith(district):
            raise invalid("region_code", "REGION_OUTSIDE_DISTRICT", "纠纷发生地不在本辖区")
        case = cls(
            id=id,
            district=district,
            status=REGISTERED,
            entry=entry,
            applicants=list(applicants),
            respondents=list(respondents),
            claims=list(claims),
        )
        everybody = [*applicants, *respondents]
        persons = sum(p.kind == parties.PERSON for p in everybody)
        case.record(
            events.CaseRegistered(
                case_id=id,
                case_number=entry.number,
                channel=entry.channel,
                source=entry.source,
                first_receiver_organ_id=entry.organ_id,
                first_receiver_organ_path=entry.organ_path,
                first_received_at=entry.received_at,
                region_code=entry.region_code,
                occurred_on=entry.occurred_on,
                applicant_count=len(applicants),
                respondent_count=len(respondents),
                person_count=persons,
                organisation_count=len(everybody) - persons,
                amount_fen=case.amount_fen,
                category_hint=entry.category_hint,
                history=history,
                exchange_id=entry.exchange_id,
                agency_id=entry.agency_id,
                docking_mode=entry.docking_mode,
            ),
            occurred_at,
        )
        return case

    # What is asked of a case

    @property
    def organ_path(self) -> str:
        """The first receiver's place: who is at or above it sees the case, whoever holds it today."""
        return self.entry.organ_path

    @property
    def amount_fen(self) -> int:
        """The sum of the claims."""
        return sum(claim.amount_fen for claim in self.claims)

    @property
    def parties(self) -> list[Party]:
        """Both sides, applicants first."""
        return [*self.applicants, *self.respondents]

    def side(self, party_id: str) -> str:
        """`applicant` or `respondent`."""
        return parties.APPLICANT if any(p.id == party_id for p in self.applicants) else parties.RESPONDENT

    def party(self, party_id: str) -> Party:
        """The party. Reason: PARTY_UNKNOWN."""
        found = next((p for p in self.parties if p.id == party_id), None)
        if found is None:
            raise invalid("party_id", "PARTY_UNKNOWN", "案件中没有这一当事人")
        return found

    def slice(self) -> IntakeSlice:
        """What this service says of the stage."""
        return IntakeSlice(
            registered=True,
            classified=self.classification is not None,
            correction=self.correction.state if self.correction else "",
            consent=self.consent or ("asked" if self.attempts else ""),
            withdrawn=self.status == WITHDRAWN,
            merged=self.status == MERGED,
            history=self.result is not None,
        )

    def must_consent(self) -> list[Party]:
        """Who must be asked: the respondents, and the applicants too where nobody applied (主动调解); nobody about a finished case."""
        if self.result is not None:
            return []
        asked = self.respondents if self.entry.source != INITIATIVE else self.parties
        return [p for p in asked if not p.withdrawn]

    def standing(self, party: Party, persistence: Persistence) -> str:
        """Where a party stands, empty where it need not be asked."""
        return consent.standing(self.attempts, party.id, persistence) if party in self.must_consent() else ""

    # Commands

    def correct_party(self, party: Party, at: datetime) -> tuple[str, ...]:
        """Put corrected particulars in place of the stored ones; answers the names of the fields that changed.

        Reasons: PARTY_UNKNOWN, PARTY_KIND_FIXED, NOTHING_CHANGED, PARTY_BOTH_SIDES, PARTY_TWICE.
        """
        self.require("correct_party")
        before = self.party(party.id)
        if before.kind != party.kind:
            raise invalid("party.kind", "PARTY_KIND_FIXED", "当事人的类型不能更改")
        changed = parties.changed_fields(before, party)
        if not changed:
            raise refused("NOTHING_CHANGED", "the corrected particulars equal the stored ones", "更正内容与原内容相同")
        applicants = [party if p.id == party.id else p for p in self.applicants]
        respondents = [party if p.id == party.id else p for p in self.respondents]
        parties.check_sides(applicants, respondents, own_initiative=self.entry.source == INITIATIVE)
        self.applicants, self.respondents = applicants, respondents
        self.record(events.PartyCorrected(self.id, party.id, changed), at)
        return changed

    def withdraw_application(self, party_id: str, reason: str, at: datetime) -> int:
        """One applicant withdraws; answers how many remain. With the last one the application ends.

        Reasons: PARTY_UNKNOWN, NOT_AN_APPLICANT, ALREADY_WITHDRAWN.
        """
        self.require("withdraw_application")
        party = self.party(party_id)
        if party not in self.applicants:
            raise refused("NOT_AN_APPLICANT", "only an applicant withdraws the application", "只有申请人可以撤回申请")
        if party.withdrawn:
            raise refused("ALREADY_WITHDRAWN", "this applicant withdrew before", "该申请人已经撤回申请")
        self.applicants = [replace(p, withdrawn=True) if p.id == party_id else p for p in self.applicants]
        remaining = sum(not p.withdrawn for p in self.applicants)
        if remaining:
            self.record(events.ApplicantWithdrew(self.id, party_id, reason, remaining), at)
        else:
            self.status = WITHDRAWN
            self.record(events.ApplicationWithdrawn(self.id, party_id, reason), at)
        return remaining

    def classify_case(self, classification: Classification, region_code: str, at: datetime) -> None:
        """Say what the dispute is; may be said anew until the case is accepted or a party is asked. Reason: REGION_OUTSIDE_DISTRICT."""
        self.require("classify_case")
        region = region_code or self.entry.region_code
        if not region.startswith(self.district):
            raise invalid("region_code", "REGION_OUTSIDE_DISTRICT", "纠纷发生地不在本辖区")
        self.classification = classification
        self.status = CLASSIFIED
        c = classification
        self.record(
            events.CaseClassified(
                case_id=self.id,
                category=c.category,
                category_detail=c.category_detail,
                moj_type=c.moj_type,
                mediable=c.mediable,
                difficulty=c.difficulty,
                scale=c.scale,
                flags=c.flags,
                risk=c.risk,
                single_legal_relation=c.single_legal_relation,
                region_code=region,
            ),
            at,
        )

    def propose_merge(self, master: "Case", at: datetime) -> None:
        """Propose that this case is the same dispute as `master`; routing decides.

        Reasons: MERGE_SAME_CASE, MERGE_PENDING, MERGE_MASTER_ENDED, MERGE_OTHER_DISTRICT.
        """
        self.require("propose_merge")
        if master.id == self.id:
            raise refused("MERGE_SAME_CASE", "a case is not merged into itself", "案件不能与自身合并")
        if self.merge_state is not None and self.merge_state.state == "proposed":
            raise refused("MERGE_PENDING", "a merge is proposed already", "已提出合并,等待确认")
        if master.district != self.district:
            raise refused("MERGE_OTHER_DISTRICT", "cases of two districts are linked, not merged", "不同辖区的案件不能合并")
        if master.status not in LIVE:
            raise refused("MERGE_MASTER_ENDED", "the master has ended or was merged itself", "主案已结束或已并入其他案件")
        self.merge_state = Merge(master.id, "proposed")
        self.record(events.MergeProposed(self.id, master.id), at)

    def merge(self, master_case_id: str, at: datetime) -> None:
        """Routing confirmed: this entry goes on under the master. It keeps its number, its clocks and its right to an answer."""
        self.require("merge")
        self.merge_state = Merge(master_case_id, "merged")
        self.status = MERGED
        self.record(events.CaseMerged(self.id, master_case_id), at)

    def drop_merge(self, master_case_id: str, ground: str, at: datetime) -> None:
        """Routing refused, or the proposal fell away."""
        self.require("drop_merge")
        self.merge_state = Merge(master_case_id, "dropped")
        self.record(events.MergeDropped(self.id, master_case_id, ground), at)

    def request_correction(self, items: tuple[str, ...], by: str, at: datetime) -> None:
        """Ask for missing papers, once (一次性告知). Reasons: CORRECTION_ITEM_UNKNOWN, CORRECTION_ASKED_BEFORE."""
        self.require("request_correction")
        if set(items) - set(CORRECTION_ITEMS):
            raise invalid("items", "CORRECTION_ITEM_UNKNOWN", "补正事项不在代码表中")
        if self.correction is not None:
            raise refused("CORRECTION_ASKED_BEFORE", "missing papers are asked for once", "补正只能要求一次")
        self.correction = Correction(items, at, by, "open", self.status)
        self.status = SUPPLEMENTING
        self.record(events.CorrectionRequested(self.id, items), at)

    def supply_correction(self, at: datetime) -> None:
        """The papers came; the case goes on where it was."""
        self.require("supply_correction")
        correction = self._correction("supplied")
        self.status = correction.before
        self.record(events.CorrectionSupplied(self.id), at)

    def lapse_correction(self, at: datetime) -> None:
        """The papers did not come in time and the party was silent: as if withdrawn."""
        self.require("lapse_correction")
        self._correction("lapsed")
        self.status = STOPPED
        self.record(events.CorrectionLapsed(self.id), at)

    def _correction(self, state: str) -> Correction:
        if self.correction is None:
            raise refused("CORRECTION_NOT_ASKED", "no papers were asked for", "没有要求补正")
        self.correction = replace(self.correction, state=state)
        return self.correction

    def record_consent_attempt(
        self, party_id: str, channel: str, outcome: str, persistence: Persistence, *, by: str, at: datetime
    ) -> Attempt:
        """Note an attempt to ask a party, and decide when all who must be asked are decided.

        Reasons: PARTY_UNKNOWN, CONSENT_NOT_NEEDED, CONSENT_CHANNEL_UNKNOWN, CONSENT_OUTCOME_UNKNOWN, ATTEMPTS_TOO_MANY.
        """
        self.require("record_consent_attempt")
        party = self.party(party_id)
        if party not in self.must_consent():
            raise refused("CONSENT_NOT_NEEDED", "this party consented by applying, or withdrew", "该当事人无需征询意愿")
        if channel not in consent.CHANNELS:
            raise invalid("channel", "CONSENT_CHANNEL_UNKNOWN", "征询方式不在代码表中")
        if outcome not in consent.OUTCOMES:
            raise invalid("outcome", "CONSENT_OUTCOME_UNKNOWN", "征询结果不在代码表中")
        number = 1 + sum(a.party_id == party_id for a in self.attempts)
        if number > consent.MAX_ATTEMPTS:
            raise refused("ATTEMPTS_TOO_MANY", "this party was asked too often", "征询次数已达上限")
        attempt = Attempt(party_id, number, channel, outcome, at, by)
        self.attempts = [*self.attempts, attempt]
        self.status = CONSULTING
        self.record(events.ConsentAttempted(self.id, party_id, number, channel, outcome), at)
        self._conclude_consent(persistence, at)
        return attempt

    def _conclude_consent(self, persistence: Persistence, at: datetime) -> None:
        decided = consent.conclusion(consent.standing(self.attempts, p.id, persistence) for p in self.must_consent())
        if decided:
            self.consent = decided
            self.status = CONSENTED if decided == consent.CONSENTED else STOPPED
            self.record(events.ConsentConcluded(self.id, decided), at)

    def attach_file(self, file: FileFacts, at: datetime) -> None:
        """An uploaded file becomes part of the case. Reasons: PARTY_UNKNOWN, FILE_PARTY_REQUIRED (一方保密的材料须注明提供方), FILES_TOO_MANY."""
        self.require("attach_file")
        self._add_file(file, at)

    def _add_file(self, file: FileFacts, at: datetime) -> None:
        if file.party_id:
            self.party(file.party_id)
        file.check(self.file_count)
        self.file_count += 1
        self.record(
            events.FileAttached(self.id, file.file_id, file.kind, file.confidentiality, file.party_id, file.size, file.salted_sha256), at
        )

    def record_result(self, result: Result, at: datetime) -> None:
        """The result of a finished case of an old register; nothing is open about it."""
        self.require("record_result")
        self.result = result
        self.status = HISTORY
        self.record(
            events.HistoryResultRecorded(
                case_id=self.id,
                organ_id=result.organ_id,
                organ_path=result.organ_path,
                outcome=result.outcome,
                form=result.form,
                closed_on=result.closed_on,
                performed=result.performed,
                confirmed=result.confirmed,
                category=result.category,
                moj_type=result.moj_type,
            ),
            at,
        )
