"""Who may act on a case he sees: the unit that mediates, those above it, and the mediator named.

Seeing is wider than acting: units the case passed, or that help, keep reading it. There a party may still speak: its request that the mediator
withdraw, and its refusal, are taken down at any window that sees the case.
"""

from tiaochu.mediation.v1 import mediation_service_pb2 as pb
from tiaochu_domainkit.errors import DomainError, denied
from tiaochu_kit.principal import Principal
from tiaochu_kit.work import Work
from tiaochu_mediation.domain.mediation import Mediation
from tiaochu_mediation.usecases.tables import MEDIATIONS

WHERE_A_PARTY_SPEAKS = frozenset({"RaiseRecusal", "TerminateMediation"})
"""Commands that can be a party's own act."""


def acted_on(work: Work, case_id: str) -> Mediation:
    """The mediation, for a command of somebody who may act on it. Refusal: NOT_THIS_UNIT."""
    mediation = work.get(MEDIATIONS, case_id)
    refusal = outsider(mediation, work.actor)
    if refusal is not None:
        raise refusal
    return mediation


def outsider(mediation: Mediation, principal: Principal) -> DomainError | None:
    """Why this person may not act on the case, or nothing."""
    above = bool(principal.organ_path) and mediation.organ_path.startswith(principal.organ_path)
    current = mediation.current_assignment
    if above or (current is not None and current.mediator_id == principal.id):
        return None
    return denied("NOT_THIS_UNIT", "another unit mediates this case", "本案由其他单位调解,您只能查看")


def on_behalf(work: Work, mediation: Mediation, action: str, behalf: pb.OnBehalfOf) -> str:
    """Note that a party acted through this member of staff, and how its identity was checked; answers the party."""
    if behalf.party_id:
        work.insert(
            "staff_acts",
            {
                "id": work.new_id(),
                "case_id": mediation.id,
                "district": mediation.district,
                "action": action,
                "party_id": behalf.party_id,
                "identity_check": behalf.identity_check,
                "staff_id": work.actor.id,
                "acted_at": work.now,
            },
        )
    return behalf.party_id
