"""Which commands a unit could give on a case now, and why not: read from the transitions and the same checks the commands make."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tiaochu_domainkit.errors import DomainError, refused
from tiaochu_routing.domain.case_facts import CaseFacts
from tiaochu_routing.domain.clock import RUNNING, Clock
from tiaochu_routing.domain.organs import Unit
from tiaochu_routing.domain.responsibility import Responsibility
from tiaochu_routing.domain.transfer import DELEGATE, ESCALATE, REFER

Check = Callable[[Responsibility, Unit, CaseFacts], None]


@dataclass(frozen=True)
class Action:
    """One command: the RPC's name, the command of the table, what it checks before the details of a request."""

    rpc: str
    command: str
    check: Check


def _may_offer(case: Responsibility, by: Unit, facts: CaseFacts) -> None:
    """One direction that is open is enough."""
    refusals = [_refusal(case.may_offer, by, facts, kind) for kind in (REFER, ESCALATE, DELEGATE)]
    if all(refusals) and refusals[0] is not None:
        raise refusals[0]


ACTIONS = (
    Action("OfferTransfer", "offer_transfer", _may_offer),
    Action("SignTransfer", "sign_transfer", lambda case, by, _: case.may_answer_transfer(by)),
    Action("ReturnTransfer", "return_transfer", lambda case, by, _: case.may_answer_transfer(by)),
    Action("DesignateUnit", "designate", lambda case, by, facts: case.may_designate(by, facts)),
    Action("AcceptCase", "accept", lambda case, by, facts: case.may_accept(by, facts)),
    Action("DeclineCase", "decline", lambda case, by, facts: case.may_decline(by, facts)),
    Action("ConfirmMerge", "confirm_merge", lambda case, by, facts: case.may_answer_merge(by, facts)),
    Action("RefuseMerge", "refuse_merge", lambda case, by, facts: case.may_answer_merge(by, facts)),
)


def allowed_actions(case: Responsibility, by: Unit, facts: CaseFacts) -> Iterator[tuple[Action, DomainError | None]]:
    """Every action with the refusal the command would answer now, None where it would be accepted."""
    for action in ACTIONS:
        yield action, _refusal(case.require, action.command) or _refusal(action.check, case, by, facts)


def may_extend(clocks: Iterable[Clock], by: Unit, holder: Unit) -> DomainError | None:
    """Why the unit can extend no clock of a case; None when there is one that it can."""
    running = [clock for clock in clocks if clock.status == RUNNING]
    refusals = [_refusal(clock.may_extend, by, holder) for clock in running]
    if not refusals:
        return refused("NO_CLOCK_RUNNING", "no period runs", "没有正在计算的期限")
    return None if None in refusals else refusals[0]


def _refusal(check: Callable[..., None], *arguments: Any) -> DomainError | None:
    try:
        check(*arguments)
    except DomainError as error:
        return error
    return None
