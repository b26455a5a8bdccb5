"""The whole directory of a district from files: what is new is added, what differs is changed, the same files again change nothing."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from tiaochu.routing.v1 import directory_service_pb2 as pb
from tiaochu_domainkit import identity
from tiaochu_domainkit.errors import invalid
from tiaochu_domainkit.quantities import real_date
from tiaochu_domainkit.sealing import Keyring, Sealed
from tiaochu_kit.documents import Read
from tiaochu_kit.usecase import Work, command
from tiaochu_routing.domain.directory import MediatorEntry, Parentage, Region, StaffMember
from tiaochu_routing.domain.organs import place_under
from tiaochu_routing.usecases.directory import fill, place_of, put_organ
from tiaochu_routing.usecases.scopes import own_district
from tiaochu_routing.usecases.tables import MEDIATORS, ORGANS, REGIONS, STAFF, STAFF_POSTS, post_id, region_id


def _reads(r: pb.ImportDirectoryRequest) -> Iterator[Read]:
    yield from (REGIONS.by_id(region_id(x.code)) for x in r.regions)
    yield from (ORGANS.by_id(x.organ_id) for x in r.organs)
    yield from (ORGANS.by_id(x.organ_id) for x in r.posts)
    yield from (STAFF.by_id(x.person_id) for x in r.staff)
    yield from (STAFF.by_id(x.person_id) for x in r.posts)
    yield from (STAFF_POSTS.by_id(post_id(x.person_id, x.organ_id, x.role, x.valid_from_on)) for x in r.posts)
    yield from (MEDIATORS.by_id(x.person_id) for x in r.mediators)


class DirectoryImport:
    """Reads the files' content into the directory."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    @command(reads=lambda r: list(_reads(r)))
    def import_directory(self, work: Work, r: pb.ImportDirectoryRequest) -> pb.ImportDirectoryResponse:
        """Bring the directory up to what the files say. ORGAN_UNKNOWN, ORGAN_CYCLE, PERSON_UNKNOWN with the path of the row."""
        district = own_district(work.actor, r.district)
        day = real_date("valid_from_on", r.valid_from_on)
        regions = sum(_put_region(work, district, x, _day(x.valid_from_on, f"regions[{i}]", day)) for i, x in enumerate(r.regions))
        organs = _put_organs(work, district, r.organs, day)
        staff = sum(self._put_staff(work, district, x, f"staff[{i}]") for i, x in enumerate(r.staff))
        posts = sum(_put_post(work, district, x, f"posts[{i}]") for i, x in enumerate(r.posts))
        mediators = sum(_put_mediator(work, district, x, f"mediators[{i}]") for i, x in enumerate(r.mediators))
        return pb.ImportDirectoryResponse(regions=regions, organs=organs, staff=staff, posts=posts, mediators=mediators)

    def _put_staff(self, work: Work, district: str, x: pb.StaffMember, path: str) -> bool:
        name = identity.name(f"{path}.name", x.name)
        known = work.find(STAFF, x.person_id)
        phone = self._sealed(known, x, path)
        if known is None:
            new = StaffMember(id=x.person_id, district=district, login=x.login, name=name, sex=x.sex, phone=phone)
            work.add(STAFF, new)
            return True
        before = (known.login, known.name, known.sex, known.phone)
        known.login, known.name, known.sex, known.phone = x.login, name, x.sex, phone
        return before != (known.login, known.name, known.sex, known.phone)

    def _sealed(self, known: StaffMember | None, x: pb.StaffMember, path: str) -> Sealed | None:
        """Sealed anew only when the number differs: each sealing makes another token."""
        if not x.phone:
            return None
        number = identity.phone(f"{path}.phone", x.phone)
        if known is not None and known.phone is not None and known.phone.index == self._keyring.blind_index(number, "phone"):
            return known.phone
        return self._keyring.seal_phone(number, table=STAFF.name, row=x.person_id, field="phone")


def _day(text: str, path: str, default: date) -> date:
    return real_date(f"{path}.valid_from_on", text) if text else default


def _put_region(work: Work, district: str, x: pb.Region, day: date) -> bool:
    known = work.find(REGIONS, region_id(x.code))
    if known is None:
        parents = [Parentage(day, x.parent_code)]
        work.add(REGIONS, Region(id=region_id(x.code), district=district, code=x.code, name=x.name, level=x.level, parents=parents))
        return True
    before = (known.name, known.level, list(known.parents))
    known.name, known.level = x.name, x.level
    if known.parents[-1].parent_code != x.parent_code:
        known.parents = [*(p for p in known.parents if p.valid_from < day), Parentage(day, x.parent_code)]
    return before != (known.name, known.level, known.parents)


def _put_organs(work: Work, district: str, organs: Sequence[pb.Organ], day: date) -> int:
    """Parents first, in whatever order the file has them."""
    rows = {x.organ_id: (index, x) for index, x in enumerate(organs)}
    paths: dict[str, str] = {}
    put = 0
    for index, x in enumerate(organs):
        parent_path = _path(work, rows, paths, x.parent_organ_id, index, ())
        place = place_of(x, parent_path, _day(x.valid_from_on, f"organs[{index}]", day))
        put += put_organ(work, district, x, place)
    return put


def _path(
    work: Work, rows: Mapping[str, tuple[int, pb.Organ]], paths: dict[str, str], organ_id: str, child: int, below: tuple[str, ...]
) -> str:
    """The path of a parent: by the file where the file has it, else by the directory."""
    if not organ_id or organ_id in paths:
        return paths.get(organ_id, "")
    if organ_id in below:
        raise invalid(f"organs[{child}].parent_organ_id", "ORGAN_CYCLE", "单位的上下级关系成环")
    if organ_id not in rows:
        raise invalid(f"organs[{child}].parent_organ_id", "ORGAN_UNKNOWN", "上级单位不在文件中")
    index, x = rows[organ_id]
    paths[organ_id] = place_under(_path(work, rows, paths, x.parent_organ_id, index, (*below, organ_id)), organ_id)
    return paths[organ_id]


def _put_post(work: Work, district: str, x: pb.Post, path: str) -> bool:
    organ = work.find(ORGANS, x.organ_id)
    if organ is None:
        raise invalid(f"{path}.organ_id", "ORGAN_UNKNOWN", "该单位不存在")
    if work.find(STAFF, x.person_id) is None:
        raise invalid(f"{path}.person_id", "PERSON_UNKNOWN", "该人员不存在")
    day = real_date(f"{path}.valid_from_on", x.valid_from_on)
    if work.find(STAFF_POSTS, post_id(x.person_id, x.organ_id, x.role, x.valid_from_on)) is not None:
        return False
    post = fill(work, district, x.person_id, organ, x.role, day)
    if x.valid_to_on:
        post.vacate(real_date(f"{path}.valid_to_on", x.valid_to_on), work.now)
    return True


def _put_mediator(work: Work, district: str, x: pb.MediatorEntry, path: str) -> bool:
    term_end = real_date(f"{path}.term_end_on", x.term_end_on)
    entry = MediatorEntry(
        id=x.person_id,
        district=district,
        specialties=list(x.specialties),
        languages=list(x.languages),
        care_skills=list(x.care_skills),
        term_end=term_end,
        max_load=x.max_load,
    )
    known = work.find(MEDIATORS, x.person_id)
    if known is None:
        work.add(MEDIATORS, entry)
        return True
    entry.version = known.version
    if known == entry:
        return False
    for name in ("specialties", "languages", "care_skills", "term_end", "max_load"):
        setattr(known, name, getattr(entry, name))
    return True
