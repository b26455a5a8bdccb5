"""What the other services said of a case, and which commands of the intake that forbids.

A copy may forbid only by facts that never become untrue: accepted, declined, an agreement in effect, ended. Whether a transfer is under way is
routing's to judge, not ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tiaochu_domainkit.errors import InvalidTransition
from tiaochu_domainkit.stages import MediationSlice, RoutingSlice, Stage
from tiaochu_intake.domain.case import Case

ACCEPTED, DECLINED, EFFECTIVE, ENDED = "accepted", "declined", "effective", "ended"

FORBIDS: Mapping[str, tuple[str, ...]] = {
    "correct_party": (ENDED,),
    "withdraw_application": (DECLINED, EFFECTIVE, ENDED),
    "classify_case": (ACCEPTED, DECLINED, ENDED),
    "propose_merge": (ACCEPTED, DECLINED, ENDED),
    "request_correction": (ACCEPTED, DECLINED, ENDED),
    "supply_correction": (DECLINED, ENDED),
    "record_consent_attempt": (ACCEPTED, DECLINED, ENDED),
    "attach_file": (ENDED,),
}
"""Command → facts of other services that forbid it."""

ZH = {
    ACCEPTED: "案件已受理,不能再执行该操作",
    DECLINED: "案件已决定不予受理,不能再执行该操作",
    EFFECTIVE: "调解协议已生效,不能再执行该操作",
    ENDED: "案件已结束,不能再执行该操作",
}


@dataclass(frozen=True)
class Elsewhere:
    """The slices of routing and mediation as this service holds them."""

    routing: RoutingSlice = field(default_factory=RoutingSlice)
    mediation: MediationSlice = field(default_factory=MediationSlice)

    def facts(self) -> tuple[str, ...]:
        """The permanent facts among what was said."""
        stage = self.mediation.stage
        found = {
            ACCEPTED: self.routing.accepted or stage >= Stage.ACCEPTED,
            DECLINED: self.routing.declined,
            EFFECTIVE: Stage.EFFECTIVE <= stage <= Stage.PERFORMED,
            ENDED: stage >= Stage.CLOSED or (self.routing.declined and self.routing.ended),
        }
        return tuple(fact for fact, holds in found.items() if holds)

    def forbidden_by(self, command: str) -> str | None:
        """The fact that forbids `command`, or nothing."""
        return next((fact for fact in self.facts() if fact in FORBIDS.get(command, ())), None)


def permit(case: Case, elsewhere: Elsewhere, command: str) -> None:
    """Raise unless the case's own state and what other services decided allow `command`; tells the present state and what it allows."""
    case.require(command)
    fact = elsewhere.forbidden_by(command)
    if fact is not None:
        allowed = tuple(c for c in case.allowed_commands() if c in FORBIDS and elsewhere.forbidden_by(c) is None)
        raise InvalidTransition(command, fact, allowed, ZH[fact])
