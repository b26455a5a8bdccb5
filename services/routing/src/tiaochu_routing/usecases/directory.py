"""Commands on the directory."""

from datetime import date

from tiaochu.routing.v1 import directory_service_pb2 as pb
from tiaochu.routing.v1 import duties_pb2 as duties
from tiaochu_domainkit.clocks import midnight
from tiaochu_domainkit.errors import invalid
from tiaochu_domainkit.quantities import real_date
from tiaochu_kit.usecase import Work, command
from tiaochu_routing.domain.directory import FILLED, Organ, Place, Post
from tiaochu_routing.domain.organs import place_under
from tiaochu_routing.usecases.deputies import REVIEW_DEPUTIES
from tiaochu_routing.usecases.scopes import own_district
from tiaochu_routing.usecases.tables import ORGANS, STAFF, STAFF_POSTS, post_id

MOVE_SUBTREE = "move_subtree"
"""Timer: on the first day of an organ's new place, what stands below it and the posts in it follow."""


class DirectoryCommands:
    """Edits organs and posts one by one; whole files go through `DirectoryImport`."""

    @command(reads=lambda r: [ORGANS.by_id(r.organ.organ_id), ORGANS.by_id(r.organ.parent_organ_id)])
    def place_organ(self, work: Work, r: pb.PlaceOrganRequest) -> pb.PlaceOrganResponse:
        """Place an organ from a day on; found it when it is unknown."""
        district = own_district(work.actor, r.district)
        parent = work.find(ORGANS, r.organ.parent_organ_id) if r.organ.parent_organ_id else None
        if r.organ.parent_organ_id and parent is None:
            raise invalid("organ.parent_organ_id", "ORGAN_UNKNOWN", "上级单位不存在")
        if parent is not None and r.organ.organ_id in parent.latest.path.split("/"):
            raise invalid("organ.parent_organ_id", "ORGAN_CYCLE", "不能把单位移到其下级单位之下")
        day = real_date("organ.valid_from_on", r.organ.valid_from_on)
        place = place_of(r.organ, parent.latest.path if parent else "", day)
        put_organ(work, district, r.organ, place)
        return pb.PlaceOrganResponse(organ_path=place.path)

    @command(
        reads=lambda r: [
            STAFF_POSTS.by_id(post_id(r.person_id, r.organ_id, r.role, r.valid_from_on)),
            ORGANS.by_id(r.organ_id),
            STAFF.by_id(r.person_id),
        ]
    )
    def fill_post(self, work: Work, r: pb.FillPostRequest) -> pb.FillPostResponse:
        """Give a person a role in an organ. STATE_FORBIDS when the person holds it already."""
        district = own_district(work.actor, r.district)
        organ = work.find(ORGANS, r.organ_id)
        if organ is None:
            raise invalid("organ_id", "ORGAN_UNKNOWN", "该单位不存在")
        if work.find(STAFF, r.person_id) is None:
            raise invalid("person_id", "PERSON_UNKNOWN", "该人员不存在")
        day = real_date("valid_from_on", r.valid_from_on)
        post = fill(work, district, r.person_id, organ, r.role, day)
        return pb.FillPostResponse(post_id=post.id)

    @command(reads=lambda r: [STAFF_POSTS.by_id(r.post_id)])
    def vacate_post(self, work: Work, r: pb.VacatePostRequest) -> pb.VacatePostResponse:
        """End a post on a day."""
        post = work.get(STAFF_POSTS, r.post_id)
        post.vacate(real_date("valid_to_on", r.valid_to_on), work.now)
        work.call(REVIEW_DEPUTIES, post.district, post.district)
        return pb.VacatePostResponse()

    @command(reads=lambda r: [*map(ORGANS.by_id, r.organ_ids), *map(STAFF_POSTS.by_id, r.post_ids)])
    def move_subtree(self, work: Work, r: duties.MoveSubtreeDuty) -> duties.DutyDone:
        """Duty: let organs and posts follow the organ that moved."""
        changed = 0
        organs = [work.get(ORGANS, ident) for ident in r.organ_ids]
        for organ in organs[1:]:
            changed += _follow(work, organ)
        for post in (work.get(STAFF_POSTS, ident) for ident in r.post_ids):
            path = work.get(ORGANS, post.organ_id).latest.path
            if post.status == FILLED and post.organ_path != path:
                post.move(path, work.now)
                changed += 1
        return duties.DutyDone(changed=changed)


def _follow(work: Work, organ: Organ) -> int:
    parent = work.get(ORGANS, organ.latest.parent_id)
    path = place_under(parent.latest.path, organ.id)
    if path == organ.latest.path:
        return 0
    was = organ.latest
    organ.place(Place(parent.latest.valid_from, path, parent.id, was.kind, was.tier, was.region_code), work.now)
    return 1


def place_of(organ: pb.Organ, parent_path: str, day: date) -> Place:
    """The place a message describes."""
    return Place(day, place_under(parent_path, organ.organ_id), organ.parent_organ_id, organ.kind, organ.tier, organ.region_code)


def put_organ(work: Work, district: str, message: pb.Organ, place: Place) -> bool:
    """Found, move or rename an organ; False when it stands so already."""
    organ = work.find(ORGANS, message.organ_id)
    names = (message.code, message.name, message.short_name, message.phone)
    if organ is None:
        organ = work.add(ORGANS, Organ(id=message.organ_id, district=district, code=message.code))
    elif _same_place(organ.latest, place) and names == (organ.code, organ.name, organ.short_name, organ.phone):
        return False
    moved = bool(organ.places) and organ.latest.path != place.path
    organ.code, organ.name, organ.short_name, organ.phone = names
    organ.place(place, work.now)
    if moved:
        work.timer(MOVE_SUBTREE, organ.id, district, max(work.now, midnight(place.valid_from)))
    return True


def _same_place(one: Place, other: Place) -> bool:
    return (one.path, one.kind, one.tier, one.region_code) == (other.path, other.kind, other.tier, other.region_code)


def fill(work: Work, district: str, person_id: str, organ: Organ, role: str, day: date) -> Post:
    """Fill a post that was never filled from that day, or again after it was vacated."""
    ident = post_id(person_id, organ.id, role, day.isoformat())
    post = work.find(STAFF_POSTS, ident)
    if post is None:
        path = organ.latest.path
        post = work.add(
            STAFF_POSTS,
            Post(id=ident, district=district, person_id=person_id, organ_id=organ.id, organ_path=path, role=role, valid_from=day),
        )
    post.fill(work.now)
    return post
