"""The notice of remedies (救济途径告知, F11): composed, kept, and named by version and hash."""

from collections.abc import Mapping
from datetime import datetime

from tiaochu_domainkit.clocks import beijing
from tiaochu_domainkit.remedies import EndedAs, defaults
from tiaochu_kit.work import Work
from tiaochu_mediation.domain.ending import Notice
from tiaochu_mediation.domain.facts import CaseFacts
from tiaochu_mediation.domain.mediation import Mediation
from tiaochu_mediation.usecases import texts

PLACES_TO_TURN_TO: Mapping[str, str] = {
    "court": "有管辖权的人民法院",
    "legal_aid_phone": "法律援助机构(12348)",
    "arbitration_commission": "劳动人事争议仲裁委员会",
    "law_organ": "有权处理的政法机关",
}
"""What a notice names where the district has put nothing more exact."""
UNCLASSIFIED = "99"
"""What ended before it was classified is told the ways open to everybody."""


class Notices:
    """Composes the notices of a cell. `places`: district → what its notices name (`MediationSettings.remedy_places`)."""

    def __init__(self, places: Mapping[str, Mapping[str, str]]) -> None:
        self._places = places

    def serve(self, work: Work, mediation: Mediation, facts: CaseFacts, at: datetime) -> Notice:
        """Compose the notice for a case that ends at `at`, and keep it as it was served."""
        composed = defaults().notice(
            facts.category or UNCLASSIFIED,
            EndedAs.TERMINATED,
            {**PLACES_TO_TURN_TO, **self._places.get(mediation.district, {}), "ended_on": beijing(at).date()},
            flags=facts.flags,
            channel=facts.channel,
        )
        text = texts.keep(work, mediation, texts.NOTICE, composed.text)
        return Notice(composed.version, text.id, text.sha256)
