from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiaochu_domainkit.stages import NAMES, IntakeSlice, MediationSlice, RoutingSlice, Stage, case_stage

Said = tuple[str, str, dict[str, Any]]


def i(name: str, **body: Any) -> Said:
    return "intake", name, body


def r(name: str, **body: Any) -> Said:
    return "routing", name, body


def m(name: str, **body: Any) -> Said:
    return "mediation", name, body


REGISTERED, CLASSIFIED, ACCEPTED = i("CaseRegistered"), i("CaseClassified"), r("CaseAccepted")
OPENED, CHOSEN, TAKEN = m("MediationOpened"), m("MediatorChosen"), m("AssignmentAccepted")
TO_TABLE = (REGISTERED, CLASSIFIED, ACCEPTED, OPENED, CHOSEN, TAKEN)
FAILED_FIRST = (*TO_TABLE, m("SessionHeld", number=1, result="not_agreed"))
TERMINATED = m("MediationTerminated", partly_agreed=False)


def effective(*obligations: str, partial: bool = False) -> Said:
    return m("AgreementEffective", partial=partial, obligations=[SimpleNamespace(obligation_id=o) for o in obligations])


def performed(obligation: str, *, complete: bool = True) -> Said:
    return m("PerformanceRecorded", obligation_id=obligation, complete=complete)


def breached(obligation: str) -> Said:
    return m("ObligationBreached", obligation_id=obligation)


EFFECTIVE = (*TO_TABLE, m("AgreementDrafted"), effective("a", "b"))
PARTIAL = (*TO_TABLE, m("AgreementDrafted"), effective("a", partial=True))
DONE = (*EFFECTIVE, performed("a"), performed("b"), m("AgreementPerformed"))


def stage(said: tuple[Said, ...]) -> Stage:
    slices: dict[str, Any] = {"intake": IntakeSlice(), "routing": RoutingSlice(), "mediation": MediationSlice()}
    for owner, name, body in said:
        slices[owner] = slices[owner].after(f"tiaochu.{owner}.events.v1.{name}", SimpleNamespace(**body))
    return case_stage(slices["intake"], slices["routing"], slices["mediation"])


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((), 10),
        ((REGISTERED,), 20),
        ((REGISTERED, i("CorrectionRequested")), 25),
        ((REGISTERED, i("CorrectionRequested"), i("CorrectionSupplied")), 20),
        ((REGISTERED, i("CorrectionRequested"), i("CorrectionLapsed")), 90),
        ((REGISTERED, CLASSIFIED), 30),
        ((REGISTERED, CLASSIFIED, i("PartyCorrected")), 30),
        ((REGISTERED, CLASSIFIED, r("TransferOffered")), 35),
        ((REGISTERED, CLASSIFIED, r("TransferOffered"), r("TransferReturned")), 30),
        ((REGISTERED, CLASSIFIED, i("ConsentAttempted")), 40),
        ((REGISTERED, CLASSIFIED, i("ConsentAttempted"), i("ConsentConcluded", outcome="refused")), 90),
        ((REGISTERED, CLASSIFIED, i("ConsentAttempted"), i("ConsentConcluded", outcome="consented")), 40),
        ((REGISTERED, CLASSIFIED, i("ConsentAttempted"), i("ConsentConcluded", outcome="consented"), ACCEPTED), 50),
        ((REGISTERED, CLASSIFIED, r("CaseDeclined")), 45),
        ((REGISTERED, CLASSIFIED, r("CaseDeclined"), m("CaseClosed")), 95),
        ((REGISTERED, CLASSIFIED, i("CaseMerged")), 99),
        ((REGISTERED, i("HistoryResultRecorded")), 95),
        (TO_TABLE[:4], 50),
        (TO_TABLE[:5], 55),
        (TO_TABLE, 60),
        ((*TO_TABLE, m("AssignmentDeclined")), 50),
        ((*TO_TABLE, m("RecusalDecided", replaced=True)), 50),
        ((*TO_TABLE, m("RecusalDecided", replaced=False)), 60),
        ((*TO_TABLE, m("MediationSuspended"), m("RecusalDecided", replaced=True)), 68),
        ((*TO_TABLE, m("MediationSuspended"), m("RecusalDecided", replaced=True), m("MediationResumed")), 50),
        ((*TO_TABLE, m("SessionScheduled", number=1)), 60),
        ((*TO_TABLE, m("SessionHeld", number=1, result="agreed")), 65),
        (FAILED_FIRST, 67),
        ((*FAILED_FIRST, m("SessionScheduled", number=2)), 65),
        ((*FAILED_FIRST, m("MediationSuspended")), 68),
        ((*FAILED_FIRST, m("MediationSuspended"), m("MediationResumed")), 67),
        (EFFECTIVE[:-1], 70),
        (EFFECTIVE, 75),
        ((*EFFECTIVE[:-1], effective()), 88),
        ((*EFFECTIVE, performed("a", complete=False)), 80),
        ((*EFFECTIVE, performed("a")), 80),
        ((*EFFECTIVE, breached("a")), 85),
        ((*EFFECTIVE, breached("a"), performed("a", complete=False)), 85),
        ((*EFFECTIVE, breached("a"), performed("a")), 80),
        (DONE, 88),
        ((*EFFECTIVE, m("FollowUpRecorded")), 75),
        ((*DONE, m("FollowUpRecorded")), 92),
        ((*DONE, m("FollowUpRecorded"), m("CaseClosed")), 95),
        ((*DONE, m("CaseClosed"), m("CaseArchived")), 98),
        (PARTIAL, 65),
        ((*PARTIAL, performed("a", complete=False)), 65),
        ((*PARTIAL, m("MediationTerminated", partly_agreed=True)), 75),
        ((*PARTIAL, breached("a"), m("MediationTerminated", partly_agreed=True)), 85),
        ((*PARTIAL, performed("a"), m("MediationTerminated", partly_agreed=True)), 88),
        ((*PARTIAL, m("AgreementDrafted"), effective("b")), 75),
        ((*FAILED_FIRST, TERMINATED), 90),
        ((*FAILED_FIRST, TERMINATED, m("FollowUpRecorded")), 92),
        ((*TO_TABLE, i("ApplicationWithdrawn")), 90),
        # A withdrawal that lost the race against the last signature changes nothing: the agreement binds (人民调解法 31).
        ((*EFFECTIVE, i("ApplicationWithdrawn")), 75),
    ],
)
def test_stage(said: tuple[Said, ...], expected: int) -> None:
    assert stage(said) == expected


@st.composite
def interleavings(draw: st.DrawFn) -> tuple[tuple[Said, ...], tuple[Said, ...]]:
    """One history and the same in which each owner's order is kept and the owners are mixed otherwise."""
    event = st.sampled_from(
        (
            *FAILED_FIRST,
            *EFFECTIVE[-2:],
            i("CorrectionRequested"),
            i("CorrectionSupplied"),
            i("ConsentAttempted"),
            i("ConsentConcluded", outcome="consented"),
            i("ConsentConcluded", outcome="refused"),
            i("ApplicationWithdrawn"),
            i("CaseMerged"),
            r("TransferOffered"),
            r("TransferSigned"),
            r("CaseDeclined"),
            r("ResponsibilityEnded"),
            m("MediationSuspended"),
            m("MediationResumed"),
            TERMINATED,
            effective("c", partial=True),
            performed("a"),
            breached("b"),
            m("CaseClosed"),
        )
    )
    history = tuple(draw(st.lists(event, max_size=25)))
    queues = {owner: [e for e in history if e[0] == owner] for owner in ("intake", "routing", "mediation")}
    mixed = [queues[owner].pop(0) for owner in draw(st.permutations([e[0] for e in history]))]
    return history, tuple(mixed)


@given(interleavings())
def test_the_owners_order_of_arrival_does_not_matter(pair: tuple[tuple[Said, ...], tuple[Said, ...]]) -> None:
    history, mixed = pair
    assert stage(history) == stage(mixed)


def test_every_stage_has_a_name() -> None:
    assert set(NAMES) == set(Stage)
