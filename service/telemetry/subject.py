"""What is being worked on: the ids that every log line, and every error on its way out, carries along."""

import contextlib
from collections.abc import Iterator, Mapping
from uuid import UUID

import structlog

CARRIED = "_slotwright_ids"


@contextlib.contextmanager
def working_on(**ids: str | UUID) -> Iterator[None]:
    """Bind ids to every line logged in the body, and to every error that leaves it, which is told of further up."""
    told = {name: str(value) for name, value in ids.items()}
    with structlog.contextvars.bound_contextvars(**told):
        try:
            yield
        except Exception as error:
            carried = vars(error).setdefault(CARRIED, {})
            for name, value in told.items():
                carried.setdefault(name, value)
            raise


def carried_by(error: BaseException | None) -> Mapping[str, str]:
    """What was being worked on where the error, or what caused it, arose."""
    found: dict[str, str] = {}
    for each in with_causes(error):
        for name, value in getattr(each, CARRIED, {}).items():
            found.setdefault(name, value)
    return found


def with_causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came from, as a traceback would show them. A ring of causes is walked once."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
