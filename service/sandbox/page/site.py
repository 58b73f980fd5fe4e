"""The page's addresses: what each shows, and what is done where one is posted to."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import wraps
from itertools import islice
from secrets import token_urlsafe
from typing import Any

from aiohttp import web

from service.availability.intervals import Interval
from service.availability.slots import INSTANT
from service.highlevel.operation import Operation
from service.sandbox import refusals
from service.sandbox.desk import Desk
from service.sandbox.lever import Lever
from service.sandbox.page import deeds
from service.sandbox.page.forms import Sent, read_form
from service.sandbox.page.pages import Pages
from service.sandbox.page.seats import seats_of
from service.sandbox.page.service_sheet import service_sheet_of
from service.sandbox.page.sheet import moves, sheet_of
from service.sandbox.page.upcoming import upcoming_of
from service.sandbox.page.view import (
    PAGES,
    WEEK_PATH,
    ZONES,
    Unclear,
    View,
    calendars_of,
    nearest,
    people_of,
    read_view,
)
from service.sandbox.page.week import places, week_of
from service.sandbox.page.words import day_and_clock, length_words, moment_words, name_of, zone_words
from service.sandbox.refusals import Refusal
from service.sandbox.world.moments import local_text
from service.sandbox.world.records import Appointment
from service.sandbox.world.world import Change

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LATELY = 40
"""So many changes stand beside the week."""


class Site:
    def __init__(self, desk: Desk, levers: Sequence[Lever]) -> None:
        self._desk = desk
        self._world = desk.world
        self._levers = sorted(levers, key=lambda lever: lever.path)
        self._pages = Pages()
        self._sent = Sent()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        one = f"{PAGES}/bookings/{{appointment_id}}"
        router.add_get("/", _send_browsers_here)
        router.add_get(WEEK_PATH, self._plainly(self._show_week))
        router.add_get(f"{PAGES}/new", self._plainly(self._show_form))
        router.add_post(f"{PAGES}/bookings", self._plainly(self._book))
        router.add_get(one, self._plainly(self._show_booking))
        router.add_get(f"{PAGES}/service-bookings/{{booking_id}}", self._plainly(self._show_service_booking))
        router.add_get(f"{PAGES}/levers", self._plainly(self._show_levers))
        router.add_get(f"{PAGES}/static/{{name}}", self._pages.static)
        for name, deed in DEEDS.items():
            router.add_post(f"{one}/{name}", self._plainly(self._doing(deed)))

    def _plainly(self, handler: Handler) -> Handler:
        """What is not there or not understood is a page of its own."""

        @wraps(handler)
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except Unclear as error:
                return self._pages.page("unclear.html", status=error.status, title=error.title, detail=error.detail)
            except web.HTTPRequestEntityTooLarge:
                return self._pages.page(
                    "unclear.html", status=413, title="Too large", detail="This is more than any form of ours sends."
                )

        return handle

    @web.middleware
    async def say_what_is_not_saved(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status != 503 or not request.path.startswith(f"{PAGES}/"):
            return response
        words = f"{refusals.not_saved().message} A sandbox that is started again will not know of it."
        return self._pages.page("unclear.html", status=503, title="Done, but not saved", detail=words)

    async def _show_week(self, request: web.Request) -> web.Response:
        view = read_view(self._world, request.query)
        week, here = week_of(self._world, view), view.location.id
        changes = islice((change for change in reversed(self._world.changes) if change.location_id == here), LATELY)
        return self._pages.page(
            "week.html",
            part="part" in request.query,
            week=week,
            upcoming=upcoming_of(self._world, view, week),
            changes=[self._told_of(change, view) for change in changes],
            locations=list(self._world.locations.values()),
            calendars=self._world.calendars.of(view.location.id),
            people=[(person.id, name_of(person)) for person in people_of(self._world, view.location)],
            theirs=[] if view.person is None else calendars_of(self._world, view.location, view.person),
            earlier=nearest(view.monday - timedelta(days=7)),
            later=nearest(view.monday + timedelta(days=7)),
            zones=dict.fromkeys((view.location.timezone.key, *ZONES, view.zone.key)),
            **self._told(view),
        )

    def _told_of(self, change: Change, view: View) -> dict[str, str]:
        """With where its booking is, and the week in which that is now."""
        told = {"at": moment_words(change.at, view.zone), "text": change.text, "by": change.by}
        appointment = self._world.appointment(view.location, change.booking_id)
        service = self._world.service_bookings.find(view.location.id, change.booking_id)
        found = appointment or service
        if found is None:
            return {**told, "booking": "", "week": ""}
        week = view.day_link(found.start_time) + ("" if found.deleted else f"#booking-{change.booking_id}")
        link = view.service_link if service else view.drawn_link
        return {**told, "booking": link(change.booking_id), "week": week}

    async def _show_form(self, request: web.Request) -> web.Response:
        return self._form(read_view(self._world, request.query), request.query.get("start", ""), {})

    async def _book(self, request: web.Request) -> web.StreamResponse:
        view, form = read_view(self._world, request.query), await read_form(request)
        if view.calendar is None:
            raise Unclear(404, "No such calendar", "Bookings are made on a calendar.")
        if led_to := self._sent.led_to(view.calendar.id, form):
            return _see(led_to)
        operation = deeds.booking(view.location, view.calendar.id, form)
        try:
            outcome = await deeds.carry_out(self._desk, view.location, operation)
        except Refusal as refusal:
            return self._form(view, form.get("start", ""), form, refusal)
        address = view.link() + f"#booking-{outcome.body['id']}"
        self._sent.keep(view.calendar.id, form, address)
        return _see(address)

    def _form(self, view: View, start: str, said: Mapping[str, str], refusal: Refusal | None = None) -> web.Response:
        """To be filled in for one free slot; with what HighLevel says where it was filled in to no avail."""
        if view.calendar is None:
            raise Unclear(404, "No such calendar", "Bookings are made on a calendar.")
        at = _moment(start)
        offer = next(iter(places(self._world, view, view.calendar, Interval(at, at + INSTANT))), None)
        free = () if offer is None else offer.people
        contacts = [(each.id, name_of(each)) for each in self._world.contacts.of(view.location.id)]
        return self._pages.page(
            "new.html",
            status=200 if refusal is None and offer is not None else 404 if refusal is None else refusal.status,
            calendar=view.calendar,
            together=view.calendar.calendar_type == "collective",
            when=day_and_clock(at, view.zone),
            start=local_text(at, view.location.timezone),
            once=token_urlsafe(12),
            offer=offer,
            seats="" if offer is None else seats_of(self._world, view.calendar, [offer]).get(offer.start, ""),
            people=[(each, name_of(self._world.user(view.location, each), each)) for each in free],
            contacts=sorted(contacts, key=lambda contact: contact[1]),
            strict=self._world.strict,
            said=said,
            refusal=refusal,
            **self._told(view, at),
        )

    async def _show_booking(self, request: web.Request) -> web.Response:
        view = read_view(self._world, request.query)
        appointment = self._booking(request, view)
        return self._sheet(view, appointment, part="part" in request.query, done=request.query.get("done", ""))

    async def _show_service_booking(self, request: web.Request) -> web.Response:
        view = read_view(self._world, request.query)
        booking = self._world.service_bookings.find(view.location.id, request.match_info["booking_id"])
        if booking is None:
            raise Unclear(404, "No such booking", "This location has no service booking of this id, and had none.")
        return self._pages.page(
            "service.html",
            part="part" in request.query,
            sheet=service_sheet_of(self._world, view, booking),
            live=f"{view.service_link(booking.booking_id)}{'&' if view.query else '?'}part=1",
            back=view.day_link(booking.start_time),
            **self._told(view, booking.start_time),
        )

    def _doing(self, deed: Callable[[Appointment, Mapping[str, str]], Operation[Any]]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            view, form = read_view(self._world, request.query), await read_form(request)
            before = self._booking(request, view)
            try:
                await deeds.carry_out(self._desk, view.location, deed(before, form))
            except Refusal as refusal:
                return self._sheet(view, self._booking(request, view), refusal=refusal, said=form)
            if deed is deeds.deletion:
                return _see(view.day_link(before.start_time))
            return _see(view.booking_link(before.id, week=None, done=request.path.rpartition("/")[2]))

        return handle

    def _sheet(
        self,
        view: View,
        appointment: Appointment,
        *,
        part: bool = False,
        done: str = "",
        refusal: Refusal | None = None,
        said: Mapping[str, str] | None = None,
    ) -> web.Response:
        sheet = sheet_of(self._world, view, appointment)
        return self._pages.page(
            "booking.html",
            status=200 if refusal is None else refusal.status,
            part=part,
            sheet=sheet,
            done=DONE.get(done, "").format(sheet.when if done == "move" else sheet.status_words),
            moves={} if part else moves(self._world, view, appointment),
            back=view.day_link(appointment.start_time),
            refusal=refusal,
            said=said or {},
            **self._told(view, appointment.start_time),
        )

    async def _show_levers(self, request: web.Request) -> web.Response:
        return self._pages.page("levers.html", levers=self._levers, address=str(request.url.origin()))

    def _booking(self, request: web.Request, view: View) -> Appointment:
        appointment = self._world.appointment(view.location, request.match_info["appointment_id"])
        if appointment is None:
            raise Unclear(404, "No such booking", "This location has no booking of this id, and had none.")
        return appointment

    def _told(self, view: View, *moments: datetime) -> dict[str, Any]:
        """What every page says: where and when this is. The zone's offset is that of the week, or of these moments."""
        now = self._world.now()
        return {
            "view": view,
            "now": day_and_clock(now, view.zone),
            "today": now.astimezone(view.zone).date(),
            "zone": zone_words(view.zone, *(moments or (view.window.starts, view.window.ends))),
            "ahead": self._world.ahead,
            "ahead_words": length_words(self._world.ahead),
            "moved_on": self._world.ahead.total_seconds() > 0,
        }


DEEDS: dict[str, Callable[[Appointment, Mapping[str, str]], Operation[Any]]] = {
    "move": deeds.move,
    "status": deeds.status,
    "delete": deeds.deletion,
    "notes": deeds.note,
}
"""What can be done to a booking, by the last part of the address."""
DONE = {"move": "Moved to {}.", "status": "Set to {}.", "notes": "The note is added."}
"""What is said once it is done."""


async def _send_browsers_here(request: web.Request) -> web.StreamResponse:
    """The API has nothing at its root."""
    if "text/html" in request.headers.get("Accept", ""):
        return _see(WEEK_PATH)
    raise web.HTTPNotFound


def _see(address: str) -> web.Response:
    """To be asked for by GET, so that to load it again does nothing again."""
    return web.Response(status=303, headers={"Location": address})


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None and 1971 <= moment.year < 9000:
            return moment
    except ValueError:
        pass
    raise Unclear(422, "No such time", f"{text!r} is no time; one is written as 2026-03-23T09:00:00+00:00.")
