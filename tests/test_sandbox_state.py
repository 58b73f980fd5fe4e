"""A sandbox's state is in its file before anybody is answered, and is there again at the next start."""

import asyncio
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog

from service.sandbox.state.file import StateFile
from service.sandbox.webhooks.outbox import Patience
from tests.house import settings_for
from tests.processes import WITHIN, free_port, kill, start
from tests.sandboxes import (
    ADA,
    APPOINTMENTS,
    CUTS,
    DANA,
    HEADERS,
    KIM,
    LOCATION,
    MONDAY,
    Receiver,
    Sandbox,
    at,
    opened,
    running,
    until,
)

AGENCY = {"client_id": "5a1db0c5510751077e57ab1e-sandbox", "client_secret": "sandbox-demo-secret"}
BOOKING = {"calendarId": CUTS, "locationId": LOCATION, "contactId": ADA}


def held(path: Path) -> Any:
    return json.loads(path.read_text())


def appointments_in(path: Path) -> Any:
    return held(path)["world"]["tables"]["appointments"].get(LOCATION, {})


async def tokens(sandbox: Sandbox, **form: str) -> Any:
    async with sandbox.client.post("/oauth/token", data={**AGENCY, **form}) as answer:
        assert answer.status == 200, await answer.text()
        return {key: value for key, value in (await answer.json()).items() if key != "traceId"}


async def code(sandbox: Sandbox) -> str:
    asked = {"response_type": "code", "client_id": AGENCY["client_id"], "scope": "calendars.readonly"}
    query = {**asked, "redirect_uri": "http://127.0.0.1/back"}
    async with sandbox.client.get("/oauth/chooselocation", params=query, allow_redirects=False) as answer:
        return answer.headers["Location"].partition("code=")[2]


async def status_with(sandbox: Sandbox, token: str) -> int:
    headers = {**HEADERS, "Authorization": f"Bearer {token}"}
    async with sandbox.client.get(f"/calendars/{CUTS}", headers=headers) as answer:
        return answer.status


async def test_everything_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with opened(path) as file:
        async with running(kept=file, booked=True, told=False) as sandbox:
            booked = await sandbox.book(at("09:30"), assignedUserId=KIM)
            series: dict[str, Any] = {
                "ignoreFreeSlotValidation": True,
                "rrule": "RRULE:FREQ=WEEKLY;COUNT=3",
                "assignedUserId": DANA,
            }
            await sandbox.book(at("12:00"), **series)
            note = f"/calendars/appointments/{booked['id']}/notes"
            await sandbox.call("POST", note, {"body": "Café, quiet chair"}, status=201)
            block = {"locationId": LOCATION, "assignedUserId": KIM, "startTime": at("16:00"), "endTime": at("17:00")}
            await sandbox.call("POST", "/calendars/events/block-slots", block, status=201)
            first, unused = (
                await tokens(sandbox, grant_type="authorization_code", code=await code(sandbox)),
                await code(sandbox),
            )
            second = await tokens(sandbox, grant_type="refresh_token", refresh_token=first["refresh_token"])
            await sandbox.call("PUT", "/_sandbox/clock", {"forward": "15s"})
            key = await sandbox.call("GET", "/_sandbox/webhook-key")
            shown = await sandbox.read(booked["id"])
        before = held(path)
        assert len(before["world"]["changes"]) == 4
    assert os.stat(path).st_mode & 0o777 == 0o600
    with opened(path) as file:
        async with running(kept=file, told=False) as sandbox:
            assert await sandbox.read(booked["id"]) == shown
            assert (await sandbox.call("GET", note, limit=20, offset=0))["notes"][0]["body"] == "Café, quiet chair"
            assert at("16:00") not in await sandbox.free(MONDAY, userId=KIM)
            await sandbox.book(at("09:30"), assignedUserId=KIM, status=400)
            assert (await sandbox.call("GET", "/_sandbox/clock"))["ahead"] == 15.0
            assert await sandbox.call("GET", "/_sandbox/webhook-key") == key
            assert await status_with(sandbox, second["access_token"]) == 200
            refreshed = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
            assert await tokens(sandbox, **refreshed) == second
        assert held(path) == before
        async with running(kept=StateFile(tmp_path / "none"), told=False) as sandbox:
            assert await status_with(sandbox, second["access_token"]) == 401
    with opened(path) as file:
        async with running(kept=file, told=False) as sandbox:
            assert await tokens(sandbox, grant_type="authorization_code", code=unused)


async def test_a_write_is_answered_once_the_file_holds_it_and_those_who_wait_share_a_save(tmp_path: Path) -> None:
    saves: list[str] = []

    class Counting(StateFile):
        def write(self, text: str) -> None:
            saves.append(text)
            super().write(text)

    file = Counting(tmp_path / "state.json")
    file.open()
    async with running(kept=file, told=False) as sandbox:

        async def book(number: int) -> None:
            start, day = at("10:00"), f"2026-03-{23 + number % 6}"
            booked = await sandbox.book(start.replace("2026-03-23", day))
            assert booked["id"] in appointments_in(file.path)

        await asyncio.gather(*(book(number) for number in range(18)))
        assert 1 < len(saves) < 15
        known = len(saves)
        await sandbox.free(MONDAY)
        await sandbox.call("GET", "/_sandbox/clock")
        await sandbox.book(at("03:00"), status=400)
        assert len(saves) == known
        await sandbox.call("PUT", "/_sandbox/clock", {"ahead": 5})
        assert held(file.path)["world"]["ahead"] == 5.0
        given = await code(sandbox)
        assert held(file.path)["oauth"]["codes"][0]["code"] == given
        await sandbox.call(
            "PUT",
            "/_sandbox/appointments/placed",
            {"calendarId": CUTS, "startTime": at("10:00"), "endTime": at("11:00")},
        )
        assert "placed" in appointments_in(file.path)
    file.close()


async def test_what_cannot_be_saved_is_said_once_in_the_log_and_to_each_who_writes(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with opened(folder / "state.json") as file, structlog.testing.capture_logs() as logs:
        async with running(kept=file, told=False) as sandbox:
            shutil.rmtree(folder)
            for path, body, method in (
                (APPOINTMENTS, {**BOOKING, "startTime": at("10:00")}, "POST"),
                ("/_sandbox/clock", {"ahead": 5}, "PUT"),
            ):
                answer = await sandbox.call(method, path, body, status=503)
                assert answer["message"] == "What was asked is done, but it could not be saved."
            await sandbox.free(MONDAY)
            assert [each["event"] for each in logs] == ["the state cannot be saved"]
            folder.mkdir()
            booked = await sandbox.book(at("12:00"))
            assert len(appointments_in(folder / "state.json")) == 2
            assert booked["id"] in appointments_in(folder / "state.json")
            assert [each["event"] for each in logs][1:] == ["the state is saved again"]


async def test_webhooks_that_wait_go_out_after_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with opened(path) as file:
        async with running(kept=file, patience=Patience(first_delay=60)) as sandbox:
            sandbox.receiver.answers = [500]
            booked = await sandbox.book(at("10:00"))
            await until(lambda: len(sandbox.receiver.arrived) == 1)
    with opened(path) as file:
        async with running(kept=file) as sandbox:
            await until(lambda: len(sandbox.receiver.arrived) == 1)
            assert sandbox.receiver.bodies[0]["appointment"]["id"] == booked["id"]
    assert held(path)["webhooks"] == []


async def test_nobody_is_told_what_could_still_be_forgotten(tmp_path: Path) -> None:
    arrived_before: list[int] = []
    receivers: list[Receiver] = []

    class Slow(StateFile):
        def write(self, text: str) -> None:
            time.sleep(0.05)
            arrived_before.append(sum(len(each.arrived) for each in receivers))
            super().write(text)

    file = Slow(tmp_path / "state.json")
    file.open()
    async with running(kept=file) as sandbox:
        receivers.append(sandbox.receiver)
        await sandbox.book(at("10:00"))
        await until(lambda: len(sandbox.receiver.arrived) == 1)
    file.close()
    # At the start, for the booking; once it has arrived, and at the end.
    assert (arrived_before[:2], set(arrived_before[2:])) == ([0, 0], {1})


async def answers(process: Any, port: int, log: Path) -> None:
    async with asyncio.timeout(WITHIN), aiohttp.ClientSession() as session:
        while True:
            assert process.poll() is None, log.read_text()
            try:
                async with session.get(f"http://127.0.0.1:{port}/_sandbox/clock"):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)


@pytest.mark.processes
async def test_what_was_answered_outlives_a_kill(tmp_path: Path) -> None:
    settings = settings_for("postgresql://127.0.0.1/none", "redis://127.0.0.1")
    port, log, path = free_port(), tmp_path / "log", tmp_path / "state.json"
    words = (
        "sandbox",
        "--port",
        str(port),
        "--state",
        str(path),
        "--location",
        "there",
        "--token",
        "pit-mine",
        "--no-limits",
    )
    url = f"http://127.0.0.1:{port}/contacts/{ADA}/tags"
    headers = {**HEADERS, "Authorization": "Bearer pit-mine"}
    answered: list[str] = []

    async def tag(session: aiohttp.ClientSession, number: int) -> None:
        async with session.post(url, json={"tags": [f"tag-{number}"]}, headers=headers) as answer:
            assert answer.status == 201, await answer.text()
            answered.append(f"tag-{number}")

    for lot in (range(40), range(40, 50)):
        process, known = start(settings, log, *words), len(answered)
        try:
            await answers(process, port, log)
            async with aiohttp.ClientSession() as session:
                writes = [asyncio.create_task(tag(session, number)) for number in lot]
                async with asyncio.timeout(WITHIN):
                    while len(answered) < known + 5:
                        await asyncio.sleep(0)
                kill(process)  # most likely with a save under way
                await asyncio.gather(*writes, return_exceptions=True)
        finally:
            kill(process)
        [contact] = [held(path)["world"]["tables"]["contacts"]["there"][ADA]]
        assert set(answered) <= set(contact["tags"])
    said = log.read_text()
    assert "the state is used in place of the seed" in said
    assert f"http://127.0.0.1:{port}/_sandbox/" in said
    assert "pit-mine" not in said
