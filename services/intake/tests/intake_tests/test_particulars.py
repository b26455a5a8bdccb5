"""Checking parties, files, keywords, numbers and likeness: the domain alone."""

import contextlib
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiaochu_domainkit import categories
from tiaochu_domainkit.errors import DomainError
from tiaochu_intake.domain import duplicates, numbers
from tiaochu_intake.domain.case import Case
from tiaochu_intake.domain.elsewhere import FORBIDS, Elsewhere
from tiaochu_intake.domain.files import MEDIA_TYPES, check_name, media_type
from tiaochu_intake.domain.keywords import Keyword, suggest
from tiaochu_intake.domain.parties import Particulars, check_party
from tiaochu_intake.domain.policies import SETTINGS, PolicyBook
from tiaochu_intake.domain.register import Headings, recognise, row_key
from tiaochu_intake.domain.register_cells import Odd
from tiaochu_intake.usecases.default_keywords import DEFAULT_KEYWORDS
from tiaochu_testkit import mothers

from .mothers import NOW, TODAY  # noqa: TID252 - tests of one package


def refusal(act: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(DomainError) as caught:
        act(*arguments, **named)
    return caught.value.violations[0].reason if caught.value.violations else caught.value.reason


def typed(seed: int = 1, **given: Any) -> Particulars:
    p = mothers.person(seed, **{k: given.pop(k) for k in ("born", "sex") if k in given and not isinstance(given[k], str)})
    plain = Particulars("", "person", p.name, "resident_id", p.id_number, p.phone)
    return replace(plain, **given)


class TestParties:
    def test_the_paper_tells_birth_sex_and_care(self) -> None:
        for born, care in ((date(2010, 1, 1), ("minor",)), (date(1950, 1, 1), ("elderly",)), (date(1990, 1, 1), ())):
            person = mothers.person(1, born=born)
            checked = check_party("p", typed(id_number=person.id_number), TODAY, applies=False)
            assert (checked.born_on, checked.care, checked.typed.sex) == (born, care, person.sex)

    def test_stated_care_stays_beside_what_the_age_tells(self) -> None:
        person = mothers.person(1, born=date(1990, 1, 1))
        checked = check_party("p", typed(id_number=person.id_number, care=("minor", "migrant_worker", "disabled")), TODAY, applies=True)
        assert checked.care == ("disabled", "migrant_worker")

    def test_a_child_applies_by_a_guardian(self) -> None:
        child = typed(id_number=mothers.person(1, born=date(2015, 1, 1)).id_number)
        assert refusal(check_party, "p", child, TODAY, applies=True) == "GUARDIAN_REQUIRED"
        check_party("p", child, TODAY, applies=False)
        guardian = replace(typed(2), kind="guardian")
        check_party("p", replace(child, representatives=(guardian,)), TODAY, applies=True)
        young = replace(guardian, id_number=mothers.person(3, born=date(2012, 1, 1)).id_number)
        assert refusal(check_party, "p", replace(child, representatives=(young,)), TODAY, applies=True) == "REPRESENTATIVE_MINOR"

    @pytest.mark.parametrize(
        ("given", "reason"),
        [
            ({"kind": "ghost"}, "KIND_UNKNOWN"),
            ({"id_type": "library_card"}, "ID_TYPE_UNKNOWN"),
            ({"id_number": ""}, "ID_NUMBER_REQUIRED"),
            ({"id_type": "none"}, "PAPER_NUMBER_WITHOUT_KIND"),
            ({"id_type": "none", "id_number": ""}, "IDENTITY_NOTE_REQUIRED"),
            ({"born_on": "1990-01-02"}, "ID_BIRTH_MISMATCH"),
            ({"care": ("rich",)}, "CARE_UNKNOWN"),
            ({"region_code": "12"}, "REGION_FORMAT"),
            ({"kind": "organisation"}, "ID_TYPE_UNKNOWN"),
            ({"kind": "organisation", "id_type": "none"}, "PAPER_NUMBER_WITHOUT_KIND"),
            ({"representatives": (Particulars("", "agent", "李四"),)}, "AUTHORITY_REQUIRED"),
            ({"representatives": (Particulars("", "friend", "李四"),)}, "KIND_UNKNOWN"),
        ],
    )
    def test_refusals(self, given: dict[str, Any], reason: str) -> None:
        assert refusal(check_party, "p", typed(**given), TODAY, applies=True) == reason

    def test_what_is_refused_is_never_repeated_in_the_error(self) -> None:
        wrong = mothers.person(1).id_number[:-1] + ("0" if mothers.person(1).id_number[-1] != "0" else "1")
        with pytest.raises(DomainError) as caught:
            check_party("p", typed(id_number=wrong), TODAY, applies=True)
        assert wrong not in f"{caught.value}{caught.value.zh}{caught.value.metadata}{caught.value.violations}"


class TestNumbers:
    def test_a_series_for_each_town_and_year(self) -> None:
        assert numbers.case_number(numbers.series("321282", 2026, "321282100201"), 7) == "321282-2026-100-000007"
        assert numbers.series("321282", 2026, "321282Z01000") == "321282-2026-Z01"
        assert numbers.series("321282", 2026, "321282") == "321282-2026-000"

    @given(st.text(min_size=1))
    def test_a_receipt_code_reads_back_however_it_is_typed(self, secret: str) -> None:
        code = numbers.receipt_code(secret)
        assert numbers.parse_receipt_code("p", numbers.printed(code).lower().replace("-", " — ")) == code

    @given(st.text(min_size=1), st.integers(0, 11), st.sampled_from(numbers.ALPHABET))
    def test_every_single_slip_is_found(self, secret: str, place: int, other: str) -> None:
        code = numbers.receipt_code(secret)
        slip = code[:place] + other + code[place + 1 :]
        if slip != code:
            assert refusal(numbers.parse_receipt_code, "p", slip) == "RECEIPT_CODE_FORMAT"

    def test_codes_differ(self) -> None:
        assert len({numbers.receipt_code(str(n)) for n in range(5000)}) == 5000


class TestKeywords:
    def test_longer_words_swallow_shorter_ones_of_their_category_and_words_count_once(self) -> None:
        table = [Keyword("工资", "0701", 5), Keyword("拖欠工资", "0701", 10), Keyword("工资", "0799", 3)]
        [first, second] = suggest("拖欠工资,工资,工资", table)
        assert (first.category, first.score, first.words) == ("0701", 10, ("拖欠工资",))
        assert (second.category, second.score) == ("0799", 3)

    def test_the_words_a_district_begins_with_name_known_categories_once(self) -> None:
        assert {k.category for k in DEFAULT_KEYWORDS} <= set(categories.categories())
        pairs = [(k.word, k.category) for k in DEFAULT_KEYWORDS]
        assert len(pairs) == len(set(pairs))
        assert all(2 <= len(k.word) <= 20 for k in DEFAULT_KEYWORDS)


class TestLikeness:
    @given(st.text("甲乙丙丁", max_size=40), st.text("甲乙丙丁", max_size=40))
    def test_it_is_even_handed_and_within_bounds(self, one: str, other: str) -> None:
        a, b = duplicates.bigrams(one), duplicates.bigrams(other)
        assert duplicates.similarity(a, b) == duplicates.similarity(b, a)
        assert 0 <= duplicates.similarity(a, b) <= 100
        if len(one) > 1:
            assert duplicates.similarity(a, a) == 100


class TestFiles:
    @given(st.text(max_size=300))
    def test_no_name_that_passes_leaves_its_folder(self, name: str) -> None:
        try:
            checked = check_name("name", name)
        except DomainError:
            return
        assert "/" not in checked
        assert "\\" not in checked
        assert ".." not in checked
        assert 0 < len(checked.encode()) <= 255

    @given(st.binary(max_size=200))
    def test_any_bytes_get_an_answer(self, head: bytes) -> None:
        for name in ("a.png", "a.txt", "a"):
            with contextlib.suppress(DomainError):
                assert media_type("name", name, head) in MEDIA_TYPES

    def test_office_files_are_told_by_what_is_in_the_archive(self) -> None:
        head = b"PK\x03\x04" + b"\0" * 20
        assert media_type("n", "a.docx", head + b"word/document.xml").endswith("wordprocessingml.document")
        assert media_type("n", "a.zip", head + b"readme") == "application/zip"
        assert refusal(media_type, "n", "a.docx", head + b"xl/workbook.xml") == "FILE_TYPE_MISMATCH"


class TestPolicies:
    def book(self) -> PolicyBook:
        return PolicyBook(id="b", district="329901", status="active")

    def test_defaults_then_own_values_over_time(self) -> None:
        book = self.book()
        assert book.on(TODAY).values == {name: s.default for name, s in SETTINGS.items()}
        book.put_policy("consent_attempts", 4, TODAY, by="h", at=NOW)
        book.put_policy("consent_attempts", 6, date(2026, 5, 1), by="h", at=NOW)
        assert [book.on(d)["consent_attempts"] for d in (date(2026, 3, 1), TODAY, date(2026, 4, 30), date(2026, 5, 1))] == [3, 4, 4, 6]
        assert refusal(book.put_policy, "consent_attempts", 5, date(2026, 4, 1), by="h", at=NOW) == "DATED_OVERLAP"
        book.put_policy("consent_attempts", 7, date(2026, 5, 1), by="h", at=NOW)
        assert book.on(date(2026, 6, 1))["consent_attempts"] == 7

    def test_locked_months(self) -> None:
        book = self.book()
        assert not book.on(TODAY).month_is_locked(date(2000, 1, 1))
        book.put_policy("locked_month", 202602, TODAY, by="h", at=NOW)
        assert [book.on(TODAY).month_is_locked(d) for d in (date(2026, 2, 28), date(2026, 3, 1))] == [True, False]


class TestHeadings:
    def test_a_word_of_both_sides_belongs_to_the_side_it_stands_after(self) -> None:
        found = recognise(("申请人", "证件号码", "电话", "被申请人", "证件号码", "电话", "登记日期", "纠纷类别", "简要案情"), history=False)
        assert isinstance(found, Headings)
        assert (found.columns["applicant_numbers"], found.columns["respondent_numbers"], found.columns["respondent_phones"]) == (1, 4, 5)

    def test_titles_are_passed_over_and_gaps_and_twins_refused(self) -> None:
        assert recognise(("某中心台账", None, Odd.MERGED), history=False) is None
        assert refusal(recognise, ("申请人", "被申请人", "登记日期"), history=False) == "HEADING_MISSING"
        assert refusal(recognise, ("申请人", "申请人", "被申请人", "登记日期"), history=False) == "HEADING_TWICE"

    def test_a_rows_key_is_who_what_and_when(self) -> None:
        headings = recognise(("序号", "申请人", "被申请人", "登记日期", "纠纷类别", "简要案情", "处理结果", "备注"), history=False)
        assert headings is not None

        def key(*cells: Any) -> str:
            return row_key("329901", cells, headings, {})

        one = key(1, "甲", "乙", date(2026, 3, 2), "邻里", "事", "", "")
        assert one == key(9, " 甲 ", "乙", date(2026, 3, 2), "邻里", "事", "调解成功", "已补")
        assert one != key(1, "甲", "乙", date(2026, 3, 3), "邻里", "事", "", "")


def test_only_known_commands_are_forbidden_by_facts_of_others() -> None:
    assert set(FORBIDS) <= set(Case.TRANSITIONS)
    assert Elsewhere().facts() == ()
