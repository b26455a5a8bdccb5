"""Free text: what may come in, and the bigrams by which it is searched."""

import re
import unicodedata
from collections.abc import Sequence

from tiaochu_domainkit.errors import invalid

MAX_INDEXED = 16_000
"""Tokens of one text that keep their place: PostgreSQL's tsvector counts positions to 16,383."""

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")


def clean(path: str, value: str, max_chars: int, *, min_chars: int = 0, lines: bool = True) -> str:
    """NFC, line ends as `\\n`, no outer white space; with `lines=False` every run of white space is one space.

    Reasons: TEXT_NUL, TEXT_SURROGATE, TEXT_CONTROL (other control characters), TEXT_REQUIRED, TEXT_TOO_SHORT, TEXT_TOO_LONG.
    Lengths count characters after cleaning.
    """
    if "\0" in value:
        raise invalid(path, "TEXT_NUL", "文字中含有空字符(U+0000)")
    if any("\ud800" <= c <= "\udfff" for c in value):
        raise invalid(path, "TEXT_SURROGATE", "文字编码不完整(孤立的代理码位)")
    text = _LINE_ENDS.sub("\n", unicodedata.normalize("NFC", value)).removeprefix("\ufeff")
    if any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in text):
        raise invalid(path, "TEXT_CONTROL", "文字中含有控制字符")
    text = text.strip() if lines else " ".join(text.split())
    if len(text) > max_chars:
        raise invalid(path, "TEXT_TOO_LONG", f"文字不能超过{max_chars}字")
    if min_chars and not text:
        raise invalid(path, "TEXT_REQUIRED", "此项不能为空")
    if len(text) < min_chars:
        raise invalid(path, "TEXT_TOO_SHORT", f"文字不能少于{min_chars}字")
    return text


def index_tokens(text: str) -> list[str]:
    """The overlapping pairs of characters of `text`, in order.

    Letters, digits and ideographs of every plane are treated alike, signs and spaces are left out, case and width do not matter. So any
    stretch of two or more characters is found again, whether or not it is a word, and with signs or without; the price is a rare
    hit across a sentence end.
    """
    kept = _significant(text)
    return [kept[i : i + 2] for i in range(len(kept) - 1)]


def query_tokens(query: str, path: str = "query") -> list[str]:
    """The pairs a text must hold, one after the other, to match. Reason: QUERY_TOO_SHORT below two significant characters."""
    tokens = index_tokens(query)
    if not tokens:
        raise invalid(path, "QUERY_TOO_SHORT", "请至少输入两个字")
    return tokens


def as_tsvector(tokens: Sequence[str]) -> str:
    """Tokens as the text form of a tsvector (cast it: `%s::tsvector`), past the text parser, whose idea of a letter depends on the locale.

    Beyond `MAX_INDEXED` tokens nothing is indexed: cut longer texts into several rows that overlap.
    """
    return " ".join(f"'{token}':{place}" for place, token in enumerate(tokens[:MAX_INDEXED], 1))


def as_tsquery(tokens: Sequence[str]) -> str:
    """Tokens as the text form of a tsquery (cast it: `%s::tsquery`): a phrase."""
    return " <-> ".join(f"'{token}'" for token in tokens)


def _significant(text: str) -> str:
    """Letters, marks, digits and whatever Python's tables do not know yet (new ideographs), narrow and folded."""
    return "".join(c for c in unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()) if _counts(c))


def _counts(c: str) -> bool:
    category = unicodedata.category(c)
    return category[0] in "LMN" or category == "Co" or (category == "Cn" and "\U00020000" <= c <= "\U0003fffd")
