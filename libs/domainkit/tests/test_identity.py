from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tiaochu_domainkit import identity, quantities
from tiaochu_domainkit.clocks import BEIJING
from tiaochu_domainkit.errors import DomainError
from tiaochu_domainkit.identity import PaperKind, Sex

TODAY = date(2026, 3, 1)
GOOD_ID = "11010519491231002X"


def reason_of(check: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(DomainError) as caught:
        check(*args, **kwargs)
    violation = caught.value.violations[0]
    assert violation.path == args[0]
    assert violation.zh
    return violation.reason


@pytest.mark.parametrize(
    ("number", "born", "sex"),
    [
        ("11010519491231002X", date(1949, 12, 31), Sex.FEMALE),
        ("440524188001010014", date(1880, 1, 1), Sex.MALE),
        ("１１０１０５19491231002x", date(1949, 12, 31), Sex.FEMALE),
    ],
)
def test_id_vectors(number: str, born: date, sex: Sex) -> None:
    found = identity.resident_id("id", number, date(2000, 1, 1))
    assert (found.birth_date, found.sex, found.number[-4:]) == (born, sex, "002X" if born.year == 1949 else "0014")
    assert found.number not in repr(found)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("110105491231002", "ID_FORMAT"),
        ("X10105194912310021", "ID_FORMAT"),
        ("11010519491231002٣", "ID_FORMAT"),
        ("990105194912310020", "ID_REGION"),
        ("110105190002290020", "ID_BIRTH_DATE"),
        ("110105180001010020", "ID_BIRTH_DATE"),
        ("110105202603020020", "ID_BIRTH_FUTURE"),
        ("110105194912310021", "ID_CHECKSUM"),
    ],
)
def test_id_refused(number: str, expected: str) -> None:
    assert reason_of(identity.resident_id, "p.id_number", number, TODAY) == expected


def test_id_against_stated_facts() -> None:
    assert reason_of(identity.resident_id, "id", GOOD_ID, TODAY, sex=Sex.MALE) == "ID_SEX_MISMATCH"
    assert reason_of(identity.resident_id, "id", GOOD_ID, TODAY, birth_date=date(1949, 12, 30)) == "ID_BIRTH_MISMATCH"


def test_age_changes_on_the_birthday() -> None:
    held = identity.resident_id("id", GOOD_ID, TODAY)
    assert (held.age_on(date(2026, 12, 30)), held.age_on(date(2026, 12, 31))) == (76, 77)


ids = st.builds(
    lambda region, born, serial: f"{region}{born:%Y%m%d}{serial:03d}",
    st.sampled_from(["321282", "110105", "440524", "830000"[:2] + "0001"]),
    st.dates(date(1900, 1, 1), TODAY),
    st.integers(0, 999),
).map(lambda first: first + identity.id_check_digit(first))


@given(ids, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_one_wrong_digit_of_an_id_is_always_caught(number: str, place: int, digit: str) -> None:
    assume(number[place] != digit)
    identity.resident_id("id", number, TODAY)
    with pytest.raises(DomainError):
        identity.resident_id("id", number[:place] + digit + number[place + 1 :], TODAY)


@given(ids, st.integers(0, 16))
def test_two_neighbouring_digits_changed_about_are_always_caught(number: str, place: int) -> None:
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assume(swapped != number)
    with pytest.raises(DomainError):
        identity.resident_id("id", swapped, TODAY)


ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def credit(organ: str, org: str) -> str:
    first = organ + "321282" + org + identity.org_check_digit(org)
    return first + identity.credit_check_digit(first)


codes = st.builds(credit, st.sampled_from(["91", "92", "11", "52"]), st.text(ALPHABET, min_size=8, max_size=8))


def test_credit_vectors() -> None:
    assert identity.credit_code("c", "91350100m000100y43") == "91350100M000100Y43"
    assert identity.org_check_digit("D2143569") == "X"


@given(codes, st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_of_a_credit_code_is_always_caught(code: str, place: int, character: str) -> None:
    assume(code[place] != character)
    assert identity.credit_code("c", code) == code
    with pytest.raises(DomainError):
        identity.credit_code("c", code[:place] + character + code[place + 1 :])


def test_credit_refused() -> None:
    assert reason_of(identity.credit_code, "c", "91350100I000100Y43") == "CREDIT_FORMAT"
    assert reason_of(identity.credit_code, "c", "91990100M000100Y43") == "CREDIT_REGION"
    assert reason_of(identity.credit_code, "c", "91350100M000100Y44") == "CREDIT_CHECKSUM"
    wrong_org = "91350100M000100Y5"
    assert reason_of(identity.credit_code, "c", wrong_org + identity.credit_check_digit(wrong_org)) == "CREDIT_ORG_CHECKSUM"


@pytest.mark.parametrize(
    ("kind", "number", "kept"),
    [
        (PaperKind.RESIDENT_ID, "11010519491231002x", "11010519491231002X"),
        (PaperKind.PASSPORT, "e12345678", "E12345678"),
        (PaperKind.HK_MACAO_PERMIT, "H12345678", "H12345678"),
        (PaperKind.TAIWAN_PERMIT, "12345678", "12345678"),
        (PaperKind.NONE, "", ""),
    ],
)
def test_papers(kind: PaperKind, number: str, kept: str) -> None:
    assert identity.paper("id", kind, number, TODAY) == kept


def test_papers_refused() -> None:
    assert reason_of(identity.paper, "id", PaperKind.NONE, "1", TODAY) == "PAPER_NUMBER_WITHOUT_KIND"
    assert reason_of(identity.paper, "id", PaperKind.HK_MACAO_PERMIT, "X1", TODAY) == "PAPER_FORMAT"
    assert reason_of(identity.paper, "id", PaperKind.RESIDENT_ID, "1", TODAY) == "ID_FORMAT"


@pytest.mark.parametrize(
    ("given_as", "kept"),
    [
        ("138 0000 1234", "13800001234"),
        ("+86-13800001234", "13800001234"),
        ("008613800001234", "13800001234"),
        ("13800001234", "13800001234"),
        ("(0523)84800000", "0523-84800000"),
        ("0523—84800000转12", "0523-84800000-12"),
        ("010-62000000", "010-62000000"),
        ("400-800-1234", "4008001234"),
        ("12345", "12345"),
        ("+852 2123 4567", "+85221234567"),
    ],
)
def test_phones(given_as: str, kept: str) -> None:
    assert identity.phone("t", given_as) == kept
    assert identity.phone("t", kept) == kept


@pytest.mark.parametrize("value", ["", "12800001234", "1380000123", "138000012345", "84800000", "12346", "abc", "0523-04800000"])
def test_phones_refused(value: str) -> None:
    assert reason_of(identity.phone, "t", value) == "PHONE_FORMAT"


@pytest.mark.parametrize(
    ("given_as", "kept"),
    [
        ("䶮永", "䶮永"),
        ("𠅤㛃", "𠅤㛃"),
        ("\U00031350某", "\U00031350某"),  # Extension H: unknown to Python 3.11
        (" 张  三 ", "张 三"),
        ("阿卜杜拉•买买提", "阿卜杜拉·买买提"),
        ("No.1超市", "No.1超市"),
        ("Zoe\u0308", "Zoë"),
    ],
)
def test_names(given_as: str, kept: str) -> None:
    assert identity.name("n", given_as) == kept


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", "NAME_EMPTY"),
        ("   ", "NAME_EMPTY"),
        ("张\x00三", "NAME_CHARACTER"),
        ("张\ud842三", "NAME_CHARACTER"),
        ("张\u202e三", "NAME_CHARACTER"),
        ("张\ue000", "NAME_CHARACTER"),
        ("张\uffff", "NAME_CHARACTER"),
        ("张" * 101, "NAME_TOO_LONG"),
        ("***", "NAME_NO_LETTER"),
        ("123", "NAME_NO_LETTER"),
    ],
)
def test_names_refused(value: str, expected: str) -> None:
    assert reason_of(identity.name, "n", value) == expected


@pytest.mark.parametrize(("value", "fen"), [("0", 0), ("1234.5", 123450), ("0.01", 1), ("007", 700), ("9999999999999.99", 999999999999999)])
def test_money(value: str, fen: int) -> None:
    assert quantities.money_fen("m", value) == fen


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("-1", "MONEY_NEGATIVE"),
        ("1.234", "MONEY_DECIMALS"),
        ("1" + "0" * 15, "MONEY_TOO_LARGE"),
        ("1" + "0" * 13, "MONEY_TOO_LARGE"),
        ("1e5", "MONEY_FORMAT"),
        ("NaN", "MONEY_FORMAT"),
        (".5", "MONEY_FORMAT"),
        ("1.", "MONEY_FORMAT"),
        ("1,000", "MONEY_FORMAT"),
        ("١", "MONEY_FORMAT"),
        ("", "MONEY_FORMAT"),
    ],
)
def test_money_refused(value: str, expected: str) -> None:
    assert reason_of(quantities.money_fen, "m", value) == expected


@given(st.integers(0, 10**15 - 1))
def test_money_there_and_back(fen: int) -> None:
    assert quantities.money_fen("m", quantities.yuan(fen)) == fen


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2025-02-29", "DATE_UNREAL"),
        ("2026-13-01", "DATE_UNREAL"),
        ("0000-01-01", "DATE_UNREAL"),
        ("1948-12-31", "DATE_TOO_EARLY"),
        ("2026-03-02", "DATE_FUTURE"),
        ("2026/03/01", "DATE_FORMAT"),
        ("20260301", "DATE_FORMAT"),
    ],
)
def test_dates_refused(value: str, expected: str) -> None:
    assert reason_of(quantities.past_date, "d", value, TODAY) == expected


def test_dates() -> None:
    assert quantities.past_date("d", "2024-02-29", TODAY) == date(2024, 2, 29)
    assert quantities.past_date("d", "1949-01-01", TODAY) == date(1949, 1, 1)
    assert quantities.past_date("d", "2026-03-01", TODAY) == TODAY


NOW = datetime(2026, 3, 1, 12, tzinfo=BEIJING)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (NOW.replace(tzinfo=None), "DATE_FORMAT"),
        (NOW + timedelta(seconds=1), "DATE_FUTURE"),
        (datetime(1948, 12, 31, 23, 59, tzinfo=BEIJING), "DATE_TOO_EARLY"),
    ],
)
def test_moments_refused(moment: datetime, expected: str) -> None:
    assert reason_of(quantities.past_moment, "at", moment, NOW) == expected


def test_moments() -> None:
    """1949 begins in Beijing, eight hours before it does in Greenwich."""
    first = datetime(1948, 12, 31, 16, tzinfo=UTC)
    assert quantities.past_moment("at", first, NOW) == first
    assert quantities.past_moment("at", NOW, NOW) == NOW


def test_who_is_old_was_born_before_1949() -> None:
    assert identity.birth_date("born_on", "1938-02-03", TODAY) == date(1938, 2, 3)
    assert reason_of(identity.birth_date, "born_on", "1850-01-01", TODAY) == "DATE_TOO_EARLY"
    assert reason_of(identity.birth_date, "born_on", "2026-03-02", TODAY) == "DATE_FUTURE"
