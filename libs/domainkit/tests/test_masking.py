import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiaochu_domainkit import masking
from tiaochu_domainkit.identity import HOTLINES


@pytest.mark.parametrize(
    ("value", "shown"), [("张三丰", "张**"), ("张三", "张**"), ("𠅤㛃", "𠅤**"), ("葛\U000e0100飾", "葛\U000e0100**"), ("", "***")]
)
def test_name(value: str, shown: str) -> None:
    assert masking.name(value) == shown


def test_a_minor_has_no_name() -> None:
    assert masking.name("张三", minor=True) == "***"


@pytest.mark.parametrize(("value", "shown"), [("321282200001011234", "321282********1234"), ("E12345678", "E******78"), ("123", "***")])
def test_id_number(value: str, shown: str) -> None:
    assert masking.id_number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("13800001234", "138****1234"),
        ("0523-84801234", "0523-****1234"),
        ("010-62001234-12", "010-****1234"),
        ("12345", "12345"),
        ("+85221234567", "+85****67"),
        ("99", "***"),
    ],
)
def test_phone(value: str, shown: str) -> None:
    assert masking.phone(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("江苏省靖江市新桥镇德胜村三组12号", "江苏省靖江市新桥镇德胜村***"),
        ("江苏省泰州市靖江市靖城街道虹桥社区5栋301室", "江苏省泰州市靖江市靖城街道虹桥社区***"),
        ("靖江市新桥镇人民路12号中村公寓", "靖江市新桥镇***"),
        ("靖江市人民路12号", "靖江市***"),
        ("人民路12号阳光小区3栋", "***"),
        ("", "***"),
    ],
)
def test_address(value: str, shown: str) -> None:
    assert masking.address(value) == shown


@given(st.text(max_size=40))
def test_nothing_raises_and_nothing_long_is_shown_whole(value: str) -> None:
    for mask in (masking.name, masking.id_number, masking.phone, masking.address):
        assert "*" in mask(value) or value.strip() in HOTLINES
