"""The sandbox's page over HTTP: what it shows, what its forms do, and what it refuses."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest

from service.sandbox.page.pages import HEADERS as PAGE_HEADERS
from tests.sandbox_pages import GRACE, OTHER, SALON, TWO_SALONS, book_by_hand, changes, look, post
from tests.sandboxes import ADA, ALEX, CUTS, DANA, KIM, LOCATION, MONDAY, ROOM, Sandbox, at, opened, running, until

HOSTILE = "<script>document.title='ran'</script>\"'><img src=x>{{ 7 * 7 }}\u202e\x1b"
BOOKING = "/_sandbox/page/bookings"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(seed=SALON) as running_sandbox:
        yield running_sandbox


async def test_the_week_is_a_page_that_loads_nothing_foreign_and_runs_nothing_of_its_own(sandbox: Sandbox) -> None:
    async with sandbox.client.get("/_sandbox/") as response:
        page = await response.text()
        assert {name: response.headers[name] for name in PAGE_HEADERS} == PAGE_HEADERS
        assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert re.findall(r"<style|\sstyle=|\son\w+=|https?://", page) == []
    assert re.findall(r"<script[^>]*></script>", page) == re.findall(r"<script.*?>.*?</script>", page, re.DOTALL)
    assert "Europe/London (UTC+00:00, then UTC+01:00)" in page
    for path in re.findall(r'(?:href|src)="(/_sandbox/page/static/[^"]+)"', page):
        async with sandbox.client.get(path) as response:
            assert (response.status, "immutable" in response.headers["Cache-Control"]) == (200, True), path
            assert await response.read()
    async with sandbox.client.get("/_sandbox/page/static/..%2Fsite.py") as response:
        assert response.status == 404
    assert await sandbox.call("GET", "/_sandbox/calls") == []


async def test_the_levers_are_json_for_programs_and_browsers_are_sent_to_the_page(sandbox: Sandbox) -> None:
    levers = await sandbox.call("GET", "/_sandbox")
    async with sandbox.client.get(
        "/_sandbox", headers={"Accept": "text/html,*/*;q=0.8"}, allow_redirects=False
    ) as response:
        assert (response.status, response.headers["Location"]) == (303, "/_sandbox/")
    page = await look(sandbox, "/_sandbox/page/levers")
    for lever in levers:
        assert f"<code>{lever['method']} {lever['path']}</code>" in page


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/_sandbox/?of=calendar:nothing", 404),
        ("/_sandbox/?location=nowhere", 404),
        ("/_sandbox/?week=tomorrow", 422),
        ("/_sandbox/?zone=Mars/Olympus", 422),
        ("/_sandbox/?zone=%00&part=1", 422),
        (f"{BOOKING}/nothing", 404),
        ("/_sandbox/page/new", 422),
        ("/_sandbox/page/new?start=2026-03-23T09:00:00", 422),
        (f"/_sandbox/page/new?of=person:{DANA}&start=2026-03-23T09:00:00%2B00:00", 404),
        ("/_sandbox/page/new?start=2026-03-23T03:00:00%2B00:00", 404),
        ("/_sandbox/page/new?start=0001-01-01T00:00:00%2B14:00", 422),
    ],
)
async def test_what_is_not_there_is_said_in_plain_words_with_a_way_back(
    sandbox: Sandbox, path: str, status: int
) -> None:
    page = await look(sandbox, path, status=status)
    assert re.search(r'<a href="/_sandbox/[^"]*">Back to (this|the) week</a>', page)


async def test_what_is_booked_by_hand_is_announced_and_told_like_any_other(sandbox: Sandbox) -> None:
    form = await look(sandbox, "/_sandbox/page/new", of=f"calendar:{CUTS}", start=at("09:00"))
    assert re.findall(r'<option value="([^"]*)"', form) == [ADA, GRACE, "", DANA, KIM]
    booked = await book_by_hand(sandbox, at("09:00"), person=KIM, title="Fringe")
    kept = await sandbox.read(booked)
    assert (kept["title"], kept["assignedUserId"], kept["startTime"]) == ("Fringe", KIM, at("09:00"))
    assert kept["createdBy"] == {"source": "booking_widget", "userId": None}
    await until(lambda: len(sandbox.receiver.bodies) == 1)
    announced = sandbox.receiver.bodies[0]
    assert (announced["type"], announced["appointment"]["id"]) == ("AppointmentCreate", booked)
    page = await look(sandbox)
    assert changes(page) == ["Ada Example booked Cuts with Kim for Mon 23 Mar 09:00"]
    assert (f'id="booking-{booked}"' in page, "by the page" in page) == (True, True)
    # Kim was asked for; anybody else is who has the fewest bookings.
    assert (await sandbox.read(await book_by_hand(sandbox, at("09:00"))))["assignedUserId"] == DANA


async def test_a_slot_that_is_taken_meanwhile_is_refused_in_highlevels_words_and_the_form_stays(
    sandbox: Sandbox,
) -> None:
    await sandbox.book(at("09:00"), assignedUserId=KIM)
    form = {"start": at("09:00"), "contact": GRACE, "person": KIM, "title": "Kept <b>"}
    page = await post(sandbox, BOOKING, form, status=400)
    assert "The slot you have selected is no longer available." in page
    assert re.search(rf'<option value="{GRACE}" selected>', page)
    assert 'value="Kept &lt;b&gt;"' in page
    assert re.findall(r'<option value="([^"]*)"', page)[2:] == ["", DANA]
    await book_by_hand(sandbox, at("09:00"))
    page = await post(sandbox, BOOKING, form, status=400)
    # Said once.
    assert ("not free any more" in page, "Back to the week" in page) == (False, True)
    assert page.count("no longer available") == 1
    assert len(await sandbox.call("GET", "/_sandbox/calls")) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example.com"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example.com"},
        {"Origin": "null"},
    ],
)
async def test_a_form_of_another_site_does_nothing(sandbox: Sandbox, headers: dict[str, str]) -> None:
    booked = await book_by_hand(sandbox, at("09:00"))
    form = {"start": at("10:00"), "contact": ADA}
    assert "another site" in await post(sandbox, BOOKING, form, status=403, headers=headers)
    page = await post(sandbox, BOOKING, form, status=403, headers={**headers, "Accept": "text/html,*/*;q=0.8"})
    assert re.search(r"(?s)^<!doctype html>.*<h1>Nothing was done</h1>.*another site.*<a href=\"/_sandbox/\">", page)
    for deed in ("move", "status", "delete", "notes"):
        said = {"start": at("10:00"), "status": "cancelled", "body": "x"}
        await post(sandbox, f"{BOOKING}/{booked}/{deed}", said, status=403, headers=headers)
    kept = await sandbox.read(booked)
    assert (kept["startTime"], kept["appointmentStatus"], kept["deleted"]) == (at("09:00"), "confirmed", False)
    assert len(changes(await look(sandbox))) == 1


async def test_our_own_origin_is_no_other_site(sandbox: Sandbox) -> None:
    origin = str(sandbox.client.make_url("")).rstrip("/")
    form = {"start": at("09:00"), "contact": ADA}
    await post(sandbox, BOOKING, form, headers={"Origin": origin})
    await post(sandbox, BOOKING, {**form, "start": at("10:00")}, headers={"Sec-Fetch-Site": "same-origin"})


async def test_nonsense_in_a_form_is_a_page_and_never_an_error(sandbox: Sandbox) -> None:
    booked = await book_by_hand(sandbox, at("09:00"))
    for path, form in (
        (BOOKING, {}),
        (BOOKING, {"start": "soon", "contact": ADA}),
        (f"{BOOKING}?of=calendar:nothing", {"start": at("10:00"), "contact": ADA}),
        (f"{BOOKING}?of=person:{DANA}", {"start": at("10:00"), "contact": ADA}),
        (BOOKING, {"start": at("10:00"), "contact": "nobody"}),
        (BOOKING, {"start": at("10:00"), "contact": ADA, "person": ALEX}),
        (BOOKING, {"start": "9999-12-31T23:59:00-12:00", "contact": ADA}),
        (f"{BOOKING}/{booked}/move", {"start": "9999-12-31T23:59:00-12:00"}),
        (f"{BOOKING}/{booked}/move", {}),
        (f"{BOOKING}/{booked}/status", {"status": "gone"}),
        (f"{BOOKING}/{booked}/notes", {"body": ""}),
        (f"{BOOKING}/nothing/delete", {}),
    ):
        async with sandbox.client.post(path, data=form) as response:
            assert response.status in (400, 404, 422), (path, form, response.status)
            assert "<h1" in await response.text()
    for body, kind, status in ((b"\xff%ff=%zz&=&&;", "application/x-www-form-urlencoded", 422), (b"{}", "text/x", 415)):
        async with sandbox.client.post(BOOKING, data=body, headers={"Content-Type": kind}) as response:
            assert response.status == status
    large, kind = BytesIO(b"x" * 1_100_000), "application/x-www-form-urlencoded"
    async with sandbox.client.post(BOOKING, data=large, headers={"Content-Type": kind}) as response:
        assert (response.status, "<h1" in await response.text()) == (413, True)
    assert len(changes(await look(sandbox))) == 1


async def test_what_others_wrote_stays_text(sandbox: Sandbox) -> None:
    place = {"calendarId": CUTS, "startTime": at("09:00"), "endTime": at("10:00"), "appointmentStatus": HOSTILE}
    names = {"contactId": HOSTILE, "title": HOSTILE, "assignedUserId": HOSTILE, "address": HOSTILE}
    await sandbox.call("PUT", "/_sandbox/appointments/hostile", {**place, **names})
    await sandbox.call("POST", "/calendars/appointments/hostile/notes", {"body": HOSTILE}, status=201)
    for path in ("/_sandbox/", "/_sandbox/?list=1&part=1", f"{BOOKING}/hostile", f"{BOOKING}/hostile?part=1"):
        page = await look(sandbox, path)
        assert "&lt;script&gt;document" in page, path
        assert re.findall(r"<script>|<img src=x|\u202e|\x1b", page) == [], path
    query = {"week": HOSTILE}
    assert "<script>" not in await look(sandbox, status=422, **query)
    # Nobody else may have the person's slots, but a status that HighLevel does not know keeps nothing from being moved.
    await post(sandbox, f"{BOOKING}/hostile/move", {"start": at("10:00")}, status=400)
    await sandbox.call("PUT", "/_sandbox/appointments/odd", {**place, "contactId": ADA, "assignedUserId": DANA})
    await post(sandbox, f"{BOOKING}/odd/move", {"start": at("10:00")})
    assert (await sandbox.read("odd"))["appointmentStatus"] == "confirmed"


async def test_of_several_locations_each_has_its_own(sandbox: Sandbox) -> None:
    async with running(seed=TWO_SALONS, told=False) as two:
        booked = await book_by_hand(two, at("09:00"))
        page = await look(two)
        assert re.findall(r'<option value="(\w+)"( selected)?>(Leeds Salon|Barber)<', page) == [
            (LOCATION, " selected", "Leeds Salon"),
            (OTHER, "", "Barber"),
        ]
        other = await look(two, location=OTHER)
        assert (changes(other), "Europe/Paris" in other, "There is no calendar" in other) == ([], True, True)
        await look(two, f"{BOOKING}/{booked}", status=404, location=OTHER)
        assert f"location={OTHER}" in other


async def test_where_nobody_is_declared_any_contact_can_book() -> None:
    async with running(seed=f"strict: false\n{SALON}", told=False) as sandbox:
        form = await look(sandbox, "/_sandbox/page/new", start=at("09:00"))
        assert '<input id="contact" name="contact"' in form
        booked = await book_by_hand(sandbox, at("09:00"), contact="aNybOdyAtAllWhatever")
        assert "aNybOdyAtAllWhatever booked Cuts" in changes(await look(sandbox))[0]
        assert (await sandbox.read(booked))["contactId"] == "aNybOdyAtAllWhatever"


async def test_a_clock_that_was_moved_is_said_so(sandbox: Sandbox) -> None:
    assert "clock was moved" not in await look(sandbox)
    sandbox.clock.now = MONDAY + timedelta(days=7)
    page = await look(sandbox)
    assert ("30 March – 5 April 2026" in page, "clock was moved" in page) == (True, False)
    await sandbox.call("PUT", "/_sandbox/clock", {"ahead": 93600})
    assert "it is 1 d 2 h ahead of the real one" in await look(sandbox)
    await sandbox.call("PUT", "/_sandbox/clock", {"ahead": -3600})
    assert "it is 1 h behind the real one" in await look(sandbox)


async def test_a_room_that_is_nobodys_is_booked_without_a_person(sandbox: Sandbox) -> None:
    form = await look(sandbox, "/_sandbox/page/new", of=f"calendar:{ROOM}", start="2026-03-24T10:00:00+00:00")
    assert 'name="person"' not in form
    said = {"start": "2026-03-24T10:00:00+00:00", "contact": ADA}
    await post(sandbox, f"{BOOKING}?of=calendar:{ROOM}", said)
    assert changes(await look(sandbox)) == ["Ada Example booked Training room for Tue 24 Mar 10:00"]


async def test_a_persons_page_leads_to_the_calendars_on_which_they_are_booked(sandbox: Sandbox) -> None:
    page = await look(sandbox, of=f"person:{DANA}")
    assert "Booking is done on a calendar's page" in page
    assert re.findall(r'<a class="foreign" href="([^"]+)">(\w+)</a>', page) == [
        (f"/_sandbox/?of=calendar%3A{CUTS}", "Cuts")
    ]
    assert "on no calendar&#39;s team" in (await look(sandbox, of=f"person:{ALEX}")).replace("'s", "&#39;s")


async def test_where_the_week_has_nothing_ahead_the_page_says_where_the_next_booking_is(sandbox: Sandbox) -> None:
    assert 'id="upcoming"' not in await look(sandbox)
    booked = await book_by_hand(sandbox, "2026-04-08T09:00:00+01:00")
    said = re.search(r'id="upcoming">(.*?)<a class="foreign" href="([^"]+)">(.*?)</a>', await look(sandbox))
    assert said is not None
    assert said[2] == f"/_sandbox/?week=2026-04-08#booking-{booked}"
    assert said[3] == "Ada Example, Wed 8 Apr 2026, 09:00"
    await book_by_hand(sandbox, at("09:00"))
    assert 'id="upcoming"' not in await look(sandbox)
    sandbox.clock.now = MONDAY + timedelta(hours=2)  # what has begun is not ahead
    assert 'id="upcoming"' in await look(sandbox)


async def test_browsers_that_ask_for_nothing_are_sent_to_the_page_and_clients_are_not(sandbox: Sandbox) -> None:
    accept = {"Accept": "text/html,application/xhtml+xml"}
    async with sandbox.client.get("/", headers=accept, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/_sandbox/")
    for method in ("GET", "POST"):
        body = await sandbox.call(method, "/", status=404)
        assert body["message"] == f"Cannot {method} /"


async def test_what_is_done_but_cannot_be_saved_is_said_on_a_page(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    with opened(folder / "sandbox.json") as file:
        async with running(seed=SALON, told=False, kept=file) as kept:
            form = {"start": at("09:00"), "contact": ADA}
            await post(kept, BOOKING, form)
            folder.rename(tmp_path / "elsewhere")
            page = await post(kept, BOOKING, {**form, "start": at("10:00")}, status=503)
            assert ("<h1>Done, but not saved</h1>" in page, "could not be saved" in page) == (True, True)
            (tmp_path / "elsewhere").rename(folder)
