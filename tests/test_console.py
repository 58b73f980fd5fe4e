"""The console's pages: what each shows, what each refuses, and that what is shown stays text."""

import html
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from structlog.testing import capture_logs

from service.console.headers import HEADERS
from service.console.history import PAGE
from service.store import lanes
from service.store.database import Pool
from service.store.identifiers import new_id
from tests.consoles import Site, arrive, open_console, step
from tests.house import House, in_days, now, register
from tests.processes import free_port
from tests.sandboxes import ALEX, LOCATION

RULES = """
  - {name: evening, mode: live, when: appointment.created, if: {starts: {after: "17:00"}, not: {status: cancelled}},
     then: [{do: assign, to: kim, replace: automatic}, {do: add_note, text: "For {{ assignee.name }}."}]}
  - {name: morning, mode: shadow, when: appointment.created, if: {starts: {before: "10:00"}},
     then: [{do: add_note, text: early}]}
"""
DELIVERY = re.compile(r'href="/deliveries/([0-9a-f-]{36})"')


@pytest.fixture
async def site(pool: Pool) -> AsyncIterator[Site]:
    await register(pool)
    async with open_console(pool) as opened:
        yield opened


def deliveries(page: str) -> list[UUID]:
    return [UUID(found) for found in DELIVERY.findall(page)]


def text_of(page: str) -> str:
    """What a reader reads."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page.partition("<main")[2])).split())


def link(page: str, words: str) -> str | None:
    found = re.search(rf'<a href="([^"]*)"[^>]*>[^<]*{words}', page)
    return html.unescape(found[1]) if found else None


async def test_each_filter_of_the_address_finds_its_deliveries(site: Site, pool: Pool) -> None:
    await register(pool, "elsewhere")
    done = await arrive(pool)
    failed = await arrive(pool, state="failed", location_id="elsewhere", appointment_id="other")
    old = await arrive(pool, state="waiting", source="front_desk", received_at=now() - timedelta(minutes=30))
    judged = await arrive(pool, state="judged", event="later", received_at=now() + timedelta(minutes=30))
    await step(pool, done, "unknown", rule="evening cuts & more")
    async with pool.acquire() as connection:
        await connection.execute("INSERT INTO verdicts VALUES ($1, 0, 'evening cuts & more', 'live', true, '[]')", done)
    for query, expected in {
        "": [judged, old, failed, done],
        "status=failed": [failed],
        "status=open": [judged, old],
        "step=unknown": [done],
        "rule=evening+cuts+%26+more": [done],
        "appointment=other": [failed],
        "location=elsewhere": [failed],
        "source=front_desk": [old],
        "since=10m": [judged, failed, done],
        "until=10m": [old],
        "since=40min&until=10m&status=waiting": [old],
        f"since={(now() + timedelta(minutes=10)).isoformat().replace('+', '%2B')}": [judged],
        "appointment=nobody": [],
        "status=&step=&rule=": [judged, old, failed, done],
    }.items():
        assert deliveries(await site.page(f"/history?{query}")) == expected, query
    assert "Nothing of that kind." in await site.page("/history?appointment=nobody")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("status=finished", "status=finished : This is none of them. Allowed: open, waiting, judged, parked, done,"),
        ("step=doen", "step=doen : This is none of them. Allowed: planned, sent, waiting, done, unchanged,"),
        ("since=yesterday", "since=yesterday : Allowed: a time ago such as 2h or 3d, a day, or a moment"),
        ("until=0001-01-01", "Allowed: years from 2001 to 2198."),
        ("before=xyz", "before=xyz : This is no delivery's id: 32 hexadecimal digits."),
        (f"before={UUID(int=1)}&after={UUID(int=1)}", "Either before or after; not both."),
        ("rule=a%00b", "Nothing is called so: at most 200 characters, all of them visible."),
        (f"source={'x' * 201}", "Nothing is called so"),
        ("stat=failed", "stat : There is no such filter. There are: status, step, rule,"),
        ("status=done&status=failed", "This is given twice; one of them will do."),
    ],
)
async def test_a_filter_that_cannot_be_understood_is_named_with_what_may_be_there(
    site: Site, query: str, told: str
) -> None:
    status, page = await site.get(f"/history?{query}")
    assert (status, told in text_of(page)) == (400, True), text_of(page)


async def test_pages_lose_and_repeat_nothing_while_more_comes(site: Site, pool: Pool) -> None:
    there = [await arrive(pool, state="ignored", reason="why") for _ in range(500)]
    page, seen = await site.page("/history?status=ignored"), list[UUID]()
    while True:
        seen += deliveries(page)
        for _ in range(3):
            await arrive(pool, state="ignored")
        older = link(page, "Older")
        if older is None:
            break
        assert "status=ignored" in older
        page = await site.page(older)
    assert seen == there[::-1]
    back = list[UUID]()
    while (newer := link(page, "Newer")) is not None:
        answer = await site.ask("GET", newer)
        if answer.status == 303:
            assert answer.headers["Location"] == "/history?status=ignored"
            break
        page = await answer.text()
        back = deliveries(page) + back
    assert set(there[PAGE:]) <= set(back)
    assert len(back) == len(set(back))
    assert back == sorted(back, reverse=True)


async def test_a_delivery_is_explained(house: House) -> None:
    await house.rules(RULES)
    appointment = await house.book(in_days(7, "18:30"), assignedUserId=ALEX, title="Grüße")
    await house.settled()
    await house.edit(appointment, startTime=in_days(7, "19:00"), ignoreFreeSlotValidation=True)
    await house.settled()
    created, *_, moved = await house.deliveries(appointment)
    async with open_console(house.pool) as site:
        page = await site.page(f"/deliveries/{created['delivery_id']}")
        json_page = json.loads(await site.page(f"/deliveries/{created['delivery_id']}.json"))
        other = text_of(await site.page(f"/deliveries/{moved['delivery_id']}"))
    told = text_of(page)
    in_order = [
        "Created ✓ done Grüße · Mon ",
        "by the clock of Europe/London",
        "Seen for the first time.",
        "✓ evening holds, live ✓ holds: starts after 17:00 was Monday",
        "not ✓ holds: not status is cancelled was confirmed",
        "✓ done assign kim",
        "EditAppointment answered 200",
        '"assignedUserId": "epfJBd0Kh8oOOL8dKLzd"',
        "✓ done write the note “For kim.”",
        "✗ morning does not hold, shadow ✗ does not hold: starts before 10:00",
        "Read to judge and to decide",
        "Body As it came",
        '"type": "AppointmentCreate"',
    ]
    places = [told.find(words) for words in in_order]
    assert -1 not in places, in_order[places.index(-1)]
    assert places == sorted(places)
    received = created["received_at"]
    assert f'title="{received:%Y-%m-%d %H:%M:%S} UTC"' in page
    assert json_page["body"].encode() == created["body"]
    assert [row["rule"] for row in json_page["verdicts"]] == ["evening", "morning"]
    assert re.search(r"Starts Mon [^,]*, 18:30 \w+ Mon [^,]*, 19:00 \w+", other)
    assert "What stayed as it was" in other


async def test_digits_lead_to_the_delivery_or_to_a_choice(site: Site, pool: Pool) -> None:
    one, two = UUID("01a00000-0000-7000-8000-00000000000a"), UUID("01a00000-0000-7000-8000-00000000000b")
    for each in (one, two):
        await arrive(pool, delivery_id=each, appointment_id="appXYZ")
    assert await site.goes_to("/") == "/history"
    assert await site.goes_to(f"/search?q={one}") == f"/deliveries/{one}"
    assert await site.goes_to("/search?q=01a0") == "/deliveries/01a0"
    assert await site.goes_to("/search?q=+appXYZ+") == "/history?appointment=appXYZ"
    assert await site.goes_to("/search?q=") == "/history"
    assert deliveries(await site.page("/deliveries/01a0")) == [one, two]
    assert await site.goes_to(f"/deliveries/{one.hex.upper()}") == f"/deliveries/{one}"
    for nothing in (str(new_id()), "fffff", "nobody", "%00", "..%2f..%2fetc", f"{new_id()}.json"):
        status, page = await site.get(f"/deliveries/{nothing}")
        assert (status, "No such delivery" in page) == (404, True), nothing


async def test_now_shows_what_needs_somebody(site: Site, pool: Pool) -> None:
    assert "Nothing waits." in await site.page("/now")
    failed = await arrive(pool, state="failed", reason="its token was refused")
    await arrive(pool, state="waiting", received_at=now() - timedelta(hours=2))
    for state in ("unknown", "parked", "failed"):
        await step(pool, failed, state, rule=f"rule {state}", reason=f"why {state}")
    async with pool.acquire() as connection:
        await connection.execute(
            """INSERT INTO lanes (lane_id, location_id, subject, ready_at) VALUES ($1, $2, 'the lane', now())""",
            new_id(),
            LOCATION,
        )
        [lane] = await lanes.claim(connection, "worker seven")
        await connection.execute("UPDATE deliveries SET lane_id = $1 WHERE state = 'waiting'", lane.lane_id)
        await connection.execute("INSERT INTO budgets VALUES ($1, 87, 100, 13402, 200000, now())", LOCATION)
        await connection.execute("INSERT INTO ignored_counts VALUES (current_date, 'not ours', 412)")
    page = await site.page("/now")
    told = text_of(page)
    for words in (
        "1 waiting the oldest for 2 h",
        "1 delivery failed",
        "1 step unknown",
        f"? unknown write a note why unknown slotwright history retry {failed}",
        "! parked write a note why parked",
        "✗ failed its token was refused",
        "the lane Leeds Salon",
        "worker seven",
        "87 of 100",
        "13402 of 200000",
        "412 not ours",
        "Leeds Salon lFk3vTj0cQxW8mPzR2bN live ! none",
        "Looks again every 10 s",
    ):
        assert words in told, told
    assert '<meta http-equiv="refresh" content="10">' in page
    assert "refresh" not in (await site.page("/now?refresh=0")).partition("<main")[0]
    assert (await site.get("/now?refresh=x"))[0] == 400


async def test_errors_are_pages_for_people_and_problems_for_programs(site: Site, pool: Pool) -> None:
    strange = await arrive(pool)
    async with pool.acquire() as connection:
        await connection.execute("INSERT INTO verdicts VALUES ($1, 0, 'r', 'live', true, '[{}]')", strange)
    for path, status, title in (
        ("/nowhere", 404, "Nothing is here"),
        (f"/deliveries/{strange}", 500, "Our fault"),
        ("/now?refresh=2", 400, "Not understood"),
    ):
        got, page = await site.get(path)
        assert (got, f"<h1>{title}</h1>" in page, "KeyError" in page) == (status, True, False)
        answer = await site.ask("GET", path, headers={"Accept": "application/json"})
        assert (answer.status, answer.content_type) == (status, "application/problem+json")
        assert (await answer.json())["title"] == title
    answer = await site.ask("POST", "/history")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")
    assert list(site.tally.take().values.values()) == [2]


async def test_a_database_that_is_away_is_said_so_and_is_nobodys_ill_health() -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    async with asyncpg.create_pool(url, min_size=0) as away, open_console(away) as site:
        for path in ("/history", "/now", f"/deliveries/{new_id()}", "/search?q=ab"):
            status, page = await site.get(path)
            assert (status, "The database does not answer" in page) == (503, True)
            assert '<meta http-equiv="refresh" content="10">' in page
        assert [(await site.get(path))[0] for path in ("/healthz", "/readyz", "/metrics")] == [200, 200, 200]


async def test_an_outage_is_logged_once_however_many_pages_are_asked_for(site: Site, pool: Pool) -> None:
    with capture_logs() as logged:
        for name, there in (("deliveries", 503), ("hidden", 200)) * 2:
            async with pool.acquire() as connection:
                await connection.execute(f"ALTER TABLE {name} RENAME TO {'hidden' if there == 503 else 'deliveries'}")
            for path in ("/now?refresh=0", "/history") * 3:
                assert (await site.get(path))[0] == there, path
    told = ["the database is not this version's; the pages say so", "the database is this version's"]
    assert [line["event"] for line in logged] == told * 2
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    async with asyncpg.create_pool(url, min_size=0) as away, open_console(away) as site_of_none:
        with capture_logs() as logged:
            for path in ("/history", "/now", "/metrics", "/now"):
                await site_of_none.get(path)
    assert [line["event"] for line in logged] == ["the database is away; the pages say so"]


async def test_a_large_delivery_is_a_small_page(site: Site, pool: Pool) -> None:
    body = b'{"a":' + b"[" * 300 + b"1," * 130_000 + b"1" + b"]" * 300 + b"}"
    delivery = await arrive(pool, body=body, event="e" * 250_000)
    page = await site.page(f"/deliveries/{delivery}")
    assert f"({len(body)} bytes, JSON, as it came)" in text_of(page)
    assert len(page) + len(await site.page("/history")) < 300_000
    whole = await site.page(f"/deliveries/{delivery}.json")
    assert (json.loads(whole)["body"] == body.decode(), "\n" in whole) == (True, False), "nothing is indented"


async def test_every_answer_forbids_what_no_page_needs(site: Site) -> None:
    page = await site.page("/history")
    style, icon = re.findall(r'(?:href|src)="(/static/[^"]*)"', page)[1::-1]
    for path in ("/history", "/nowhere", "/healthz", "/now?refresh=2", style, icon):
        answer = await site.ask("GET", path)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS, path
        assert ("no-store" in answer.headers["Cache-Control"]) == (path not in (style, icon)), path
    assert HEADERS == {
        "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Server": "slotwright",
    }
    assert not re.search(r'style="|<script|https?://|src="[^/]', page)
