"""What a delivery means, where HighLevel shows what it should not."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from service.highlevel.appointments import AppointmentReply
from service.highlevel.operation import Api, Operation, ReplyT
from service.store import locations
from service.store.deliveries import Delivery
from service.store.sealing import Keys
from tests.house import SECRET, House, in_days
from tests.sandboxes import LOCATION
from workers.judge import Meaning, NoNews, meaning


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
    assert location is not None
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
    api = house.work.client(location, delivery)
    assert isinstance(await meaning(house.pool, api, delivery, location), Meaning)
    found = await meaning(house.pool, Misplaced(api), delivery, location)
    assert found == NoNews("the appointment belongs to another location", "failed")
