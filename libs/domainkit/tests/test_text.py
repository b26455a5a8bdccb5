import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiaochu_domainkit import text
from tiaochu_domainkit.errors import DomainError

WRITTEN = st.text("张三李四欠款不还调解䶮𠅤㛃ABcd012 ,。、\n-", max_size=60)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("  甲\r\n乙\x0b丙\u2028丁 ", "甲\n乙\n丙\n丁"),
        ("\ufeff文", "文"),
        ("e\u0301", "é"),
        ("𠅤\t㛃", "𠅤\t㛃"),
    ],
)
def test_clean(value: str, kept: str) -> None:
    assert text.clean("facts", value, 100) == kept


def test_one_line() -> None:
    assert text.clean("title", " 甲\n 乙 ", 100, lines=False) == "甲 乙"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\0b", "TEXT_NUL"),
        ("a\ud800b", "TEXT_SURROGATE"),
        ("a\udc00", "TEXT_SURROGATE"),
        ("a\x1bb", "TEXT_CONTROL"),
        (" \n ", "TEXT_REQUIRED"),
        ("甲", "TEXT_TOO_SHORT"),
        ("甲" * 11, "TEXT_TOO_LONG"),
    ],
)
def test_refused(value: str, expected: str) -> None:
    with pytest.raises(DomainError) as caught:
        text.clean("facts", value, 10, min_chars=2)
    assert caught.value.violations[0].reason == expected


def test_length_counts_characters_beyond_the_bmp_as_one() -> None:
    assert text.clean("facts", "𠅤" * 10, 10) == "𠅤" * 10


def test_bigrams() -> None:
    assert text.index_tokens("枫桥经验。") == ["枫桥", "桥经", "经验"]
    assert text.query_tokens("𠅤㛃") == ["𠅤㛃"]
    assert text.index_tokens("Ａ4 纸") == ["a4", "4纸"]
    assert text.as_tsquery(text.query_tokens("枫桥经")) == "'枫桥' <-> '桥经'"
    assert text.as_tsvector(["枫桥", "桥经"]) == "'枫桥':1 '桥经':2"


@pytest.mark.parametrize("query", ["", "张", "张 。", "''"])
def test_a_query_needs_two_characters(query: str) -> None:
    with pytest.raises(DomainError) as caught:
        text.query_tokens(query)
    assert caught.value.violations[0].reason == "QUERY_TOO_SHORT"


def holds(tokens: list[str], phrase: list[str]) -> bool:
    return any(tokens[i : i + len(phrase)] == phrase for i in range(len(tokens) - len(phrase) + 1))


@given(WRITTEN, st.data())
def test_every_stretch_of_two_or_more_characters_is_found(written: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(written)))
    stretch = written[start : data.draw(st.integers(start, len(written)))]
    phrase = text.index_tokens(stretch)
    if phrase:
        assert holds(text.index_tokens(written), phrase)
        assert text.query_tokens(stretch.upper()) == phrase


@given(st.text(max_size=40))
def test_tokens_never_need_quoting(written: str) -> None:
    assert not any(set("'\\ :") & set(token) for token in text.index_tokens(written))
