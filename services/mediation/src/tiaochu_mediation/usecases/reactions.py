"""What mediation does about what intake, routing and the docking gateway said.

Producers' logs arrive in any order between them: whichever event of a case comes first creates the waiting mediation.
"""

from datetime import date
from typing import Any

from tiaochu_kit.usecase import Event, Work, reaction
from tiaochu_mediation.domain.facts import CaseFacts
from tiaochu_mediation.domain.mediation import Mediation
from tiaochu_mediation.usecases.facts import facts_of
from tiaochu_mediation.usecases.notices import Notices
from tiaochu_mediation.usecases.tables import CASE_FACTS, MEDIATIONS

INTAKE, ROUTING, DOCKING = "tiaochu.intake.events.v1.", "tiaochu.routing.events.v1.", "tiaochu.docking.events.v1."
NOT_CONSENTED = {"refused": "party_refused", "unreachable": "unreachable"}
CONCLUDES = frozenset({"terminate", "return_papers", "resume_trial", "deemed_failed"})
"""What a deadline rule asks for when the time to conclude is over (`on_expiry` of CONCLUDE_PM, COURT_MEDIATE and their kin)."""
REASSIGNS = frozenset({"reassign", "reappoint"})
"""`on_expiry` of ACCEPT_ASSIGNMENT and its kin; their clock's `ref_id` is the assignment."""
NEEDS_APPROVAL = "approval_needed"
"""`on_expiry` of SECOND_SESSION."""
BREACHES = "breached"
"""`on_expiry` of PERFORM; its clock's `ref_id` is the obligation."""


def _both(e: Event[Any]) -> list[Any]:
    return [MEDIATIONS.by_id(e.body.case_id), CASE_FACTS.by_id(e.body.case_id)]


def _mediation(work: Work, e: Event[Any], organ_path: str = "") -> Mediation:
    found = work.find(MEDIATIONS, e.body.case_id)
    return found or work.add(MEDIATIONS, Mediation(id=e.body.case_id, district=e.district, organ_path=organ_path))


def _facts(work: Work, e: Event[Any]) -> CaseFacts:
    found = work.find(CASE_FACTS, e.body.case_id)
    return found or work.add(CASE_FACTS, CaseFacts(id=e.body.case_id, district=e.district))


class IntakeReactions:
    """The case came in, was classified, fell away."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices

    @reaction(INTAKE + "CaseRegistered", reads=_both, copies=CASE_FACTS)
    def register(self, work: Work, e: Event[Any]) -> None:
        """A case waits for its acceptance. One of an old register is over already."""
        if e.body.history:
            return
        _mediation(work, e, e.body.first_receiver_organ_path)
        facts = _facts(work, e)
        facts.channel, facts.agency_id, facts.exchange_id = e.body.channel, e.body.agency_id, e.body.exchange_id

    @reaction(INTAKE + "CaseClassified", reads=_both, copies=CASE_FACTS)
    def classify(self, work: Work, e: Event[Any]) -> None:
        """What kind of dispute it is, as of now."""
        facts = _facts(work, e)
        facts.category, facts.difficulty, facts.flags = e.body.category, e.body.difficulty, list(e.body.flags)

    @reaction(INTAKE + "ApplicationWithdrawn", reads=_both)
    def withdraw(self, work: Work, e: Event[Any]) -> None:
        """Nobody is kept at the table (人民调解法 23)."""
        self._end(work, e, "withdrawn")

    @reaction(INTAKE + "CorrectionLapsed", reads=_both)
    def lapse(self, work: Work, e: Event[Any]) -> None:
        """The papers did not come."""
        self._end(work, e, "correction_lapsed")

    @reaction(INTAKE + "ConsentConcluded", reads=_both)
    def conclude_consent(self, work: Work, e: Event[Any]) -> None:
        """A party does not want to, or cannot be found (人民调解法 17)."""
        if e.body.outcome in NOT_CONSENTED:
            self._end(work, e, NOT_CONSENTED[e.body.outcome])

    @reaction(INTAKE + "ApplicantWithdrew", reads=_both)
    def leave(self, work: Work, e: Event[Any]) -> None:
        """One of several applicants left. Whoever did not sit down yet will not be on intake's roster any more."""
        mediation = _mediation(work, e)
        if "party_left" in mediation.allowed_commands() and e.body.party_id in mediation.seated:
            mediation.party_left(party_id=e.body.party_id, at=e.occurred_at)

    def _end(self, work: Work, e: Event[Any], ground: str) -> None:
        """End what has not ended; an agreement that binds is not undone by it."""
        mediation = _mediation(work, e)
        if "end_from_outside" in mediation.allowed_commands():
            notice = self._notices.serve(work, mediation, facts_of(work, mediation), e.occurred_at)
            mediation.end_from_outside(ground=ground, notice=notice, at=e.occurred_at)


class RoutingReactions:
    """The responsible unit decided; a clock ran out."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices

    @reaction(ROUTING + "CaseAccepted", reads=_both)
    def accept(self, work: Work, e: Event[Any]) -> None:
        """There is something to mediate, unless it fell away meanwhile."""
        mediation = _mediation(work, e)
        if "open_mediation" in mediation.allowed_commands():
            mediation.open_mediation(
                organ_id=e.body.organ_id,
                organ_path=e.body.organ_path,
                on_the_spot=e.body.on_the_spot,
                mediation_kind=e.body.mediation_kind,
                at=e.occurred_at,
            )

    @reaction(ROUTING + "CaseDeclined", reads=_both)
    def decline(self, work: Work, e: Event[Any]) -> None:
        """Routing served the notice and ends the case."""
        self._drop(work, e, "declined")

    @reaction(ROUTING + "MergeConfirmed", reads=_both)
    def merge(self, work: Work, e: Event[Any]) -> None:
        """The case goes on inside its master."""
        self._drop(work, e, "merged")

    @reaction(ROUTING + "ClockExpired", reads=_both)
    def expire(self, work: Work, e: Event[Any]) -> None:
        """A period is over. What happened in time but was heard later stands."""
        mediation = work.find(MEDIATIONS, e.body.case_id)
        if mediation is None:
            return
        allowed = mediation.allowed_commands()
        if e.body.on_expiry in CONCLUDES and "expire" in allowed:
            mediation.expire(notice=self._notices.serve(work, mediation, facts_of(work, mediation), e.occurred_at), at=e.occurred_at)
        if e.body.on_expiry in REASSIGNS and "lapse_assignment" in allowed and mediation.awaits_answer_to(e.body.ref_id):
            mediation.lapse_assignment(assignment_id=e.body.ref_id, at=e.occurred_at)
        if e.body.on_expiry == NEEDS_APPROVAL and "require_approval" in allowed and mediation.awaits_second_session:
            mediation.require_approval(at=e.occurred_at)
        if e.body.on_expiry == BREACHES and "breach_obligation" in allowed and mediation.is_owed(e.body.ref_id):
            mediation.breach_obligation(obligation_id=e.body.ref_id, at=e.occurred_at)

    def _drop(self, work: Work, e: Event[Any], ground: str) -> None:
        mediation = _mediation(work, e)
        if "drop" in mediation.allowed_commands():
            mediation.drop(ground=ground, at=e.occurred_at)


class DockingReactions:
    """The court answered."""

    @reaction(DOCKING + "CourtRulingReceived", reads=_both)
    def rule(self, work: Work, e: Event[Any]) -> None:
        """Note the ruling. A ruling on something not asked for is parked: people must look at it."""
        mediation = work.get(MEDIATIONS, e.body.case_id)
        mediation.decide_confirmation(
            agreement_id=e.body.agreement_id,
            ruling=e.body.ruling,
            ruling_no=e.body.ruling_no,
            ruled_on=_day(e.body.ruled_on),
            at=e.occurred_at,
        )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
