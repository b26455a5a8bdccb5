"""Commands on who stands in for whom."""

from collections.abc import Sequence

from tiaochu.routing.v1 import directory_service_pb2 as pb
from tiaochu.routing.v1 import duties_pb2 as duties
from tiaochu_domainkit.clocks import beijing
from tiaochu_domainkit.errors import denied, invalid
from tiaochu_domainkit.quantities import real_date
from tiaochu_kit.principal import Principal
from tiaochu_kit.usecase import Context, Work, command
from tiaochu_routing.domain.deputies import Deputation, DeputyRoll
from tiaochu_routing.domain.directory import Post
from tiaochu_routing.usecases.ports import Directory
from tiaochu_routing.usecases.scopes import own_district
from tiaochu_routing.usecases.tables import DEPUTY_ROLLS, STAFF, STAFF_POSTS, deputy_roll_id

REVIEW_DEPUTIES = "review_deputies"
"""Call: end the deputations of a district that a vacated post no longer carries."""


class DeputyCommands:
    """Appoints deputies and ends them. Whether one is in force is asked at each use, on the day's date, by `tiaochu_kit.auth`."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def _posts_of_deputy(self, ctx: Context, r: pb.AppointDeputyRequest) -> Sequence[Post]:
        return await self._directory.posts_of(ctx, r.deputy_id)

    @command(
        reads=lambda r: [DEPUTY_ROLLS.by_id(deputy_roll_id(r.district)), STAFF_POSTS.by_id(r.post_id), STAFF.by_id(r.deputy_id)],
        before=_posts_of_deputy,
    )
    def appoint_deputy(self, work: Work, r: pb.AppointDeputyRequest, own_posts: Sequence[Post]) -> pb.AppointDeputyResponse:
        """Let somebody stand in for the person of a post."""
        district = own_district(work.actor, r.district)
        post, deputy = work.find(STAFF_POSTS, r.post_id), work.find(STAFF, r.deputy_id)
        if post is None or post.district != district:
            raise invalid("post_id", "POST_UNKNOWN", "该岗位不存在")
        if deputy is None or deputy.district != district:
            raise invalid("deputy_id", "PERSON_UNKNOWN", "该人员不存在")
        _require_above(work.actor, post.organ_path)
        roll = work.find(DEPUTY_ROLLS, deputy_roll_id(district))
        if roll is None:
            roll = work.add(DEPUTY_ROLLS, DeputyRoll(id=deputy_roll_id(district), district=district))
        new = Deputation(
            id=work.new_id(),
            post_id=post.id,
            organ_id=post.organ_id,
            role=post.role,
            principal_id=post.person_id,
            deputy_id=deputy.id,
            valid_from=real_date("valid_from_on", r.valid_from_on),
            valid_to=real_date("valid_to_on", r.valid_to_on),
            ground=r.ground,
        )
        roll.appoint(new, post, [p for p in own_posts if p.district == district], beijing(work.now).date(), work.now)
        work.call(REVIEW_DEPUTIES, district, district)
        return pb.AppointDeputyResponse(deputation_id=new.id)

    @command(reads=lambda r: [DEPUTY_ROLLS.by_id(deputy_roll_id(r.district)), STAFF_POSTS.by_id(r.post_id)])
    def end_deputy(self, work: Work, r: pb.EndDeputyRequest) -> pb.EndDeputyResponse:
        """End a deputation before its time."""
        own_district(work.actor, r.district)
        post = work.get(STAFF_POSTS, r.post_id)
        _require_above(work.actor, post.organ_path)
        roll = work.get(DEPUTY_ROLLS, deputy_roll_id(r.district))
        today = beijing(work.now).date()
        roll.recall(r.deputation_id, post.id, real_date("valid_to_on", r.valid_to_on) if r.valid_to_on else today, today, work.now)
        return pb.EndDeputyResponse()

    @command(reads=lambda r: [*map(STAFF_POSTS.by_id, r.post_ids), DEPUTY_ROLLS.by_id(deputy_roll_id(r.district))])
    def review_deputies(self, work: Work, r: duties.ReviewDeputiesDuty) -> duties.DutyDone:
        """Duty: end what a vacated post or a deputy who left no longer carries."""
        posts = [work.get(STAFF_POSTS, ident) for ident in r.post_ids]
        roll = work.get(DEPUTY_ROLLS, deputy_roll_id(r.district))
        return duties.DutyDone(changed=roll.review(posts, beijing(work.now).date(), work.now))


def _require_above(actor: Principal, organ_path: str) -> None:
    """OUTSIDE_SUBTREE unless the post stands at or below the caller's organ."""
    if not organ_path.startswith(actor.organ_path):
        raise denied("OUTSIDE_SUBTREE", "the post stands in an organ outside the caller's", "只能为本单位及下级单位的岗位安排代理")
