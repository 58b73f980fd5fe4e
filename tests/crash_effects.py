"""What is seen in HighLevel, and counted in the store, of what workers of the crash matrix did."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from service.highlevel.contacts import Contact
from service.trigger import lane_subject, series_of
from tests.crash_statements import COUNTED, GIVEN, RAISED
from tests.house import LONDON, House
from tests.sandboxes import ALEX, CUTS, KIM, LOCATION, ROOM

ALAN = "cAln5RjF6nMz0UgC8eWy"
WORKFLOW, OTHER_WORKFLOW = "78559bb3-b920-461e-b010-7b2a2816d2a9", "0c2f61d7-5a34-4f0e-9d7b-8e1f3a6b9c02"

Posts = list[tuple[str, bytes]]
"""What another system took: the id of each post, and its body."""

Seen = Callable[[House, str, Posts], Awaitable[list[Any]]]


async def nothing_counted(house: House, booked: Sequence[str]) -> Counter[str]:
    return Counter()


def nothing_there(house: House) -> None:
    """And nothing to prepare."""


def alan_is_new(house: House) -> None:
    """Without tags and owner; nobody is told."""
    house.world.contacts.put(LOCATION, ALAN, Contact(id=ALAN, location_id=LOCATION, name="Alan Example"))


async def carried_out(house: House, method: str, ending: str) -> int:
    """How often a call took, whatever was answered."""
    calls = await house.call("GET", "/_sandbox/calls")
    return sum(c["method"] == method and c["path"].endswith(ending) and c["carried_out"] for c in calls)


async def assignees(house: House, id_: str, _: Posts) -> list[Any]:
    return [(await house.appointment(id_))["assignedUserId"]] * await carried_out(house, "PUT", f"/{id_}")


async def starts(house: House, id_: str, _: Posts) -> list[Any]:
    at = datetime.fromisoformat((await house.appointment(id_))["startTime"]).astimezone(LONDON)
    return [f"{at:%H:%M}"] * await carried_out(house, "PUT", f"/{id_}")


async def become(house: House, id_: str, _: Posts) -> list[Any]:
    """What it is called and its status, once for each time that it was changed."""
    now = await house.appointment(id_)
    return [(now["title"], now["appointmentStatus"])] * await carried_out(house, "PUT", f"/{id_}")


async def singles(house: House, series: str) -> list[Any]:
    """Those of a series of cuts, as they are now."""
    every: dict[str, Any] = {"locationId": LOCATION, "calendarId": CUTS, "startTime": 0, "endTime": 4102444800000}
    events = (await house.call("GET", "/calendars/events", **every))["events"]
    return [event for event in events if series_of(event["id"]) == series]


async def singles_become(house: House, id_: str, _: Posts) -> list[Any]:
    """What each of its series is called and its status, once for each time that the series was changed."""
    series = lane_subject(id_)
    now = tuple((each["title"], each["appointmentStatus"]) for each in await singles(house, series))
    return [now] * await carried_out(house, "PUT", f"/{series}")


async def in_the_room(house: House) -> list[Any]:
    """The bookings of the training room, which only `book` makes."""
    every: dict[str, Any] = {"locationId": LOCATION, "calendarId": ROOM, "startTime": 0, "endTime": 4102444800000}
    events = (await house.call("GET", "/calendars/events", **every))["events"]
    return [event for event in events if event["appointmentStatus"] != "cancelled"]


async def follow_ups(house: House, id_: str, _: Posts) -> list[Any]:
    return [(event["title"], event["startTime"][11:16]) for event in await in_the_room(house)]


async def notes(house: House, id_: str, _: Posts) -> list[Any]:
    return await house.notes(id_)


async def blocks(house: House, id_: str, _: Posts) -> list[Any]:
    """Minutes of each block, and whether it begins where the booking ends."""
    ends = datetime.fromisoformat((await house.appointment(id_))["endTime"])
    return [(int((until - begin) / timedelta(minutes=1)), begin == ends) for begin, until in await house.blocks(ALEX)]


async def moved_blocks(house: House, id_: str, _: Posts) -> list[Any]:
    there = await blocks(house, id_, _)
    return there if len(there) > 1 else there * await carried_out(house, "PUT", written(await house.steps(id_)))


async def removed_blocks(house: House, id_: str, _: Posts) -> list[Any]:
    removed = await carried_out(house, "DELETE", written(await house.steps(id_)))
    return [] if await house.blocks(ALEX) else ["removed"] * removed


async def posts(house: House, id_: str, got: Posts) -> list[Any]:
    """In the order in which they came first. Whoever gets one again knows it by its id, as long as it is the same."""
    return [json.loads(body)["text"] for _, body in dict.fromkeys(got)]


async def raised(house: House, id_: str, _: Posts) -> list[Any]:
    """As often as it was, though the same is one with a count."""
    rows = await house.pool.fetch(RAISED, id_)
    return [row["text"] for row in rows for _ in range(row["times"])]


async def shared_out(house: House, id_: str, _: Posts) -> list[Any]:
    """Given once to one of those who take turns."""
    given = await assignees(house, id_, _)
    return ["shared out" if each in (KIM, ALEX) else each for each in given]


async def given(house: House, _: str) -> Counter[str]:
    """How often whose turn it was."""
    return Counter({row["person"]: row["number"] for row in await house.pool.fetch(GIVEN)})


async def whose(house: House, booked: Sequence[str]) -> Counter[str]:
    return Counter([(await house.appointment(id_))["assignedUserId"] for id_ in booked])


async def conduct(house: House, rule: str) -> Counter[str]:
    [row] = await house.pool.fetch(COUNTED, rule)
    return Counter(dict(row))


async def noted(house: House, booked: Sequence[str]) -> Counter[str]:
    number = sum([len(await house.notes(id_)) for id_ in booked])
    return Counter(marks=number, uses=number)


def written(steps: list[Any]) -> str:
    """The path's end of what these steps made."""
    return "/" + str(next(step["written_id"] for step in steps if step["written_id"]))


async def done_to_alan(house: House, id_: str, _: Posts) -> list[Any]:
    """Tags, owner and tasks, as often as they were written; that he is out of the workflow, once."""
    alan = house.world.contacts.find(LOCATION, ALAN)
    assert alan is not None
    tagged, owned = await carried_out(house, "POST", "/tags"), await carried_out(house, "PUT", f"/contacts/{ALAN}")
    tasks = await carried_out(house, "POST", "/tasks")
    out = await carried_out(house, "DELETE", f"/workflow/{WORKFLOW}")
    titles = [task.title for task in house.world.tasks.of(ALAN)][-tasks:] if tasks else []
    return [*(alan.tags or ()) * tagged, *[alan.assigned_to] * owned, *titles, *["out"] * min(out, 1)]


async def started(house: House, id_: str, _: Posts) -> list[Any]:
    """The workflow that he was put into, once for each time."""
    into = {
        workflow: await carried_out(house, "POST", f"/workflow/{workflow}") for workflow in (WORKFLOW, OTHER_WORKFLOW)
    }
    return [workflow for workflow, times in into.items() for _ in range(times)]
