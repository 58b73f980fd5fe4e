"""The file in which a sandbox's state is kept: one at a time has it, and it is always whole."""

import base64
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from service.embedded.error import EmbeddedError
from service.embedded.lock import Lock
from service.sandbox.complaints import complaints
from service.sandbox.kept import PROGRAM, VERSION, Kept


class StateError(Exception):
    """The state cannot be read or saved; its text is for people and names the file."""


class StateFile:
    def __init__(self, path: Path) -> None:
        self.path = path.resolve()  # a link stays one
        self.kept: Kept | None = None
        """What was in the file when it was opened; None if there was none."""
        self._lock = Lock(self.path.with_name(f".{self.path.name}.lock"))
        self._draft = self.path.with_name(f".{self.path.name}.draft")

    def open(self) -> None:
        """Take it for ourselves and read it; raises StateError. The lock stands beside it, for the file itself is
        another one after each save."""
        try:
            if not self._lock.take():
                raise StateError(f"the state {self.path} is in use by another sandbox: choose another file")
            self.kept = self.read()
        except EmbeddedError as error:
            raise StateError(f"the state {self.path} cannot be kept: {error}") from error
        except StateError:
            self.close()
            raise

    def close(self) -> None:
        self._lock.release()

    def write(self, text: str) -> None:
        """In place of what is there: whoever looks, and whatever ends us meanwhile, finds the one or the other. Raises
        OSError."""
        with suppress(FileNotFoundError):
            self._draft.unlink()  # of somebody who was killed
        descriptor = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        if os.geteuid() == 0:
            # Whoever owns the folder will want to start without root one day.
            owner = self.path.parent.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        os.replace(self._draft, self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def key(self, kept: Kept) -> Ed25519PrivateKey:
        """What webhooks were signed with. Raises StateError."""
        try:
            return Ed25519PrivateKey.from_private_bytes(base64.b64decode(kept.signing_key, validate=True))
        except ValueError as error:
            raise self.unreadable("signing_key: not 32 bytes in base64") from error

    def unreadable(self, why: str) -> StateError:
        return StateError(
            f"the state {self.path} cannot be used: {why}. Choose another file, or delete it to begin anew"
        )

    def read(self) -> Kept | None:
        """What is in it, whoever has it; None if there is no such file, or nothing in it. Raises StateError."""
        try:
            text = self.path.read_bytes().decode()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self.unreadable(error.strerror or "it cannot be read") from error
        except UnicodeDecodeError as error:
            raise self.unreadable(f"it is not UTF-8 at byte {error.start}") from error
        if not text.strip():
            return None
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise self.unreadable(f"no JSON in line {error.lineno}, column {error.colno}: {error.msg}") from error
        except RecursionError as error:
            raise self.unreadable("no JSON of ours, which is not that deep") from error
        self._require_ours(found)
        try:
            return Kept.model_validate(found)
        except ValidationError as error:
            raise self.unreadable("; ".join(complaints(error))) from error

    def _require_ours(self, found: Any) -> None:
        if not isinstance(found, dict) or found.get("program") != PROGRAM:
            raise self.unreadable("it is of another program")
        if found.get("version") != VERSION:
            raise self.unreadable(f"it is of another version than {VERSION}, which this one writes")
