"""Local custom is dated, for every district or for one."""

from datetime import date, timedelta

import pytest

from tiaochu_mediation.settings import MediationSettings

from .table import refusal  # noqa: TID252 - tests of one package


def test_a_day_unless_a_district_has_another_custom_from_a_day_on(monkeypatch: pytest.MonkeyPatch) -> None:
    customs = (
        '[{"district": "329901", "valid_from": "2026-03-01", "hours": 72}, {"district": "329901", "valid_from": "2026-06-01", "hours": 0}]'
    )
    monkeypatch.setenv("TIAOCHU_MEDIATION_SESSION_NOTICE", customs)
    notices = MediationSettings().session_notices()
    days = {date(2026, 2, 28): 24, date(2026, 3, 1): 72, date(2026, 5, 31): 72, date(2026, 6, 1): 0}
    assert {day: notices.at("329901", day) for day in days} == {day: timedelta(hours=h) for day, h in days.items()}
    assert notices.at("329902", date(2026, 3, 1)) == timedelta(days=1)


def test_two_customs_from_one_day_on_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "TIAOCHU_MEDIATION_SESSION_NOTICE", '[{"hours": 1, "valid_from": "2026-03-01"}, {"hours": 2, "valid_from": "2026-03-01"}]'
    )
    with refusal("DATED_OVERLAP"):
        MediationSettings().session_notices()
