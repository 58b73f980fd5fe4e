"""Seeds that cannot be: every fault is told at once, with its line, its place, and what may have been meant."""

import re
from typing import Any

import pytest
import yaml

from tests.sandboxes import MONDAY
from tests.test_sandbox_seed import PEOPLE, booking, seed, world_at

WRONG = """strict: true
clients: [{id: app, secret: a-secret}]
locatons: 1
locations:
  - id: barber
    timezone: Europe/Pariss
    tokens: [pit-own]
    users:
      - {id: nora, name: Nora}
      - {id: omar}
    contacts:
      - {id: eve, name: Eve, owner: Norra}
      - {id: ann, name: Ann}
    calendars:
      - id: shaves
        name: Shaves
        team: [Noraa, omar]
        slot_minuts: 20
        open_hours: [{days: [Mon, Mondy], opens: 09:00, closes: 25:30}]
      - id: cuts
        name: Cuts
        team: [Nora]
        type: rund
      - id: good
        name: Good
        team: [Nora]
        open_hours: [{days: [Wed], opens: 9:00, closes: 10:00}]
    bookings:
      # of what is wrong itself nothing more is said
      - {calendar: Shaves, contact: Eve, with: omar, day: 1, at: 10:00}
      - {calendar: Cuts, contact: Jo, day: 1, at: 10:00}
      - {calendar: Good, contact: Ann, day: 1, at: 8:00}
      - {calendar: Good, contact: Ann, day: 1, at: 9:30}
      - {calendar: Good, contact: Ann, day: 1, at: 9:30}
      - {calendar: Good, contact: Eve, day: 2, at: 9:00}
    blocks:
      - 5
      - {who: Kim, day: 1, from: 10:00, until: 11:00, titel: x}
"""


def complaint(text: str) -> str:
    with pytest.raises(ValueError) as raised:
        world_at(MONDAY, text)
    return str(raised.value)


@pytest.mark.parametrize(
    ("more", "complaint_said"),
    [
        ({"bookings": [booking(calendar="Cuts")]}, "bookings[0].calendar: 'Cuts' is neither a name nor an id of any"),
        (
            {"bookings": [booking(), booking(contact="Evee")]},
            "bookings[1].contact: it is neither a name nor an id of any that the location has",
        ),
        ({"bookings": [booking(contact="Twin")]}, "bookings[0].contact: several are called this, so say the id"),
        ({"bookings": [booking(), booking()]}, "bookings[1].at: Shaves, Wed 25 Mar 10:00: taken by another booking"),
        (
            {"bookings": [booking(at="08:00")]},
            "bookings[0].at: Shaves, Wed 25 Mar 08:00: closed; that day it is open from 09:00 to 17:00, and a slot",
        ),
        (
            {"bookings": [booking(at="10:10")]},
            "bookings[0].at: Shaves, Wed 25 Mar 10:10: no slot begins then; they begin every 30 minutes from 09:00",
        ),
        (
            {
                "bookings": [booking()],
                "blocks": [{"who": "Nora", "day": 1, "from": "9:30", "until": "10:15"}],
            },
            "bookings[0].at: Shaves, Wed 25 Mar 10:00: taken by a block",
        ),
        (
            {"bookings": [booking(day=3), booking(weekly=2)]},
            "bookings[1].weekly: Shaves, Wed 01 Apr 10:00: taken by another booking",
        ),
        ({"bookings": [booking(weekly=2, at="08:00")]}, "bookings[0].at: Shaves, Wed 25 Mar 08:00: closed;"),
        ({"bookings": [booking(weekly=2, **{"with": None})]}, "bookings[0].with: has to be said of a series"),
        ({"bookings": [booking(**{"with": "Pat"})]}, "bookings[0].with: 'Pat' is not on the team of Shaves"),
        ({"bookings": [booking(day=0)]}, "bookings[0].day: 1 is the first open day after today"),
        ({"bookings": [booking(day=366)]}, "bookings[0].day: Shaves is not open on so many days of a year"),
        ({"bookings": [booking(id="same"), booking(id="same", at="11:00")]}, "bookings[1].id: another booking has the"),
        ({"blocks": [{"who": "Kim", "day": 1, "from": "1:00", "until": "2:00"}]}, "blocks[0].who: 'Kim' is neither"),
        (
            {"blocks": [{"id": "b", "who": "Nora", "day": 1, "from": "1:00", "until": "2:00"}] * 2},
            "blocks[1].id: another block has the id 'b'",
        ),
        (
            {"blocks": [{"who": "Shaves", "day": 1, "from": "1:00", "until": "2:00"}]},
            "blocks[0].who: The calendar is not an event calendar.",
        ),
        (
            {"blocks": [{"who": "Nora", "day": 1, "from": "3:00", "until": "2:00"}]},
            "blocks[0]: 03:00 to 02:00: it has to start before it ends",
        ),
        ({"users": [{"id": "nora", "name": "Nora"}]}, "calendars[0].team[1]: 'omar' is neither a name nor an id"),
        ({"contacts": [{"id": "eve", "name": "Eve"}] * 2}, "contacts[1].id: another has it"),
        ({"contacts": [{"id": "x y", "name": "Eve"}]}, "contacts[0].id: it is no id: those stand in the paths"),
        ({"contacts": [{"id": "a/b", "name": "Eve"}]}, "contacts[0].id: it is no id: those stand in the paths"),
        ({"services": [{"id": "a", "name": "A", "minutes": 5, "staff": []}]}, "services[0].staff: needs one at least"),
        ({"tokens": []}, "tokens: without one, and without `clients`, nobody can call this location"),
        (
            {"scopes": ["calendars/event.readonly", "opportunities.readonly"]},
            "scopes[0]: 'calendars/event.readonly' is no scope; did you mean calendars/events.readonly?",
        ),
        ({"scopes": ["calendars"]}, "scopes[0]: 'calendars' is no scope"),
        ({"timezone": "Europe/Pariss"}, "timezone: 'Europe/Pariss' is no time zone; did you mean Europe/Paris?"),
        ({"usrs": []}, "usrs: there is no such field; did you mean users?"),
        ({"groups": [{"id": "g", "name": "G", "slug": "g", "colour": 1}]}, "groups[0].colour: there is no such field"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(more: dict[str, Any], complaint_said: str) -> None:
    text = seed(**{"users": [*PEOPLE, {"id": "pat", "name": "Pat"}], **more}).replace("with: null", "title: Nobody")
    [line] = complaint(text).splitlines()
    assert re.sub(r"^line [0-9]+, locations\[0\]\.", "", line).startswith(complaint_said)


def test_every_fault_is_a_line_in_the_order_of_the_file() -> None:
    assert complaint(WRONG).splitlines() == [
        "line 2, clients[0].company_id: has to be said",
        "line 3, locatons: there is no such field; did you mean locations?",
        "line 6, locations[0].timezone: 'Europe/Pariss' is no time zone; did you mean Europe/Paris?",
        "line 10, locations[0].users[1].name: has to be said",
        "line 12, locations[0].contacts[0].owner: 'Norra' is neither a name nor an id of any that the location has; "
        "did you mean Nora?",
        "line 17, locations[0].calendars[0].team[0]: 'Noraa' is neither a name nor an id of any that the location has; "
        "did you mean Nora?",
        "line 18, locations[0].calendars[0].slot_minuts: there is no such field; did you mean slot_minutes?",
        "line 19, locations[0].calendars[0].open_hours[0].closes: '25:30' is no time of day: they go from 00:00 to "
        "24:00",
        "line 19, locations[0].calendars[0].open_hours[0].days[1]: 'Mondy' is none of Mon, Tue, Wed, Thu, Fri, Sat, "
        "Sun; did you mean Mon?",
        "line 23, locations[0].calendars[1].type: 'rund' is none of round_robin, event, class_booking, collective, "
        "service_booking, personal",
        "line 31, locations[0].bookings[1].contact: it is neither a name nor an id of any that the location has",
        "line 32, locations[0].bookings[2].at: Good, Wed 25 Mar 08:00: closed; that day it is open from 09:00 to "
        "10:00, and a slot takes 30 minutes",
        "line 34, locations[0].bookings[4].at: Good, Wed 25 Mar 09:30: taken by another booking, or the calendar takes "
        "no more that day",
        "line 37, locations[0].blocks[0]: '5' should be an object with fields",
        "line 38, locations[0].blocks[1].titel: there is no such field; did you mean title?",
        "line 38, locations[0].blocks[1].who: 'Kim' is neither a name nor an id of any that the location has",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n", "the seed is empty: a seed is a mapping that begins with `locations:`"),
        ("# nothing yet\n", "the seed is empty: a seed is a mapping that begins with `locations:`"),
        ("\n- a\n", "line 2: a seed is a mapping that begins with `locations:`, and this is a list"),
        ("hello", "line 1: a seed is a mapping that begins with `locations:`, and this is plain text"),
        ("strict: true", "line 1, locations: has to be said"),
        ("strict: true\nlocations: []", "line 2, locations: needs one at least"),
        ("a: {", "the seed is no YAML: did not find expected node content in line 2, column 1"),
        (
            "locations:\n  - id: a\n    timezone: UTC\n    id: b",
            "line 4, locations[0].id: stands here twice, in line 2 and in line 4",
        ),
    ],
)
def test_what_is_no_seed_at_all_is_told_in_one_line(text: str, said: str) -> None:
    assert complaint(text) == said


def test_tokens_and_secrets_are_quoted_nowhere() -> None:
    text = """
clients:
  - {id: app, secret: [hush-hush], company_id: c}
  - {id: two, secret: hush-hush, company_id: c, hush: 1}
locations:
  - {id: a, timezone: UTC, tokens: hush-hush}
  - {id: b, timezone: UTC, tokens: [hush-hush]}
  - {id: c, timezone: UTC, tokens: [hush-hush]}
"""
    lines = complaint(text).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "line 3, clients[0].secret",
        "line 4, clients[1].hush",
        "line 6, locations[0].tokens",
        "line 8, locations[2].tokens",
    ]
    assert "hush-hush" not in "".join(lines)


def test_an_id_of_a_booking_is_one_at_all_locations() -> None:
    two = yaml.safe_load(seed(bookings=[booking(id="mine")]))["locations"] * 2
    two[1] = {**two[1], "id": "second"}
    text = yaml.safe_dump({"locations": two})
    assert "locations[1].bookings[0].id: another booking has the id 'mine'" in complaint(text)
