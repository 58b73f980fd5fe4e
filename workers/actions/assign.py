"""`assign`: the person who keeps the appointment."""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ValidationInfo, model_validator

from service.highlevel.appointments import Appointment, EditAppointment
from service.store.appointments import LastSeen
from service.store.reservations import Reservation
from service.store.turns import Turn
from workers.actions.action import Action, ActionContext, LeftAlone, Plan, SoAlready, Write
from workers.actions.aim import Aim, aim
from workers.actions.choosing import Choosing
from workers.actions.notify import Notify, also_told
from workers.actions.present import as_status, present
from workers.assignment.candidate import Told
from workers.assignment.ways import RoundRobin, Ways, Weighted
from workers.names import Named, Skill, names_in
from workers.other_words import nearest
from workers.values import one_or_many
from workers.words import fault, faults, shown, wrong

CREDITED: Final = {"cancelled": ("cancelled", "deleted"), "no_show": ("noshow",)}
"""How a booking has ended of which an author says so, in HighLevel's words."""


def _known_skill(skill: str, info: ValidationInfo) -> str:
    names = names_in(info)
    known = {each for profile in names.profiles.values() for each in profile.skills}
    if names.whole and skill not in known:
        raise wrong(f"nobody under people has the skill {shown(skill)}", nearest(skill, known))
    return skill


class Assign(Action):
    """Give the appointment to a person, named or chosen. Of a whole series this one booking decides: whether they are
    free is asked of its time alone."""

    called: ClassVar[str] = "assign"
    example: ClassVar[str] = "{do: assign, to: {least_busy: evening, over: week}, replace: automatic}"
    decides_alone: ClassVar[bool] = True
    knows_series: ClassVar[bool] = True

    do: Literal["assign"]
    to: Ways
    """To whom: a person, a way of choosing one, or several of these, of which the first counts that yields somebody."""
    needs: Annotated[tuple[Annotated[Skill, AfterValidator(_known_skill)], ...], BeforeValidator(one_or_many)] = ()
    """Skills that whoever is chosen must have, all of them."""
    replace: Literal["nobody", "automatic", "anybody"] = "nobody"
    """Whose booking it may be so far: nobody's, somebody's whom HighLevel's own round robin or a rule chose, or
    anybody's."""
    credit: Annotated[tuple[Literal["cancelled", "no_show"], ...], BeforeValidator(one_or_many)] = ()
    """Bookings that end so do not count as given: the share or the turn comes back to whoever had it."""
    notify: Notify = False
    """Whether the client, and the account's own automations, are told."""

    @model_validator(mode="after")
    def _counts_what_it_credits(self) -> Self:
        if self.credit and not any(isinstance(way, RoundRobin | Weighted) for way in self.to):
            message = "credit is for round_robin and weighted, and no other way counts what was given"
            raise faults("credit", [fault(wrong(message, key=True), ("credit",))])
        return self

    def writes(self) -> frozenset[str]:
        return frozenset({"assignee"})

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        appointment = await present(context)
        if isinstance(appointment, LeftAlone):
            return appointment
        if kept := self._keeps(appointment, context.seen):
            return LeftAlone(kept)
        aimed = await aim(context, appointment, self.scope)
        if isinstance(aimed, LeftAlone):
            return aimed
        credit = tuple(status for word in self.credit for status in CREDITED[word])
        choosing = await Choosing.of(context, self.to, self.needs, credit)
        told: list[Told] = []
        reasons: list[str] = []
        for way in self.to:
            choice, turn = await choosing.by(way)
            told.extend(choice.candidates)
            if choice.person is None:
                reasons.append(choice.why)
                continue
            why = choice.why + (f"; before that, {'; '.join(dict.fromkeys(reasons))}" if reasons else "")
            return self._given(context, aimed, choice.person, why, turn, told)
        found = "nobody can take it: " + "; ".join(dict.fromkeys(reasons))
        return LeftAlone(found, otherwise=True, meant=_candidates(told))

    def _given(
        self,
        context: ActionContext,
        aimed: Aim,
        person: Named,
        why: str,
        turn: Turn,
        told: Iterable[Told],
    ) -> Plan | LeftAlone:
        booking = context.booking
        if person.id == aimed.assignee:
            has = "the whole series" if aimed.whole else "the booking"
            return SoAlready(f"{person} has {has} already: {why}", turn, meant=_candidates(told))
        write = EditAppointment(
            event_id=aimed.event_id,
            appointment_status=as_status(aimed.appointment),
            assigned_user_id=person.id,
            to_notify=self.notify,
        )
        meant: dict[str, Any] = {
            **aimed.meant,
            **_candidates(told),
            **Reservation(booking.id, person.id, booking.starts, booking.ends).meant(),
        }
        scope = " to the whole series, by the time of this one alone" if aimed.whole else ""
        return Plan((Write(write, f"assign {person}{scope}: {why}{also_told(self.notify)}", meant),), turn)

    def _keeps(self, appointment: Appointment, seen: LastSeen) -> str | None:
        """Why the person whose booking it is keeps it; None when they may be replaced."""
        if appointment.assigned_user_id is None or self.replace == "anybody":
            return None
        if self.replace == "nobody":
            return "somebody has the booking, and the rule replaces nobody"
        ours = seen.ours.get("assignee") == appointment.assigned_user_id
        by_hand = appointment.created_by is not None and appointment.created_by.user_id is not None
        if not ours and (seen.assignee_chosen or by_hand):
            return "somebody chose its person, and the rule replaces only what was automatic"
        return None


def _candidates(told: Iterable[Told]) -> dict[str, Any]:
    """As a step keeps them."""
    return {"candidates": [each.stored() for each in told]}
