"""Who may do what: the holder of a fitting role in an organ, as the directory's files and the RPCs' own access options have it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from google.protobuf.message import Message

from tiaochu_cli.rpcs import method_of
from tiaochu_demo.directory.model import Directory, Organ, StaffMember
from tiaochu_demo.driver.rpcs import roles_of


@dataclass(frozen=True)
class Actor:
    """A person acting in the post at an organ."""

    person_id: str
    organ_id: str
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.person_id


class Cast:
    """The staff of a district, asked for by what is to be done and where."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    def at(self, request: type[Message], organ_id: str, *, besides: Collection[str] = ()) -> Actor:
        """Somebody in this organ who may call the RPC, other than the persons in `besides`. Raises `LookupError`."""
        found = next(self._holders(request, organ_id, besides), None)
        if found is None:
            raise LookupError(f"nobody in {self.organ(organ_id).name} may call {method_of(request).name}")
        return found

    def above(self, request: type[Message], organ_id: str, *, besides: Collection[str] = ()) -> Actor:
        """Somebody in this organ, or in the nearest one above it that has somebody. Raises `LookupError`."""
        for organ in self.upwards(organ_id):
            found = next(self._holders(request, organ.id, besides), None)
            if found is not None:
                return found
        raise LookupError(f"nobody in or above {self.organ(organ_id).name} may call {method_of(request).name}")

    def person(self, person_id: str, request: type[Message], organ_id: str = "") -> Actor:
        """This person in a post that may call the RPC, in the organ named where there is one. Raises `LookupError`."""
        roles = roles_of(method_of(request))
        member = self.member(person_id)
        posts = [p for p in member.posts if p.role in roles or "*" in roles]
        for post in sorted(posts, key=lambda p: p.organ_id != organ_id):
            return Actor(person_id, post.organ_id, member.name)
        raise LookupError(f"{member.name} may not call {method_of(request).name}")

    def role(self, role: str, organ_id: str = "") -> Actor:
        """The first holder of a role, anywhere or in an organ. Raises `LookupError`."""
        for member in self.directory.holders(role, organ_id or None):
            post = next(p for p in member.posts if p.role == role and organ_id in ("", p.organ_id))
            return Actor(member.id, post.organ_id, member.name)
        raise LookupError(role)

    def organ(self, organ_id: str) -> Organ:
        """An organ of the district."""
        return self.directory.organs_by_id[organ_id]

    def upwards(self, organ_id: str) -> Iterator[Organ]:
        """The organ, then those above it up to the root."""
        while organ_id:
            organ = self.organ(organ_id)
            yield organ
            organ_id = organ.parent_id

    def is_above(self, upper_id: str, lower_id: str) -> bool:
        """Whether the first organ stands above the second."""
        return upper_id != lower_id and any(o.id == upper_id for o in self.upwards(lower_id))

    def member(self, person_id: str) -> StaffMember:
        """A member of staff. Raises `LookupError`."""
        for member in self.directory.staff:
            if member.id == person_id:
                return member
        raise LookupError(person_id)

    def _holders(self, request: type[Message], organ_id: str, besides: Collection[str]) -> Iterator[Actor]:
        roles = roles_of(method_of(request))
        for member in self.directory.staff:
            if member.id not in besides and any(p.organ_id == organ_id and (p.role in roles or "*" in roles) for p in member.posts):
                yield Actor(member.id, organ_id, member.name)
