"""Number series: never reused, not gapless, given out in blocks so that registering does not wait for a counter."""

import asyncio

from tiaochu_kit.database import Database

BLOCK = 20
_TAKE_SQL = "INSERT INTO number_series (series, next) VALUES (%s, 1 + %s) ON CONFLICT (series) DO UPDATE SET next = number_series.next + %s RETURNING next"


class NumberSeries:
    """Numbers from 1 in any number of named series."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._blocks: dict[str, list[int]] = {}
        self._taking = asyncio.Lock()

    async def next(self, series: str) -> int:
        """The next number of `series`. Numbers in hand when a process ends are lost, which is allowed."""
        async with self._taking:
            block = self._blocks.get(series)
            if not block:
                async with self._database.transaction() as tx:
                    end = (await tx.rows(_TAKE_SQL, (series, BLOCK, BLOCK)))[0][0]
                block = self._blocks[series] = list(range(end - 1, end - BLOCK - 1, -1))
            return block.pop()
