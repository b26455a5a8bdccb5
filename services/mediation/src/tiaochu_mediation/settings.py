"""What a cell may set for mediation besides kit's settings: `TIAOCHU_MEDIATION_*`."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class MediationSettings(BaseSettings):
    """Values that are local custom, not law."""

    model_config = SettingsConfigDict(env_prefix="TIAOCHU_MEDIATION_", extra="ignore", frozen=True)

    agreement_number: str = "({year})靖{short}人调字第{serial:04d}号"
    """How an agreement is numbered: `year`, `short` (the organ's short name) and `serial`, which counts by year and short name."""

    remedy_places: dict[str, dict[str, str]] = {}
    """District → what its notices of remedies name: court, legal_aid_phone, arbitration_commission, law_organ."""
