import dataclasses
import json
from datetime import date, datetime, timedelta

import pytest

from tiaochu_domainkit.calendar import published
from tiaochu_domainkit.clocks import BEIJING, Length, Unit, due
from tiaochu_domainkit.deadlines import DeadlineRule, RuleBook, book_of, defaults, parse_rule, rule_row
from tiaochu_domainkit.errors import DomainError, Kind

TODAY = date(2026, 11, 24)
CHANGE = date(2026, 4, 15)

LENGTHS = {
    "TRIAGE": "1wd",
    "CONTACT_PARTY": "3wd",
    "CORRECTION": "5wd",
    "SIGN_TRANSFER": "2wd",
    "OBJECT_TRANSFER": "5wd",
    "ACCEPT_ASSIGNMENT": "3wd",
    "ACCEPT_ASSIGNMENT_VILLAGE": "1wd",
    "CONCLUDE_PM": "30cd",
    "SECOND_SESSION": "7wd",
    "COURT_APPOINT": "3wd",
    "COURT_MEDIATE": "30cd",
    "COURT_MEDIATE_ORDINARY": "15cd",
    "COURT_MEDIATE_SUMMARY": "7cd",
    "CONFIRM_WINDOW": "30cd",
    "COURT_ACCEPT": "3cd",
    "COURT_DECIDE": "15cd",
    "PERFORM": "10cd",
    "FOLLOW_UP": "30cd",
    "LABOUR_MEDIATE": "15cd",
    "LABOUR_LIMITATION": "1year",
    "CONSUMER_HANDLE": "7wd",
    "CONSUMER_MEDIATE": "60cd",
    "PETITION_ROUTE": "15cd",
    "PETITION_FINISH": "60cd",
    "MEDICAL_MEDIATE": "30wd",
    "MAJOR_REPORT": "2h",
}


@pytest.mark.parametrize(("code", "length"), LENGTHS.items())
def test_lengths_of_the_defaults(code: str, length: str) -> None:
    assert str(defaults().find(code, TODAY).length) == length


def ends(code: str, trigger: date) -> date:
    rule = defaults().find(code, trigger)
    return due(datetime(trigger.year, trigger.month, trigger.day, 9, tzinfo=BEIJING), rule.length, published()).last_day


def test_the_consumer_rule_that_changed() -> None:
    """Accepted on the last day of Order 20: 45 working days, to 18 June. A day later: 60 days, to Sunday 14 June, so to the 15th."""
    assert ends("CONSUMER_MEDIATE", CHANGE - timedelta(days=1)) == date(2026, 6, 18)
    assert ends("CONSUMER_MEDIATE", CHANGE) == date(2026, 6, 15)
    assert defaults().find("CONSUMER_MEDIATE", CHANGE).version == "CONSUMER_MEDIATE@2026-04-15"


def test_days_of_the_traffic_regulation_are_working_days() -> None:
    """Article 112(5): over the Spring Festival ten 日 last from 13 February to 5 March, and not to the 23rd."""
    traffic = [rule for rule in defaults().on(TODAY) if rule.docking == "traffic"]
    assert len(traffic) == 3
    assert {rule.length.unit for rule in traffic} == {Unit.WD}
    assert ends("TRAFFIC_APPLY", date(2026, 2, 13)) == date(2026, 3, 5)
    assert defaults().find("ARBITRATION_ACCEPT", TODAY).length == Length(5, Unit.WD)


def test_the_confirmation_window_has_no_pause_and_no_extension() -> None:
    rule = defaults().find("CONFIRM_WINDOW", TODAY)
    assert (rule.pause_on, rule.extension) == ((), None)


def test_every_rule_is_complete() -> None:
    for rule in defaults().versions():
        assert rule.zh
        assert rule.legal_basis
        assert rule.on_expiry
        assert rule.trigger.isidentifier()
        assert rule.extension is None or rule.extension.needs


def test_rules_by_event() -> None:
    started = {rule.code for rule in defaults().triggered_by("AgreementEffective", TODAY)}
    assert {"CONFIRM_WINDOW", "FOLLOW_UP"} <= started
    assert "TRIAGE" not in started


@pytest.mark.parametrize(("code", "day"), [("NONE", TODAY), ("TRIAGE", date(2010, 1, 1))])
def test_unknown_rules(code: str, day: date) -> None:
    with pytest.raises(DomainError) as caught:
        defaults().find(code, day)
    assert caught.value.kind is Kind.NOT_FOUND


def own(code: str, valid_from: date, valid_to: date | None, length: Length) -> DeadlineRule:
    return dataclasses.replace(defaults().find(code, valid_from), valid_from=valid_from, valid_to=valid_to, length=length)


def test_a_district_counts_by_the_month_for_a_year() -> None:
    start, end = date(2026, 1, 1), date(2027, 1, 1)
    book = defaults().overlaid([own("CONCLUDE_PM", start, end, Length(1, Unit.MONTH))])
    days = (start - timedelta(days=1), start, end - timedelta(days=1), end)
    assert [str(book.find("CONCLUDE_PM", day).length) for day in days] == ["30cd", "1month", "1month", "30cd"]
    assert str(defaults().find("CONCLUDE_PM", start).length) == "30cd"
    assert book.find("TRIAGE", start) == defaults().find("TRIAGE", start)


def test_an_overlay_may_cover_two_versions() -> None:
    book = defaults().overlaid([own("CONSUMER_MEDIATE", date(2026, 4, 1), date(2026, 5, 1), Length(50, Unit.CD))])
    days = (date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 30), date(2026, 5, 1))
    assert [str(book.find("CONSUMER_MEDIATE", day).length) for day in days] == ["45wd", "50cd", "50cd", "60cd"]


def test_versions_that_overlap_are_refused() -> None:
    rule = defaults().find("TRIAGE", TODAY)
    with pytest.raises(DomainError) as caught:
        book_of([rule, dataclasses.replace(rule, valid_from=TODAY)])
    assert caught.value.reason == "DATED_OVERLAP"


def test_rows_there_and_back() -> None:
    for rule in defaults().versions():
        assert parse_rule(json.loads(json.dumps(rule_row(rule)))) == rule


def test_a_row_that_is_no_rule() -> None:
    with pytest.raises(KeyError):
        parse_rule({"code": "X"})
    assert RuleBook({}).on(TODAY) == ()


def test_reminders_beside_the_warnings() -> None:
    """Of the window from 2 March the 20th and the 27th day; of a payment due on 10 March a week and a day before, the day, and three after."""
    window, perform = defaults().find("CONFIRM_WINDOW", TODAY), defaults().find("PERFORM", TODAY)
    assert window.reminders(date(2026, 3, 2), date(2026, 4, 1)) == (date(2026, 3, 22), date(2026, 3, 29))
    assert [day.day for day in perform.reminders(date(2026, 3, 10), date(2026, 3, 20))] == [3, 9, 10, 13]
    assert defaults().find("TRIAGE", TODAY).reminders(TODAY, TODAY) == ()
