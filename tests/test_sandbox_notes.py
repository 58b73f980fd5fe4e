"""The sandbox's notes are written anew and deleted as at HighLevel."""

from typing import Any

from service.highlevel.notes import DeletedNoteReply, NoteReply
from tests.sandboxes import DANA, KIM, Sandbox, at, running


async def noted(sandbox: Sandbox, *bodies: str) -> tuple[str, list[Any]]:
    """The path of a new appointment's notes, and the notes."""
    booked = await sandbox.book(at("10:00"))
    path = f"/calendars/appointments/{booked['id']}/notes"
    return path, [
        (await sandbox.call("POST", path, {"body": body, "userId": KIM}, status=201))["note"] for body in bodies
    ]


async def listed(sandbox: Sandbox, path: str) -> list[Any]:
    notes: list[Any] = (await sandbox.call("GET", path, limit=20, offset=0))["notes"]
    return notes


async def test_a_note_written_anew_keeps_its_place_its_date_and_its_author() -> None:
    async with running(told=False) as sandbox:
        path, (first, second) = await noted(sandbox, "one", "two")
        answer = await sandbox.call("PUT", f"{path}/{first['id']}", {"body": "uno"})
        assert NoteReply.model_validate(answer).note.body == "uno"
        assert answer.pop("traceId")
        assert answer == {"note": {**first, "body": "uno"}}
        assert await listed(sandbox, path) == [{**first, "body": "uno"}, second]
        answer = await sandbox.call("PUT", f"{path}/{first['id']}", {"body": "eins", "userId": DANA})
        assert answer["note"]["createdBy"] == {"id": DANA, "name": "Dana"}


async def test_a_deleted_note_is_gone() -> None:
    async with running(told=False) as sandbox:
        path, (first, second) = await noted(sandbox, "one", "two")
        answer = await sandbox.call("DELETE", f"{path}/{first['id']}")
        assert DeletedNoteReply.model_validate(answer).success
        assert await listed(sandbox, path) == [second]
        await sandbox.call("DELETE", f"{path}/{first['id']}", status=404)
        await sandbox.call("PUT", f"{path}/{first['id']}", {"body": "late"}, status=404)


async def test_a_note_is_found_on_its_own_appointment_only_and_wants_words_and_an_author_who_exists() -> None:
    async with running(told=False) as sandbox:
        path, (note,) = await noted(sandbox, "one")
        other = await sandbox.book(at("14:00"))
        elsewhere = f"/calendars/appointments/{other['id']}/notes/{note['id']}"
        answer = await sandbox.call("PUT", elsewhere, {"body": "x"}, status=404)
        assert answer["message"] == "The note is not found."
        await sandbox.call("DELETE", elsewhere, status=404)
        await sandbox.call("PUT", f"/calendars/appointments/unknown/notes/{note['id']}", {"body": "x"}, status=404)
        own = f"{path}/{note['id']}"
        refused: list[Any] = [{}, {"body": ""}, {"body": "x" * 5001}, {"body": "x", "colour": 1}]
        for body in refused:
            await sandbox.call("PUT", own, body, status=422)
        answer = await sandbox.call("PUT", own, {"body": "x", "userId": "nobody"}, status=400)
        assert answer["message"] == "The user id is not valid."
        assert await listed(sandbox, path) == [note]
