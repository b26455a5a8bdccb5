"""Queries on the directory."""

from collections import defaultdict
from datetime import date

from tiaochu.routing.v1 import directory_service_pb2 as pb
from tiaochu_domainkit.clocks import beijing
from tiaochu_domainkit.errors import not_found
from tiaochu_domainkit.quantities import real_date
from tiaochu_kit.database import Database
from tiaochu_kit.paging import PageTokens
from tiaochu_kit.usecase import Context, query
from tiaochu_routing.domain.deputies import Deputation
from tiaochu_routing.domain.directory import Organ, Place, Post, StaffMember
from tiaochu_routing.store.directory import DirectoryStore
from tiaochu_routing.store.documents import decoded, one
from tiaochu_routing.usecases.scopes import own_district
from tiaochu_routing.usecases.tables import DEPUTY_ROLLS, ORGANS, STAFF, STAFF_POSTS, deputy_roll_id

_POSTS_SQL = "SELECT doc::text FROM staff_posts WHERE organ_id = %s ORDER BY valid_from, id"
_STAFF_SQL = "SELECT doc::text FROM staff WHERE id = ANY(%s::uuid[]) ORDER BY login"
_NAMES_SQL = "SELECT id::text, doc ->> 'name' FROM staff WHERE id = ANY(%s::uuid[])"
_ORGANS_ON_A_PAGE = 500


class DirectoryQueries:
    """Organs, regions, staff."""

    def __init__(self, database: Database, directory: DirectoryStore, tokens: PageTokens) -> None:
        self._database = database
        self._directory = directory
        self._tokens = tokens

    @query
    async def list_organs(self, ctx: Context, r: pb.ListOrgansRequest) -> pb.ListOrgansResponse:
        """The organs that stand on a day, by place: a unit comes right before those below it."""
        district = own_district(ctx.principal, r.district)
        on = _day(ctx, r.on)
        async with self._database.transaction() as tx:
            organs = (await self._directory.snapshot(tx, district)).organs
        standing = [(place, organ) for organ in organs if (place := organ.place_on(on)) and r.kind in ("", place.kind)]
        standing.sort(key=lambda pair: pair[0].path)
        after = self._tokens.read(ctx.principal.id, r)
        rest = [pair for pair in standing if after is None or pair[0].path > after[0]]
        size = r.page_size or _ORGANS_ON_A_PAGE
        page = rest[:size]
        token = self._tokens.write(ctx.principal.id, r, [page[-1][0].path]) if len(rest) > size else ""
        return pb.ListOrgansResponse(organs=[_organ(organ, place) for place, organ in page], next_page_token=token)

    @query
    async def get_organ(self, ctx: Context, r: pb.GetOrganRequest) -> pb.GetOrganResponse:
        """One organ with every place it had."""
        async with self._database.transaction(ctx.principal.scope) as tx:
            organ = await one(tx, ORGANS, r.organ_id)
        if organ is None:
            raise not_found(ORGANS.name, r.organ_id)
        today = organ.place_on(_day(ctx, "")) or organ.places[0]
        return pb.GetOrganResponse(organ=_organ(organ, today), places=[_organ(organ, place) for place in organ.places])

    @query
    async def list_regions(self, ctx: Context, r: pb.ListRegionsRequest) -> pb.ListRegionsResponse:
        """The tree as of a day."""
        district = own_district(ctx.principal, r.district)
        on = _day(ctx, r.on)
        async with self._database.transaction() as tx:
            regions = (await self._directory.snapshot(tx, district)).regions
        return pb.ListRegionsResponse(
            regions=[
                pb.Region(code=x.code, name=x.name, level=x.level, parent_code=x.parent_on(on))
                for x in sorted(regions.values(), key=lambda x: x.code)
            ]
        )

    @query
    async def list_staff(self, ctx: Context, r: pb.ListStaffRequest) -> pb.ListStaffResponse:
        """The staff of an organ with their posts in it."""
        async with self._database.transaction(ctx.principal.scope) as tx:
            posts: dict[str, list[Post]] = defaultdict(list)
            for post in decoded(STAFF_POSTS, await tx.rows(_POSTS_SQL, (r.organ_id,))):
                posts[post.person_id].append(post)
            staff: list[StaffMember] = decoded(STAFF, await tx.rows(_STAFF_SQL, (sorted(posts),)))
        return pb.ListStaffResponse(staff=[_staff(member, posts[member.id]) for member in staff])

    @query
    async def list_deputies(self, ctx: Context, r: pb.ListDeputiesRequest) -> pb.ListDeputiesResponse:
        """The deputations of an organ's posts, by first day."""
        async with self._database.transaction(ctx.principal.scope) as tx:
            organ = await one(tx, ORGANS, r.organ_id)
            if organ is None:
                raise not_found(ORGANS.name, r.organ_id)
            roll = await one(tx, DEPUTY_ROLLS, deputy_roll_id(organ.district))
        mine = [d for d in roll.deputations if d.organ_id == organ.id] if roll else []
        return pb.ListDeputiesResponse(deputations=map(_deputation, sorted(mine, key=lambda d: d.valid_from)))

    @query
    async def get_staff_names(self, ctx: Context, r: pb.GetStaffNamesRequest) -> pb.GetStaffNamesResponse:
        """Names by id."""
        async with self._database.transaction(ctx.principal.scope) as tx:
            return pb.GetStaffNamesResponse(names=dict(await tx.rows(_NAMES_SQL, (list(r.person_ids),))))


def _day(ctx: Context, text: str) -> date:
    return real_date("on", text) if text else beijing(ctx.now).date()


def _organ(organ: Organ, place: Place) -> pb.Organ:
    return pb.Organ(
        organ_id=organ.id,
        code=organ.code,
        name=organ.name,
        short_name=organ.short_name,
        kind=place.kind,
        tier=place.tier,
        region_code=place.region_code,
        parent_organ_id=place.parent_id,
        organ_path=place.path,
        phone=organ.phone,
        valid_from_on=place.valid_from.isoformat(),
    )


def _staff(member: StaffMember, posts: list[Post]) -> pb.StaffMember:
    return pb.StaffMember(
        person_id=member.id,
        login=member.login,
        name=member.name,
        sex=member.sex,
        phone=member.phone.masked if member.phone else "",
        posts=[
            pb.Post(
                post_id=p.id,
                person_id=p.person_id,
                organ_id=p.organ_id,
                role=p.role,
                valid_from_on=p.valid_from.isoformat(),
                valid_to_on=p.valid_to.isoformat() if p.valid_to else "",
            )
            for p in posts
        ],
    )


def _deputation(d: Deputation) -> pb.Deputation:
    return pb.Deputation(
        deputation_id=d.id,
        post_id=d.post_id,
        organ_id=d.organ_id,
        role=d.role,
        principal_id=d.principal_id,
        deputy_id=d.deputy_id,
        valid_from_on=d.valid_from.isoformat(),
        valid_to_on=d.valid_to.isoformat(),
        ground=d.ground,
        end_ground=d.end_ground,
    )
