"""The mediation, whole: which commands each state allows, and what each needs besides."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tiaochu_domainkit.aggregate import Transition, Transitions
from tiaochu_mediation.domain.agreeing import Agreeing, may_draft, something_agreed
from tiaochu_mediation.domain.assigning import Assigning, decides_on_another, must_be_named
from tiaochu_mediation.domain.closing import Closing
from tiaochu_mediation.domain.sitting import Sitting, approval_is_due, approved_beyond_two, session_appointed
from tiaochu_mediation.domain.state import Check, must_be_mediator, no_recusal_pending, notices_acknowledged
from tiaochu_mediation.domain.states import (
    AGREED,
    ASSIGNED,
    BREACHED,
    CLOSED,
    DROPPED,
    EFFECTIVE,
    FOLLOWED_UP,
    IN_SESSION,
    OPENED,
    PERFORMED,
    PERFORMING,
    PREPARING,
    SETTLED,
    STUDY,
    SUSPENDED,
    TABLE,
    TERMINATED,
    WAITING,
)

_WITH_MEDIATOR = (ASSIGNED, PREPARING, IN_SESSION, STUDY, SUSPENDED, AGREED)
_ENDS = (TERMINATED, *SETTLED)


@dataclass(kw_only=True)
class Mediation(Assigning, Sitting, Agreeing, Closing):
    """One mediation a case, from registration to closing."""

    TRANSITIONS: ClassVar[Transitions] = {
        "open_mediation": Transition((WAITING,), (OPENED,)),
        "drop": Transition((WAITING,), (DROPPED,)),
        "choose_mediator": Transition((OPENED, ASSIGNED), (ASSIGNED,)),
        "accept_assignment": Transition((ASSIGNED,), (PREPARING,)),
        "decline_assignment": Transition((ASSIGNED, PREPARING, IN_SESSION, STUDY, AGREED), (OPENED,)),
        "lapse_assignment": Transition((ASSIGNED,), (OPENED,)),
        "raise_recusal": Transition(_WITH_MEDIATOR, (*_WITH_MEDIATOR, OPENED)),
        "decide_recusal": Transition(_WITH_MEDIATOR, (*_WITH_MEDIATOR, OPENED)),
        "acknowledge_notice": Transition(
            (OPENED, ASSIGNED, PREPARING, IN_SESSION, STUDY), (OPENED, ASSIGNED, PREPARING, IN_SESSION, STUDY)
        ),
        "record_safety_check": Transition(
            (OPENED, ASSIGNED, PREPARING, IN_SESSION, STUDY), (OPENED, ASSIGNED, PREPARING, IN_SESSION, STUDY)
        ),
        "schedule_session": Transition((PREPARING, IN_SESSION, STUDY), (PREPARING, IN_SESSION)),
        "require_approval": Transition((PREPARING, IN_SESSION, STUDY, SUSPENDED), (PREPARING, IN_SESSION, STUDY, SUSPENDED)),
        "approve_session": Transition((PREPARING, IN_SESSION, STUDY), (PREPARING, IN_SESSION, STUDY)),
        "hold_session": Transition((PREPARING, IN_SESSION), (IN_SESSION, STUDY)),
        "suspend": Transition((PREPARING, IN_SESSION, STUDY), (SUSPENDED,)),
        "resume": Transition((SUSPENDED,), (OPENED, PREPARING, IN_SESSION, STUDY)),
        "draft_agreement": Transition((OPENED, PREPARING, IN_SESSION, AGREED), (AGREED,)),
        "sign_agreement": Transition((AGREED,), (AGREED, IN_SESSION, *SETTLED)),
        "terminate": Transition(TABLE, _ENDS),
        "end_from_outside": Transition((WAITING, *TABLE), (*_ENDS, CLOSED)),
        "expire": Transition((OPENED, ASSIGNED, PREPARING, IN_SESSION, STUDY, SUSPENDED), _ENDS),
        "party_left": Transition(TABLE, TABLE),
        "request_confirmation": Transition((*TABLE, *SETTLED), (*TABLE, *SETTLED)),
        "decide_confirmation": Transition((*TABLE, *SETTLED, FOLLOWED_UP, CLOSED), (*TABLE, *SETTLED, FOLLOWED_UP, CLOSED)),
        "record_performance": Transition((*TABLE, EFFECTIVE, PERFORMING, BREACHED), (*TABLE, *SETTLED)),
        "breach_obligation": Transition((*TABLE, EFFECTIVE, PERFORMING, BREACHED), (*TABLE, *SETTLED)),
        "record_follow_up": Transition((*SETTLED, TERMINATED, FOLLOWED_UP), (EFFECTIVE, PERFORMING, BREACHED, FOLLOWED_UP)),
        "close": Transition((BREACHED, PERFORMED, TERMINATED, FOLLOWED_UP), (CLOSED,)),
    }

    CHECKS: ClassVar[Mapping[str, tuple[Check, ...]]] = {
        "accept_assignment": (must_be_named,),
        "decline_assignment": (must_be_named,),
        "decide_recusal": (decides_on_another,),
        "schedule_session": (approved_beyond_two,),
        "approve_session": (approval_is_due,),
        "hold_session": (must_be_mediator, no_recusal_pending, session_appointed, notices_acknowledged),
        "draft_agreement": (may_draft, no_recusal_pending, something_agreed, notices_acknowledged),
    }

    NEEDS_AGREEMENT: ClassVar[frozenset[str]] = frozenset(
        {"request_confirmation", "decide_confirmation", "record_performance", "breach_obligation"}
    )
