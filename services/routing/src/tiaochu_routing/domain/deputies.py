"""Who stands in for whom (代理、替班): in a dated period the deputy has a post's roles, and the post's own person keeps them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import ClassVar

from tiaochu_domainkit.aggregate import Aggregate, Transition, Transitions
from tiaochu_domainkit.errors import invalid, not_found, refused
from tiaochu_routing.domain.directory import Post
from tiaochu_routing.domain.events import DeputyAppointed, DeputyEnded

STANDING = "standing"
RECALLED, POST_VACATED, DEPUTY_LEFT = "recalled", "post_vacated", "deputy_left"

SHOWN_AFTER = timedelta(days=31)
"""How long the roll still tells what is over; the journal tells it for ever."""


@dataclass(frozen=True)
class Deputation:
    """A deputy in a post from `valid_from` on, no longer on `valid_to`."""

    id: str
    post_id: str
    organ_id: str
    role: str
    principal_id: str
    deputy_id: str
    valid_from: date
    valid_to: date
    ground: str
    end_ground: str = ""
    """What ended it before its time, empty where nothing did."""

    def meets(self, other: "Deputation") -> bool:
        """Whether both are in force on some day."""
        return max(self.valid_from, other.valid_from) < min(self.valid_to, other.valid_to)


@dataclass(kw_only=True)
class DeputyRoll(Aggregate):
    """All deputations of a district. They stand in one document because none may contradict another, however many are appointed at once."""

    TRANSITIONS: ClassVar[Transitions] = {
        "appoint": Transition((STANDING,), (STANDING,)),
        "recall": Transition((STANDING,), (STANDING,)),
        "review": Transition((STANDING,), (STANDING,)),
    }

    status: str = STANDING
    deputations: list[Deputation] = field(default_factory=list)

    def appoint(self, new: Deputation, post: Post, own_posts: Sequence[Post], today: date, at: datetime) -> None:
        """`new` stands in for the person of `post`; `own_posts` are the deputy's in this district.

        FIELD_INVALID: DEPUTY_IS_PRINCIPAL, DATE_PAST, DEPUTY_PERIOD_EMPTY. Otherwise POST_NOT_HELD, DEPUTY_NOT_ACTIVE, DEPUTY_OVERLAPS, DEPUTY_CIRCULAR.
        """
        self.require("appoint")
        if new.deputy_id == new.principal_id:
            raise invalid("deputy_id", "DEPUTY_IS_PRINCIPAL", "代理人不能是本人")
        if new.valid_from < today:
            raise invalid("valid_from_on", "DATE_PAST", "代理开始日期不能早于今天")
        if new.valid_to <= new.valid_from:
            raise invalid("valid_to_on", "DEPUTY_PERIOD_EMPTY", "代理结束日期必须晚于开始日期")
        if not post.held_on(new.valid_from):
            raise refused("POST_NOT_HELD", "nobody holds this post on the first day", "代理开始之日该岗位无人任职", post_id=post.id)
        if not any(p.held_on(new.valid_from) for p in own_posts):
            raise refused("DEPUTY_NOT_ACTIVE", "the deputy holds no post in this district on the first day", "代理人届时在本辖区没有任职")
        self._require_free(new)
        self._require_no_circle(new)
        self.deputations = [*(d for d in self.deputations if d.valid_to + SHOWN_AFTER > today), new]
        days = (new.valid_from.isoformat(), new.valid_to.isoformat())
        self.record(DeputyAppointed(new.id, new.post_id, new.principal_id, new.deputy_id, *days, new.ground), at)

    def recall(self, deputation_id: str, post_id: str, day: date, today: date, at: datetime) -> None:
        """The deputation in this post ends before `day`. NOT_FOUND, DEPUTATION_OVER; FIELD_INVALID: DATE_PAST, NOT_EARLIER."""
        self.require("recall")
        known = next((d for d in self.deputations if (d.id, d.post_id) == (deputation_id, post_id)), None)
        if known is None:
            raise not_found("deputation", deputation_id)
        if known.valid_to <= today:
            raise refused("DEPUTATION_OVER", "the deputation is over", "该代理已经结束", valid_to_on=known.valid_to.isoformat())
        if day < today:
            raise invalid("valid_to_on", "DATE_PAST", "代理结束日期不能早于今天")
        if day >= known.valid_to:
            raise invalid("valid_to_on", "NOT_EARLIER", "该代理届时已经结束,无需提前结束")
        self._end(known, day, RECALLED, at)

    def review(self, posts: Collection[Post], today: date, at: datetime) -> int:
        """End what a vacated post or a deputy who left no longer carries; `posts` are those with a deputy and the deputies' own. Answers how many."""
        self.require("review")
        before = len(self.recorded)
        for known in [d for d in self.deputations if d.valid_to > today]:
            vacated = _end_of([p for p in posts if p.id == known.post_id])
            left = _end_of([p for p in posts if p.person_id == known.deputy_id])
            day = min(vacated, left)
            if day < known.valid_to:
                self._end(known, day, POST_VACATED if day == vacated else DEPUTY_LEFT, at)
        return len(self.recorded) - before

    def _end(self, known: Deputation, day: date, ground: str, at: datetime) -> None:
        """One that had not begun was never in force."""
        ended = replace(known, valid_to=max(day, known.valid_from), end_ground=ground)
        self.deputations[self.deputations.index(known)] = ended
        self.record(DeputyEnded(known.id, ended.valid_to.isoformat(), ground), at)

    def _require_free(self, new: Deputation) -> None:
        for known in self.deputations:
            if known.post_id == new.post_id and known.meets(new):
                raise refused(
                    "DEPUTY_OVERLAPS",
                    "the post has a deputy in this period",
                    "该岗位在此期间已有代理人",
                    deputation_id=known.id,
                    valid_from_on=known.valid_from.isoformat(),
                    valid_to_on=known.valid_to.isoformat(),
                )

    def _require_no_circle(self, new: Deputation) -> None:
        """Nobody who is away may, over however many others and while `new` is in force, be stood in for by themselves."""
        reached, ahead = set(), [new.deputy_id]
        while ahead:
            person = ahead.pop()
            if person == new.principal_id:
                raise refused(
                    "DEPUTY_CIRCULAR",
                    "the principal stands in for the deputy in this period",
                    "代理关系成环:被代理人此期间正在代理该代理人",
                )
            reached.add(person)
            ahead += [d.deputy_id for d in self.deputations if d.principal_id == person and d.deputy_id not in reached and d.meets(new)]


def _end_of(posts: Sequence[Post]) -> date:
    """The first day on which none of the posts is held any more; `date.max` while one has no end, or none is known."""
    return max((p.valid_to or date.max for p in posts), default=date.max)
