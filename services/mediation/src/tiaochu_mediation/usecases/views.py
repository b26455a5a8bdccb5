"""The mediation as messages."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from tiaochu.mediation.v1 import mediation_pb2 as shown
from tiaochu_domainkit.calendar import Calendar
from tiaochu_mediation.domain.agreement import Agreement, Obligation
from tiaochu_mediation.domain.mediation import Mediation
from tiaochu_mediation.domain.performing import confirmation_window
from tiaochu_mediation.domain.session import Session
from tiaochu_mediation.usecases.ports import KeptPerformance


def instant(at: datetime | None) -> Timestamp | None:
    """A timestamp, or nothing."""
    if at is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def mediation(m: Mediation) -> shown.Mediation:
    """Everything but texts."""
    return shown.Mediation(
        case_id=m.id,
        etag=str(m.version),
        status=m.status,
        organ_id=m.organ_id,
        organ_path=m.organ_path,
        mediation_kind=m.mediation_kind,
        on_the_spot=m.on_the_spot,
        opened_at=instant(m.opened_at),
        participants=[
            shown.Participant(
                party_id=p.party_id, side=p.side, notice_acknowledged_at=instant(p.notice_at), identity_check=p.identity_check
            )
            for p in m.participants
            if not p.withdrawn
        ],
        assignments=[
            shown.Assignment(
                assignment_id=a.id,
                mediator_id=a.mediator_id,
                chosen_by=a.chosen_by,
                state=a.state,
                relations=a.relations,
                chosen_at=instant(a.chosen_at),
                answered_at=instant(a.answered_at),
            )
            for a in m.assignments
        ],
        recusals=[
            shown.Recusal(
                recusal_id=r.id,
                mediator_id=r.mediator_id,
                party_id=r.party_id,
                state=r.state,
                raised_at=instant(r.raised_at),
                decided_by=r.decided_by,
            )
            for r in m.recusals
        ],
        sessions=[session(s) for s in m.sessions],
        agreements=[
            shown.AgreementSummary(
                agreement_id=a.id,
                agreement_number=a.number,
                form=a.form,
                edition=a.edition,
                partial=a.partial,
                state=a.state,
                effective_at=instant(a.effective_at),
            )
            for a in m.agreements
        ],
        suspension_reason=m.suspension_reason,
        termination_ground=m.termination.ground if m.termination else "",
        follow_ups=[
            shown.FollowUp(
                follow_up_id=f.id,
                side=f.side,
                satisfaction=f.satisfaction,
                performance=f.performance,
                residual_risk=f.residual_risk,
                visited_at=instant(f.visited_at),
            )
            for f in m.follow_ups
        ],
        result=m.result,
        safety="" if m.safety is None else "joint" if m.safety.joint_allowed else "separate",
    )


def session(s: Session) -> shown.Session:
    """A session without texts."""
    return shown.Session(
        session_id=s.id,
        number=s.number,
        state=s.state,
        starts_at=instant(s.starts_at),
        mode=s.mode,
        separate=s.separate,
        result=s.result,
        held_at=instant(s.held_at),
        mediator_id=s.mediator_id,
    )


def agreement(
    m: Mediation, a: Agreement, words: Mapping[str, Any], ledger: Sequence[KeptPerformance], calendar: Calendar, *, identity: bool
) -> shown.Agreement:
    """An agreement with its words and what was performed. `identity`: no court confirms it, so no last day is shown."""
    confirmable = a.effective_at is not None and not identity
    return shown.Agreement(
        agreement_id=a.id,
        case_id=m.id,
        agreement_number=a.number,
        form=a.form,
        edition=a.edition,
        partial=a.partial,
        state=a.state,
        facts=words["facts"],
        terms=words["terms"],
        obligations=[_obligation(o, words["obligations"].get(o.id, {}), ledger) for o in a.obligations],
        marks=[
            shown.Mark(
                signed_as=k.signed_as,
                signer_id=k.signer_id,
                signed_at=instant(k.signed_at),
                method=k.method,
                kind=k.kind,
                scan_file_id=k.scan_file_id,
            )
            for k in a.marks
        ],
        paper_only=a.paper_only,
        effective_at=instant(a.effective_at),
        confirmable_until_on=confirmation_window(a.effective_at, calendar).last_day.isoformat() if confirmable and a.effective_at else "",
        confirmations=[
            shown.Confirmation(
                confirmation_id=c.id,
                agency_id=c.agency_id,
                requested_at=instant(c.requested_at),
                obligation_ids=c.obligation_ids,
                ruling=c.ruling,
                ruling_no=c.ruling_no,
                ruled_on=c.ruled_on.isoformat() if c.ruled_on else "",
            )
            for c in a.confirmations
        ],
        organ_id=m.organ_id,
        mediator_id=m.mediator_id,
        text_sha256=a.text_sha256,
    )


def _obligation(o: Obligation, words: Mapping[str, str], ledger: Sequence[KeptPerformance]) -> shown.Obligation:
    return shown.Obligation(
        obligation_id=o.id,
        kind=o.kind,
        obligor_party_id=o.obligor,
        obligee_party_id=o.obligee,
        amount_fen=o.amount_fen,
        due_on=o.due_on.isoformat() if o.due_on else "",
        instalment=o.instalment,
        detail=words.get("detail", ""),
        condition=words.get("condition", ""),
        evidence=words.get("evidence", ""),
        penalty=words.get("penalty", ""),
        state=o.state,
        performed_fen=o.performed_fen,
        performances=[
            shown.Performance(
                performance_id=p.id,
                amount_fen=p.amount_fen,
                performed_on=p.performed_on.isoformat(),
                proof_file_id=p.proof_file_id,
                confirmed_by_obligee=p.confirmed_by_obligee,
                late=p.late,
            )
            for p in ledger
            if p.obligation_id == o.id
        ],
    )
