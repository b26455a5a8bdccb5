"""The keyword table of a district and what it says of a text: a suggestion, decided by a person."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from tiaochu_domainkit import text
from tiaochu_domainkit.aggregate import Aggregate, Transition, Transitions
from tiaochu_domainkit.errors import invalid, refused
from tiaochu_intake.domain import events

ACTIVE = "active"
MAX_KEYWORDS = 1000
MAX_SUGGESTIONS = 5


@dataclass(frozen=True)
class Keyword:
    """A word that speaks for a category with a weight of 1 to 100."""

    word: str
    category: str
    weight: int


@dataclass(frozen=True)
class Suggestion:
    """A category, the sum of the weights that speak for it, and the words found."""

    category: str
    score: int
    words: tuple[str, ...]


@dataclass(kw_only=True)
class KeywordTable(Aggregate):
    """One district's words; one document."""

    TRANSITIONS: ClassVar[Transitions] = {"change": Transition((ACTIVE,), (ACTIVE,))}

    keywords: list[Keyword] = field(default_factory=list)

    def change(self, put: Sequence[Keyword], remove: Iterable[tuple[str, str]], at: datetime) -> None:
        """Add words or weigh them anew, and remove others. Reasons: KEYWORD_UNKNOWN, KEYWORDS_TOO_MANY, NOTHING_CHANGED."""
        self.require("change")
        found = {(k.word, k.category): k for k in self.keywords}
        gone = set(remove)
        if gone - set(found):
            raise invalid("remove", "KEYWORD_UNKNOWN", "要删除的关键词不在表中")
        kept = {key: k for key, k in found.items() if key not in gone}
        changed = [k for k in put if kept.get((k.word, k.category)) != k]
        if not gone and not changed:
            raise refused("NOTHING_CHANGED", "the table holds this already", "关键词表没有变化")
        kept.update({(k.word, k.category): k for k in changed})
        if len(kept) > MAX_KEYWORDS:
            raise refused("KEYWORDS_TOO_MANY", f"a table holds at most {MAX_KEYWORDS} keywords", f"关键词不能超过{MAX_KEYWORDS}个")
        self.keywords = sorted(kept.values(), key=lambda k: (k.category, -k.weight, k.word))
        self.record(events.KeywordTableChanged(len(changed), len(gone), len(self.keywords)), at)


def clean_word(path: str, word: str) -> str:
    """A word as it is stored and looked for. Reasons: those of `text.clean`, and TEXT_TOO_SHORT."""
    return text.clean(path, word, 20, min_chars=2, lines=False)


def suggest(facts: str, keywords: Iterable[Keyword]) -> tuple[Suggestion, ...]:
    """The categories that words of `facts` speak for, strongest first.

    A word counts once however often it stands; a longer word that holds a shorter one of the same category counts alone, so that
    农民工工资 does not also count as 工资.
    """
    told: dict[str, dict[str, int]] = {}
    for keyword in keywords:
        if keyword.word in facts:
            told.setdefault(keyword.category, {})[keyword.word] = keyword.weight
    suggestions = []
    for category, words in told.items():
        whole = {w: weight for w, weight in words.items() if not any(w != other and w in other for other in words)}
        strongest = sorted(whole, key=lambda w: (-whole[w], w))
        suggestions.append(Suggestion(category, sum(whole.values()), tuple(strongest)))
    return tuple(sorted(suggestions, key=lambda s: (-s.score, s.category))[:MAX_SUGGESTIONS])
