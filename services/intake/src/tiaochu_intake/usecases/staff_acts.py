"""Parties act through staff: who acted for whom, and how the identity was checked."""

from tiaochu.intake.v1.case_pb2 import OnBehalfOf
from tiaochu_domainkit.errors import invalid
from tiaochu_intake.domain.case import Case
from tiaochu_kit.usecase import Work

CHECKS = ("original_seen", "copy_seen", "known_in_person", "video", "call_back", "agency")


def note_staff_act(work: Work, case: Case, action: str, acting: OnBehalfOf) -> None:
    """Record that the caller acts for a party. `party_id` may be empty where the case has one applicant.

    Reasons: PARTY_UNKNOWN, IDENTITY_CHECK_UNKNOWN.
    """
    if acting.identity_check not in CHECKS:
        raise invalid("on_behalf_of.identity_check", "IDENTITY_CHECK_UNKNOWN", "身份核验方式不在代码表中")
    party_id = acting.party_id or (case.applicants[0].id if len(case.applicants) == 1 else "")
    case.party(party_id)
    work.insert(
        "staff_acts",
        {
            "id": work.new_id(),
            "case_id": case.id,
            "district": case.district,
            "action": action,
            "party_id": party_id,
            "identity_check": acting.identity_check,
            "staff_id": work.actor.id,
            "acted_at": work.now,
        },
    )
