"""What other services' events mean here: facts of cases, and with them packets to agencies."""

from collections.abc import Sequence
from typing import Any

from tiaochu_docking.domain.case_file import CaseFile, Fact
from tiaochu_docking.usecases.documents import CASE_FILES
from tiaochu_docking.usecases.issuing import order
from tiaochu_kit.documents import Read
from tiaochu_kit.usecase import Event, Work, reaction

INTAKE = "tiaochu.intake.events.v1."
ROUTING = "tiaochu.routing.events.v1."
MEDIATION = "tiaochu.mediation.events.v1."


def _file(e: Event[Any]) -> Sequence[Read]:
    return [CASE_FILES.by_id(e.body.case_id)]


def _file_and_master(e: Event[Any]) -> Sequence[Read]:
    return [CASE_FILES.by_id(e.body.case_id), CASE_FILES.by_id(e.body.master_case_id)]


def _known(work: Work, case_id: str, e: Event[Any]) -> CaseFile:
    case_file = work.find(CASE_FILES, case_id) or work.add(CASE_FILES, CaseFile.of(case_id, e.district))
    case_file.traceparent = e.headers.get("traceparent", "")
    return case_file


def _planned(work: Work, case_file: CaseFile) -> None:
    order(work, case_file.plan(), case_file.id, case_file.district)


class IntakeReactions:
    """Registration, classification, merging."""

    @reaction(INTAKE + "CaseRegistered", reads=_file)
    def registered(self, work: Work, e: Event[Any]) -> None:
        """A case that came by an exchange; usually known since the offer, except after a restore."""
        if e.body.exchange_id:
            case_file = _known(work, e.body.case_id, e)
            case_file.join(e.body.exchange_id)
            _planned(work, case_file)

    @reaction(INTAKE + "CaseClassified", reads=_file)
    def classified(self, work: Work, e: Event[Any]) -> None:
        """The category decides whether a court may confirm."""
        _known(work, e.body.case_id, e).category = e.body.category

    @reaction(INTAKE + "CaseMerged", reads=_file_and_master)
    def merged(self, work: Work, e: Event[Any]) -> None:
        """Every door gets its own answer: the merged case's exchanges are answered with the master's outcome."""
        merged = work.find(CASE_FILES, e.body.case_id)
        if merged is not None and merged.exchanges:
            master = _known(work, e.body.master_case_id, e)
            for exchange_id in merged.exchanges:
                master.join(exchange_id)
            _planned(work, master)


class RoutingReactions:
    """The responsible unit's decision."""

    @reaction(ROUTING + "CaseDeclined", reads=_file)
    def declined(self, work: Work, e: Event[Any]) -> None:
        """Not accepted: the matter goes back."""
        case_file = _known(work, e.body.case_id, e)
        case_file.declined = Fact(e.occurred_at, {"ground": e.body.ground, "suggested": e.body.suggested_organ_id})
        _planned(work, case_file)


class MediationReactions:
    """What happens at the table."""

    @reaction(MEDIATION + "AssignmentAccepted", reads=_file)
    def accepted(self, work: Work, e: Event[Any]) -> None:
        """The mediator accepted: signed for. A later mediator changes nothing."""
        case_file = _known(work, e.body.case_id, e)
        case_file.accepted = case_file.accepted or Fact(e.occurred_at)
        _planned(work, case_file)

    @reaction(MEDIATION + "AgreementEffective", reads=_file)
    def agreed(self, work: Work, e: Event[Any]) -> None:
        """An agreement binds; if it is whole, the mediation is over."""
        case_file = _known(work, e.body.case_id, e)
        case_file.agreement = Fact(
            e.occurred_at,
            {"agreement_id": e.body.agreement_id, "number": e.body.agreement_number, "partial": "yes" if e.body.partial else ""},
        )
        _planned(work, case_file)

    @reaction(MEDIATION + "MediationTerminated", reads=_file)
    def terminated(self, work: Work, e: Event[Any]) -> None:
        """Ended without (further) agreement."""
        case_file = _known(work, e.body.case_id, e)
        case_file.terminated = Fact(
            e.occurred_at, {"ground": e.body.ground, "before_acceptance": "yes" if e.body.before_acceptance else ""}
        )
        _planned(work, case_file)

    @reaction(MEDIATION + "SessionHeld", reads=_file)
    def session_held(self, work: Work, e: Event[Any]) -> None:
        """A session."""
        self._course(work, e, f"session:{e.body.session_id}", {"event": "session_held", "number": str(e.body.number)})

    @reaction(MEDIATION + "MediationSuspended", MEDIATION + "MediationResumed", reads=_file)
    def paused(self, work: Work, e: Event[Any]) -> None:
        """A pause begins or ends."""
        word = "suspended" if e.type.endswith("Suspended") else "resumed"
        self._course(work, e, f"{word}:{e.id}", {"event": word})

    def _course(self, work: Work, e: Event[Any], occasion: str, values: dict[str, str]) -> None:
        case_file = _known(work, e.body.case_id, e)
        case_file.course.setdefault(occasion, Fact(e.occurred_at, values))
        _planned(work, case_file)

    @reaction(MEDIATION + "ConfirmationRequested", reads=_file)
    def confirmation_requested(self, work: Work, e: Event[Any]) -> None:
        """Both parties applied to the court; its content is read when it is sent."""
        case_file = _known(work, e.body.case_id, e)
        occasion = f"confirm:{e.body.confirmation_id or e.body.agreement_id}"
        if occasion not in case_file.planned:
            case_file.planned.append(occasion)
            work.call("confirm", f"{e.body.case_id}|{e.body.agreement_id}|{e.body.agency_id}", e.district)
