"""Secrets of the embedded stack: made on first start, one file each, readable by the owner alone."""

import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path


class Vault:
    """A folder of secret files (mode 0600 in a folder of mode 0700)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)

    def path(self, name: str) -> Path:
        return self.folder / name

    def password(self, name: str) -> Path:
        """The file of a password, made when missing."""
        return self.keep(name, lambda: secrets.token_urlsafe(24).encode())

    def keep(self, name: str, make: Callable[[], bytes]) -> Path:
        """The file `name`, filled by `make` when missing. Written whole or not at all."""
        path = self.path(name)
        if not path.exists():
            self.write(name, make())
        return path

    def write(self, name: str, content: bytes) -> Path:
        """Put `content` into the file `name`, whole or not at all."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
        return path

    def read(self, name: str) -> str:
        """The text of a secret that exists."""
        return self.path(name).read_text()
