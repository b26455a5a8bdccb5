"""What a cell may set for mediation besides kit's settings: `TIAOCHU_MEDIATION_*`."""

from datetime import date, timedelta

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from tiaochu_domainkit.dated import Dated, Entry, PerDistrict

_SINCE_THE_LAW = date(2011, 1, 1)


class SessionNotice(BaseModel):
    """How long before a session its parties are told, from a day on. No law says so: a day, unless a district has another custom."""

    model_config = ConfigDict(frozen=True)

    district: str = ""
    """Empty for every district without a custom of its own."""
    valid_from: date = _SINCE_THE_LAW
    hours: int = Field(ge=0, le=720)


class MediationSettings(BaseSettings):
    """Values that are local custom, not law."""

    model_config = SettingsConfigDict(env_prefix="TIAOCHU_MEDIATION_", extra="ignore", frozen=True)

    agreement_number: str = "({year})靖{short}人调字第{serial:04d}号"
    """How an agreement is numbered: `year`, `short` (the organ's short name) and `serial`, which counts by year and short name."""

    remedy_places: dict[str, dict[str, str]] = {}
    """District → what its notices of remedies name: court, legal_aid_phone, arbitration_commission, law_organ."""

    session_notice: list[SessionNotice] = [SessionNotice(hours=24)]
    """Dated, for every district or for one."""

    def session_notices(self) -> PerDistrict[timedelta]:
        """The customs by district and day. Raises `DomainError` (DATED_OVERLAP) for two that begin on one day."""
        found: dict[str, Dated[timedelta]] = {}
        for custom in sorted(self.session_notice, key=lambda c: c.valid_from):
            value = timedelta(hours=custom.hours)
            before = found.get(custom.district)
            found[custom.district] = before.since(custom.valid_from, value) if before else Dated((Entry(value, custom.valid_from),))
        return PerDistrict(found.pop("", Dated((Entry(timedelta(days=1), _SINCE_THE_LAW),))), found)
