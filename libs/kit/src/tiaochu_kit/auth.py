"""Who calls: a person by an OIDC token, a service by its certificate. A token names the person only; posts come from the directory's log."""

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Any

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tiaochu_domainkit.access import day_of_posts
from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit.database import Database
from tiaochu_kit.errors import unavailable
from tiaochu_kit.principal import ALL_DISTRICTS, Principal
from tiaochu_kit.settings import Settings

POSTS_SECONDS = 1.0
"""How long a person's posts are believed without looking again."""
LEEWAY_SECONDS = 60
REFRESH_SECONDS = 300.0
"""How old the issuer's keys may be: a key it took back opens nothing after that."""
SEEK_SECONDS = 5.0
"""Between two searches for keys not seen yet, so that forged tokens do not reach the issuer."""

_POSTS_SQL = """
WITH own AS (
  SELECT organ_id, organ_path, role, district, '' AS deputised_post, valid_from, post_id FROM posts
  WHERE person_id = %s AND valid_from <= %s AND (valid_to IS NULL OR valid_to > %s)
), stood_in_for AS (
  SELECT p.organ_id, p.organ_path, p.role, p.district, p.post_id, d.valid_from, p.post_id FROM deputations d JOIN posts p USING (post_id)
  WHERE d.deputy_id = %s AND d.valid_from <= %s AND d.valid_to > %s AND p.valid_from <= %s AND (p.valid_to IS NULL OR p.valid_to > %s)
    AND p.district IN (SELECT district FROM own)
    AND NOT EXISTS (SELECT 1 FROM log_checks WHERE producer = 'routing' AND good_until < now())
)
SELECT organ_id, organ_path, role, district, deputised_post FROM (SELECT * FROM own UNION ALL SELECT * FROM stood_in_for) AS held
ORDER BY deputised_post <> '', valid_from, post_id
"""
"""Own posts first. A deputy's are valid while theirs and the principal's are, and while the directory's log was read to its head lately."""


@dataclass(frozen=True)
class _Post:
    """A role a person has today; `deputised_post` names the post where it is somebody else's."""

    organ_id: str
    organ_path: str
    role: str
    district: str
    deputised_post: str


def unauthenticated(why: str) -> DomainError:
    """The caller is not known."""
    return DomainError(Kind.UNAUTHENTICATED, "UNAUTHENTICATED", why, "请先登录", {})


class Tokens:
    """Checks tokens against the issuer's published keys; remembers a checked token until it expires."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys = IssuerKeys(settings.oidc_jwks_url)
        self._checked: dict[str, tuple[str, float, str]] = {}

    async def subject(self, token: str, now: datetime) -> str:
        """The person a token names. Raises `UNAUTHENTICATED`."""
        names = await self._keys.refresh()
        known = self._checked.get(token)
        if known is not None and known[1] > now.timestamp() and known[2] in names:
            return known[0]
        claims = await self._verify(token, now)
        if len(self._checked) > 10_000:
            self._checked.clear()
        self._checked[token] = (str(claims["sub"]), float(claims["exp"]), _key_name(token))
        return str(claims["sub"])

    async def _verify(self, token: str, now: datetime) -> dict[str, Any]:
        try:
            decoded = jwt.decode(token, await self._keys.having(token), algorithms=["ES256", "RS256"])
            registry = jwt.JWTClaimsRegistry(
                now=int(now.timestamp()),
                leeway=LEEWAY_SECONDS,
                iss={"essential": True, "value": self._settings.oidc_issuer or ""},
                aud={"essential": True, "value": self._settings.oidc_audience},
                sub={"essential": True},
                exp={"essential": True},
            )
            registry.validate(decoded.claims)
        except (JoseError, ValueError) as error:
            raise unauthenticated("the token is not valid") from error
        return dict(decoded.claims)


class IssuerKeys:
    """The issuer's published keys: fetched when first needed, every few minutes, and for a key not seen yet, though never in quick succession."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._keys: KeySet | None = None
        self._fetched = self._sought = -inf
        self._fetching, self._seeking = asyncio.Lock(), asyncio.Lock()

    async def having(self, token: str) -> KeySet:
        """The keys, with the one the token names if the issuer has it. Raises `UNAVAILABLE`, `UNAUTHENTICATED`, `ValueError`."""
        keys = self._keys or await self._fetch()
        named = _key_name(token)
        if named in _names(keys):
            return keys
        async with self._seeking:  # whoever comes with the new key while it is being fetched waits for it
            keys = self._keys or keys
            if named in _names(keys) or time.monotonic() - self._sought < SEEK_SECONDS:
                return keys
            self._sought = time.monotonic()
            return await self._fetch()

    async def refresh(self) -> frozenset[str | None]:
        """Names of the keys that count now; looks again if that is due. The issuer being away changes nothing."""
        if self._keys is not None and time.monotonic() - self._fetched > REFRESH_SECONDS:
            self._fetched = time.monotonic()
            with contextlib.suppress(DomainError):
                await self._fetch()
        return _names(self._keys) if self._keys is not None else frozenset()

    async def _fetch(self) -> KeySet:
        if self._url is None:
            raise unauthenticated("no issuer is configured")
        async with self._fetching:
            try:
                async with httpx2.AsyncClient(timeout=3) as client:
                    answer = await client.get(self._url)
                    answer.raise_for_status()
                    self._keys = KeySet.import_key_set(answer.json())
            except (httpx2.HTTPError, ValueError) as error:
                raise unavailable("the issuer") from error
            self._fetched = time.monotonic()
            return self._keys


def _names(keys: KeySet) -> frozenset[str | None]:
    return frozenset(key.kid for key in keys.keys)


def _key_name(token: str) -> str:
    try:
        head = token.split(".", 1)[0]
        name = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))).get("kid")
    except (ValueError, AttributeError, RecursionError) as error:
        raise unauthenticated("the token is not valid") from error
    return str(name)


class Posts:
    """A person's posts, and those they stand in for, from the directory's log as this service has read it."""

    def __init__(self, database: Database, first_admin: str | None = None) -> None:
        self._database = database
        self._first_admin = first_admin
        self._known: dict[str, tuple[float, list[_Post]]] = {}

    async def principal(self, person_id: str, organ_id: str, needed: Collection[str], now: datetime) -> Principal:
        """The person in the posts at `organ_id`, or where the first post is. Without any post: a principal without roles.

        Who also stands in for others there acts in a post of their own where that has a role of those `needed` (`*`: any), else as a deputy.
        """
        posts = await self._posts(person_id, now)
        if not posts and person_id == self._first_admin:
            return Principal(person_id, frozenset({"system_admin"}), organ_path="/", districts=frozenset({ALL_DISTRICTS}))
        organ = organ_id or (posts[0].organ_id if posts else "")
        mine = [p for p in posts if p.organ_id == organ]
        return Principal(
            id=person_id,
            roles=frozenset(p.role for p in mine),
            organ_id=organ if mine else "",
            organ_path=mine[0].organ_path if mine else "",
            districts=frozenset(p.district for p in mine),
            deputised_post=next((p.deputised_post for p in mine if "*" in needed or p.role in needed), ""),
        )

    async def _posts(self, person_id: str, now: datetime) -> list[_Post]:
        known = self._known.get(person_id)
        if known is not None and time.monotonic() - known[0] < POSTS_SECONDS:
            return known[1]
        today = day_of_posts(now)
        async with self._database.transaction() as tx:
            rows = await tx.rows(_POSTS_SQL, (person_id, today, today, person_id, today, today, today, today))
        posts = [_Post(*row) for row in rows]
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[person_id] = (time.monotonic(), posts)
        return posts
