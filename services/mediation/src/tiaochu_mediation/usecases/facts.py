"""What intake said of a case, as commands see it."""

from tiaochu_kit.usecase import Work
from tiaochu_mediation.domain.facts import CaseFacts
from tiaochu_mediation.domain.mediation import Mediation
from tiaochu_mediation.usecases.tables import CASE_FACTS


def facts_of(work: Work, mediation: Mediation) -> CaseFacts:
    """The copy, or an empty one while intake's news did not arrive. Commands for which that matters read intake's log to its head first."""
    found = work.find(CASE_FACTS, mediation.id)
    return found if found is not None else CaseFacts(id=mediation.id, district=mediation.district)
