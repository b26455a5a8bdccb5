"""What stops the stack from starting, in one sentence a person can act on."""

import errno
import shutil
from pathlib import Path

MIN_FREE_BYTES = 512 * 1024 * 1024


class Problem(Exception):
    """The stack cannot do what was asked; `zh` and `en` say what to do about it."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en, self.zh = en, zh

    def __str__(self) -> str:
        return f"{self.zh}\n{self.en}"


def require_space(folder: Path) -> None:
    """Raise a `Problem` unless the disk under `folder` has room for a start: databases fail in worse ways later."""
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE_BYTES:
        mb = free // (1024 * 1024)
        raise Problem(
            f"Only {mb} MB are free under {folder}; the stack needs 512 MB: free some space or choose another --run-dir.",
            f"{folder} 所在磁盘只剩 {mb} MB,至少需要 512 MB:请清理磁盘,或用 --run-dir 指定其他目录。",
        )


def from_os_error(error: OSError, doing: str) -> Problem:
    """The `Problem` behind a failed system call, `doing` naming the file or step."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Problem(f"The disk is full ({doing}): free some space and start again.", f"磁盘已满({doing}):请清理磁盘后重新启动。")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Problem(
            f"Not allowed to write ({doing}): choose another --run-dir or mend its owner.",
            f"没有写入权限({doing}):请更换 --run-dir 目录或修正目录属主。",
        )
    return Problem(f"{doing}: {error.strerror or error}.", f"{doing}:{error.strerror or error}。")
