"""What a delivery means, where HighLevel shows what it should not."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from service.highlevel.appointments import AppointmentReply
from service.highlevel.operation import Api, Operation, ReplyT
from service.store import appointments, locations
from service.store.deliveries import Delivery
from service.store.lanes import Lane
from service.store.sealing import Keys
from service.store.work import Work
from tests.house import SECRET, House, in_days
from tests.sandboxes import LOCATION
from workers.judge import Meaning, NoNews, meaning
from workers.lease import Lease, elapsed
from workers.record import Record


@dataclass
class Misplaced:
    """HighLevel as it would be if it showed one location the appointments of another."""

    api: Api

    async def __call__(self, operation: Operation[ReplyT], /) -> ReplyT:
        reply = await self.api(operation)
        assert isinstance(reply, AppointmentReply)
        elsewhere = reply.appointment.model_copy(update={"location_id": "another"})
        return reply.model_copy(update={"appointment": elsewhere})


async def test_a_source_gains_nothing_by_naming_an_appointment_of_another_location(house: House) -> None:
    visit = await house.book(in_days(7, "10:00"))
    await house.settled()
    async with house.pool.acquire() as connection:
        location = await locations.find(connection, Keys(SECRET), LOCATION)
        seen = await appointments.find(connection, LOCATION, visit)
    assert location is not None
    assert seen is not None
    delivery = Delivery(
        delivery_id=uuid4(),
        state="waiting",
        received_at=datetime.now(UTC),
        event="external.desk",
        location_id=LOCATION,
        appointment_id=visit,
        calendar_id=None,
        attempts=0,
        surprises=0,
        wait=timedelta(),
        rulebook_id=None,
        was=None,
        booking=None,
        body=json.dumps({}).encode(),
    )
    lane = Lane(uuid4(), LOCATION, visit, 1, False, False, datetime.now(UTC))
    lease = Lease(house.pool, lane, elapsed())
    api = house.work.client(location, Record(lease, Work(lane, delivery)))
    assert isinstance(await meaning(api, delivery, seen, location), Meaning)
    found = await meaning(Misplaced(api), delivery, seen, location)
    assert found == NoNews("the appointment belongs to another location", "failed")
