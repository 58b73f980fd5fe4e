"""Whose time is blocked: the people, and the calendars, that the words of a rule come to when it acts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from service.highlevel.calendars import GetCalendar
from workers.actions.action import ActionContext, LeftAlone
from workers.actions.block_words import ASSIGNEE, OfCalendar, OfTeam, Target
from workers.names import Named
from workers.references import Reference

EVENT_CALENDAR = "event"
"""The one type of calendar that can be blocked itself (public reports); elsewhere HighLevel wants a person."""


@dataclass(frozen=True)
class Whose:
    """A person's time on all calendars, or that of a calendar."""

    id: str
    name: str
    calendar: bool = False

    @property
    def calendar_id(self) -> str | None:
        return self.id if self.calendar else None

    @property
    def user_id(self) -> str | None:
        return None if self.calendar else self.id

    @classmethod
    def of(cls, person: Named) -> "Whose":
        return cls(person.id, str(person))


async def meant(targets: Sequence[Target], context: ActionContext) -> list[Whose] | LeftAlone:
    """Each once. Raises HighLevelError, or MissingFact."""
    found: dict[str, Whose] = {}
    for target in targets:
        whose = await _meant(target, context)
        if isinstance(whose, LeftAlone):
            return whose
        found |= {each.id: each for each in whose}
    return list(found.values())


async def _meant(target: Target, context: ActionContext) -> Sequence[Whose] | LeftAlone:
    match target:
        case Named() | Reference():
            return [Whose.of(context.known(target))]
        case OfCalendar(calendar):
            return await _of_calendar(calendar.id, context, f"nobody is on the team of {calendar}")
        case OfTeam(team):
            if team.members is None:
                return await _of_calendar(context.booking.calendar_id, context, "nobody is on the calendar's team")
            return [Whose.of(member) for member in team.members]
        case "assignee":
            return await _assignee(context)
        case _:
            assert_never(target)


async def _assignee(context: ActionContext) -> Sequence[Whose] | LeftAlone:
    """A booking that nobody has blocks its calendar, if that can be."""
    if context.booking.assignee is not None:
        return [Whose.of(context.names.person_with(context.booking.assignee))]
    calendar = (await context.api(GetCalendar(calendar_id=context.booking.calendar_id))).calendar
    if calendar.calendar_type != EVENT_CALENDAR:
        return LeftAlone("nobody has the booking, and its calendar is not of type event: whom to block?")
    return [Whose(calendar.id, str(context.names.calendar_with(calendar.id)), calendar=True)]


async def _of_calendar(calendar_id: str, context: ActionContext, nobody: str) -> Sequence[Whose] | LeftAlone:
    calendar = (await context.api(GetCalendar(calendar_id=calendar_id))).calendar
    if calendar.calendar_type == EVENT_CALENDAR:
        return [Whose(calendar.id, str(context.names.calendar_with(calendar.id)), calendar=True)]
    people = [Whose.of(context.names.person_with(each)) for each in calendar.team]
    return people or LeftAlone(nobody)


def fewest(targets: Sequence[Target]) -> int:
    """How many they come to at least, as far as their words tell."""
    return len(set(_ids(targets)))


def _ids(targets: Sequence[Target]) -> Iterator[str]:
    for target in targets:
        match target:
            case Named(id=id_):
                yield id_
            case OfTeam(team):
                yield from (member.id for member in team.members or ())
            case _:
                yield str(target)


def about_booking(targets: Sequence[Target]) -> bool:
    """Whether nobody can say whose time it is without a booking."""
    return not targets or any(
        target == ASSIGNEE or (isinstance(target, OfTeam) and target.team.members is None) for target in targets
    )
