from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiaochu_domainkit.calendar import published
from tiaochu_domainkit.categories import categories
from tiaochu_domainkit.clocks import BEIJING, due
from tiaochu_domainkit.codes import code_list
from tiaochu_domainkit.deadlines import defaults as rules
from tiaochu_domainkit.errors import DomainError
from tiaochu_domainkit.remedies import EndedAs, defaults, notice, parse_book

FACTS: dict[str, str | date] = {
    "ended_on": date(2026, 3, 2),
    "ground": "没有明确的被申请人",
    "court": "靖川市人民法院",
    "legal_aid_phone": "12348",
    "arbitration_commission": "靖川市劳动人事争议仲裁委员会",
    "law_organ": "靖川市公安局",
    "effective_on": date(2026, 1, 16),
    "confirmation_last_day": date(2026, 2, 24),
}


def test_terminated_labour_case() -> None:
    served = notice("0701", EndedAs.TERMINATED, FACTS)
    paragraphs = served.text.split("\n")
    assert served.version == defaults().version
    assert paragraphs[0] == "本次调解已于2026年3月2日终止。"
    assert "④向靖川市人民法院提起诉讼" in paragraphs[1]
    assert "向靖川市劳动人事争议仲裁委员会申请仲裁" in paragraphs[2]
    assert len(paragraphs) == 3


def test_the_last_day_for_confirmation_comes_from_the_clock() -> None:
    """Thirty days from 16 January end in the Spring Festival, so on 24 February."""
    effective = datetime(2026, 1, 16, 15, tzinfo=BEIJING)
    window = due(effective, rules().find("CONFIRM_WINDOW", effective.date()).length, published())
    served = notice("0201", EndedAs.AGREED, {"effective_on": effective.date(), "confirmation_last_day": window.last_day})
    assert "在2026年2月24日前(含当日)共同" in served.text


@pytest.mark.parametrize(
    ("code", "ended_as", "flags", "channel", "words", "never"),
    [
        ("0101", EndedAs.AGREED, (), "", "身份关系不能申请司法确认", "人身安全保护令"),
        ("0103", EndedAs.AGREED, (), "", "共同向有管辖权的法院", "身份关系不能"),
        ("0701", EndedAs.AGREED, (), "", "仅就给付义务", "申请仲裁"),
        ("0201", EndedAs.TERMINATED, ("domestic_violence",), "", "人身安全保护令", "12315"),
        ("0201", EndedAs.AGREED, ("domestic_violence",), "", "人身安全保护令", "离婚"),
        ("0303", EndedAs.TERMINATED, (), "", "拨打110", "12315"),
        ("0201", EndedAs.TERMINATED, (), "police", "经公安机关认可不予处罚", "12315"),
        ("0201", EndedAs.DECLINED, (), "petition", "申请复查", "终止"),
        ("0601", EndedAs.DECLINED, (), "", "受理后60日内调解", "45个工作日"),
        ("0505", EndedAs.TERMINATED, (), "", "12315", "仲裁委员会"),
        ("0502", EndedAs.TERMINATED, (), "", "30个工作日", "交警"),
        ("0503", EndedAs.TERMINATED, (), "", "3个工作日内", "医疗"),
        ("0901", EndedAs.TERMINATED, (), "", "农村土地承包仲裁委员会", "权属争议"),
        ("0903", EndedAs.TERMINATED, (), "", "权属争议先协商", "承包仲裁"),
        ("1101", EndedAs.TERMINATED, (), "", "60日内申请行政复议", "12388"),
        ("1301", EndedAs.DECLINED, (), "", "60日内申请行政复议", "申请其他调解组织"),
        ("1401", EndedAs.DECLINED, (), "", "请向靖川市公安局提出", "提起诉讼"),
        ("1502", EndedAs.DECLINED, (), "", "12388", "与对方继续协商"),
    ],
)
def test_the_ways_of_a_case(code: str, ended_as: EndedAs, flags: tuple[str, ...], channel: str, words: str, never: str) -> None:
    text = notice(code, ended_as, FACTS, flags=flags, channel=channel).text
    assert words in text
    assert never not in text


def test_every_case_has_a_way_and_no_field_is_left() -> None:
    for code in categories():
        for ended_as in EndedAs:
            text = notice(code, ended_as, FACTS).text
            assert len(text) > 20
            assert "{" not in text


@pytest.mark.parametrize("missing", ["ended_on", "court", "legal_aid_phone", "arbitration_commission"])
def test_a_missing_fact_is_refused_by_name(missing: str) -> None:
    for facts in ({k: v for k, v in FACTS.items() if k != missing}, {**FACTS, missing: " "}):
        with pytest.raises(DomainError) as caught:
            notice("0701", EndedAs.TERMINATED, facts)
        assert (caught.value.reason, caught.value.metadata["field"]) == ("REMEDY_FACT_MISSING", missing)


def test_the_fields_a_form_must_ask_for() -> None:
    assert defaults().fields("0701", EndedAs.TERMINATED) == ("ended_on", "court", "legal_aid_phone", "arbitration_commission")
    assert defaults().fields("0201", EndedAs.AGREED) == ("effective_on", "confirmation_last_day")


@given(st.text(min_size=1).filter(str.strip))
def test_a_fact_is_merged_as_it_stands(court: str) -> None:
    """Also when it looks like a field itself."""
    assert f"④向{court}提起诉讼" in notice("0201", EndedAs.TERMINATED, {**FACTS, "court": court}).text
    assert "④向{ended_on}提起诉讼" in notice("0201", EndedAs.TERMINATED, {**FACTS, "court": "{ended_on}"}).text


def test_conditions_stand_on_known_codes() -> None:
    for block in defaults().blocks:
        assert all(any(code.startswith(prefix) for code in categories()) for prefix in block.categories + block.not_categories)
        assert block.flags <= set(code_list("flag").names)
        assert block.channels <= set(code_list("channel").names)


def test_an_unknown_category_has_no_notice() -> None:
    with pytest.raises(DomainError):
        notice("0600", EndedAs.TERMINATED, FACTS)


def test_a_districts_own_book() -> None:
    own = parse_book({"version": "d1", "blocks": [{"id": "a", "ended_as": ["terminated"], "text": "于{ended_on}终止。"}]})
    assert own.notice("0201", EndedAs.TERMINATED, FACTS).text == "于2026年3月2日终止。"
