"""Warnings: what an author may not have meant. Each is given where it is due, and only there."""

from datetime import UTC, datetime

import pytest

from tests.rule_files import NAMES, rule
from workers.scrutiny.scrutiny import looked_through

NOW = datetime(2027, 1, 1, tzinfo=UTC)
CANCEL = "{do: cancel, notify: false}"
DANA = "{do: assign, to: dana}"
TWO_AREAS = "areas: {north: [LS], south: [SE]}"
KIM = "{do: assign, to: kim}"


def warned(files: dict[str, str] | str) -> list[str]:
    """Of rules that are right; those about the clocks are tested elsewhere."""
    found = looked_through({"rules.yaml": files} if isinstance(files, str) else files, NOW)
    assert found.faults == ()
    return [str(fault) for fault in found.remarks]


def one_or_none(found: list[str], told: str | None) -> None:
    assert len(found) == (told is not None), found
    assert told is None or found[0].startswith(f"rules.yaml:{told}"), found


def with_names(*rules: str) -> dict[str, str]:
    return {"names.yaml": NAMES, "rules.yaml": "".join(rules)}


# Names


@pytest.mark.parametrize(
    ("names", "then", "unused"),
    [
        ("people: {dana: u8jzPde0IgxLd6GncfBA}", "{do: add_note, text: x}", ["1:10: 'dana' under `people`"]),
        ("people: {dana: u8jzPde0IgxLd6GncfBA}", DANA, []),
        ("people: {dana: u8jzPde0IgxLd6GncfBA}", "{do: assign, to: {round_robin: calendar}}", []),
        ("people: {dana: u8jzPde0IgxLd6GncfBA}", "{do: assign, to: contact_owner}", []),
        ("people: {dana: u8jzPde0IgxLd6GncfBA}", "{do: add_note, text: 'For {{ assignee.name }}'}", []),
        ("people: {dana: u8jzPde0IgxLd6GncfBA}\nteams: {all: [dana]}", "{do: assign, to: {round_robin: all}}", []),
        (
            "people: {dana: u8jzPde0IgxLd6GncfBA}\nteams: {all: [dana]}",
            "{do: add_note, text: x}",
            ["2:9: 'all' under `teams`"],
        ),
        ("calendars: {cuts: jc01T5GOBUSZGi6HWGK1}", "{do: add_note, text: x}", ["1:13: 'cuts' under `calendars`"]),
        ("calendars: {cuts: jc01T5GOBUSZGi6HWGK1}", "{do: add_note, text: x, if: {calendar: cuts}}", []),
        ("calendars: {cuts: jc01T5GOBUSZGi6HWGK1}", "{do: add_note, text: '{{ calendar.name }}'}", []),
        ("hours: {open: {mon: 09:00-17:00}}", "{do: add_note, text: x}", ["1:9: 'open' under `hours`"]),
        ("hours: {open: {mon: 09:00-17:00}}", "{do: add_note, text: x, if: {starts: {during: open}}}", []),
        ("holidays: {bank: [2027-03-26]}", "{do: add_note, text: x}", ["1:12: 'bank' under `holidays`"]),
        ("holidays: {bank: [2027-03-26]}", "{do: add_note, text: x, if: {starts: {on: [mon, bank]}}}", []),
        ("areas: {north: [LS]}", "{do: add_note, text: x}", ["1:9: 'north' under `areas`"]),
        ("areas: {north: [LS]}", "{do: add_note, text: x, if: {contact.area: north}}", []),
        ("areas: {north: [LS]}", "{do: add_note, text: \"{% if contact.area == 'north' %}x{% endif %}\"}", []),
        # What is shown is the name that fits, and what is asked with another fact may be any.
        ("areas: {north: [LS]}", "{do: add_note, text: x, if: {contact.area: '{{ title }}'}}", []),
        ("areas: {north: [LS]}", "{do: add_note, text: '{{ contact.area }}'}", []),
        # What is left out holds of the others.
        (TWO_AREAS, "{do: add_note, text: x, if: {contact.area: {is: nothing}}}", []),
        (TWO_AREAS, "{do: add_note, text: x, if: {contact.area: {is_not: nothing}}}", []),
        (TWO_AREAS, "{do: add_note, text: x, if: {contact.area: {in: [north, nothing]}}}", []),
        (TWO_AREAS, "{do: add_note, text: x, if: {contact.area: {not_in: [north]}}}", []),
        (TWO_AREAS, "{do: add_note, text: x, if: {previous.area: {starts_with: so}}}", []),
        (TWO_AREAS, "{do: add_note, text: x, if: {contact.area: {matches: th}}}", []),
        (TWO_AREAS, "{do: add_note, text: x, if: {not: {contact.area: north}}}", []),
        (TWO_AREAS, "{do: add_note, text: x, if: {contact.area: {in: [north]}}}", ["1:22: 'south' under `areas`"]),
        (
            TWO_AREAS,
            "{do: add_note, text: x, if: {title: {is_not: nothing}, contact.area: north}}",
            ["1:22: 'south' under `areas`"],
        ),
        ("fields: {tongue: Language}", "{do: add_note, text: x}", ["1:10: 'tongue' under `fields`"]),
        ("fields: {tongue: Language}", "{do: add_note, text: 'in {{ contact.fields.tongue }}'}", []),
        ("fields: {tongue: Language}", "{do: add_note, text: x, if: {contact.fields.tongue: French}}", []),
        (
            "fields: {tongue: Language}",
            "{do: add_note, text: 'contact.fields.tongue'}",
            ["1:10: 'tongue' under `fields`"],
        ),
        ("sources: {till: {total: a}}", "{do: add_note, text: x}", ["1:11: 'till' under `sources`"]),
        (
            "workflows: {hello: 1c8a3f5e-0000-4000-8000-000000000000}",
            "{do: add_note, text: x}",
            ["1:13: 'hello' under `workflows`"],
        ),
        (
            "workflows: {hello: 1c8a3f5e-0000-4000-8000-000000000000}",
            "{do: start_workflow, workflow: hello}",
            [],
        ),
    ],
)
def test_a_name_that_no_rule_uses_is_told_where_it_is_declared(names: str, then: str, unused: list[str]) -> None:
    told = [f"rules.yaml:{each} is used by no rule" for each in unused]
    assert warned(f"{names}\nrules:\n{rule(then=then)}") == told


def test_names_of_a_folder_are_used_by_the_rules_in_it_and_below() -> None:
    hours = "hours: {open: {mon: 09:00-17:00}}\n"
    uses = rule(more="  if: {starts: {during: open}}\n")
    assert warned({"names.yaml": hours, "below/rules.yaml": uses}) == []
    assert warned(
        {"a/names.yaml": hours, "a/rules.yaml": rule(), "b/rules.yaml": hours + "rules:\n" + uses.replace("one", "two")}
    ) == ["a/names.yaml:1:9: 'open' under `hours` is used by no rule"]
    assert warned({"names.yaml": hours}) == [], "nobody could use it yet"


def test_people_and_calendars_of_a_file_of_names_are_an_account_s() -> None:
    assert warned(with_names(rule())) == ["names.yaml:4:9: 'evening' under `teams` is used by no rule"]


# What may be done too often, at night, or told to whom


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (rule(then=CANCEL), "3:10: it cancels up to 20 per hour in a location, for the rule says no `limit`"),
        (rule(then=CANCEL, more="  limit: 5 per day\n"), None),
        (f"defaults: {{limit: 5 per day}}\nrules:\n{rule(then=CANCEL)}", None),
        (rule(then=f"{{do: assign, to: contact_owner, otherwise: {CANCEL}}}"), "3:53: it cancels up to"),
        (rule(then="{do: reschedule, to: next_free, notify: false}"), None),
    ],
)
def test_cancel_wants_a_limit_that_somebody_has_thought_about(text: str, told: str | None) -> None:
    one_or_none(warned(text), told)


MOVE = "{do: reschedule, to: next_free, notify: true}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (rule(then=MOVE), "3:42: the client may be told of it at night, if what sets it off comes then; "),
        (rule(then=MOVE.replace("true", "if_start_changes")), "3:42: the client may be told of it at night"),
        (rule(then="{do: set_status, to: confirmed, notify: true}"), "3:42: the client may be told"),
        (rule(then=MOVE.replace("true", "false")), None),
        (rule(then=MOVE, more="  if: {now: {between: ['08:00', '20:00']}}\n"), None),
        (rule(then=MOVE, more="  if: {now: {after: '08:00', before: '20:00'}}\n"), None),
        (rule(then=MOVE.replace("}", ", if: {now: {between: ['08:00', '20:00']}}}")), None),
        (rule(then=MOVE, more="  if: {now: {during: {mon-fri: 09:00-17:00}}}\n"), None),
        (rule(then=MOVE, more="  if: {now: {outside: {mon-sun: 21:00-08:00}}}\n"), None),
        (rule(then=MOVE, more="  if: {not: {now: {between: ['21:00', '08:00']}}}\n"), None),
        (rule(then=MOVE, more="  if: {now: {between: ['20:00', '08:00']}}\n"), "3:42: the client may be told"),
        (rule(then=MOVE, more="  if: {now: {on: mon-fri}}\n"), "3:42: the client may be told"),
        (rule(then=MOVE, more="  if: {now: {after: '08:00'}}\n"), None),
        # The rule and its step together.
        (rule(then=MOVE.replace("}", ", if: {now: {before: '22:00'}}}"), more="  if: {now: {after: '08:00'}}\n"), None),
        (rule(then=MOVE, more="  if: {now: {is_not: nothing}}\n"), "3:42: the client may be told"),
        (rule(then=MOVE, more="  if: {now: {outside: {mon: 09:00-17:00}}}\n"), "3:42: the client may be told"),
        (rule(then=MOVE, more="  if: {not: {now: {after: '05:00'}}}\n"), "3:42: the client may be told"),
        (rule(then=MOVE, more="  if: {any: [{now: {after: '01:00'}}]}\n"), "3:42: the client may be told"),
        (
            rule(then=MOVE, more="  if: {any: [{now: {after: '08:00'}}, {title: Now}]}\n"),
            "3:42: the client may be told",
        ),
        (rule(then=MOVE, more="  if: {not: {any: [{now: {before: '08:00'}}, {title: Now}]}}\n"), None),
        (rule(then=MOVE, more="  if: {now: {on: 2027-12-24}}\n"), "3:42: the client may be told"),
        (rule(then=MOVE, more="  if: {now: {after: '2028-12-24 18:00'}}\n"), "3:42: the client may be told"),
        (rule(then=MOVE, more="  if: {now: {between: [2028-12-24 09:00, 2028-12-24 12:00]}}\n"), None),
        (
            rule(then=MOVE, more="  if: {now: {between: [2028-12-24 09:00, 2028-12-25 12:00]}}\n"),
            "3:42: the client may",
        ),
        (rule(then=MOVE, more="  if: {now: {after: '{{ starts }}'}}\n"), "3:42: the client may be told"),
        (rule(then=MOVE, when="1 day before start at 16:00"), None),
        (rule(then=MOVE, when="1 day before start at 03:00"), "3:42: the client may be told"),
        (rule(then=MOVE, when="2h before start"), "3:42: the client may be told"),
    ],
)
def test_a_client_is_not_to_be_told_at_night(text: str, told: str | None) -> None:
    one_or_none(warned(text), told)


CALL = "{do: call, url: 'https://example.com/hook', body: {who: '%s'}}"


@pytest.mark.parametrize(
    ("then", "told"),
    [
        ("{do: alert, text: 'Ring {{ contact.phone }}'}", "3:28: alert sends contact.phone, of a person, to channels"),
        (
            CALL % "{{ contact.name }} {{ contact.email }}",
            "3:60: call sends contact.email and contact.name, of a person",
        ),
        ("{do: alert, text: 'Look at {{ title }}'}", None),
        ("{do: alert, text: 'Look', if: {contact.tags: {contains: vip}}}", None),
        ("{do: add_note, text: 'Ring {{ contact.phone }}'}", None),
        (CALL % "{{ starts | time }}", None),
    ],
)
def test_what_is_known_of_a_contact_is_not_to_leave_the_house(then: str, told: str | None) -> None:
    one_or_none(warned(rule(then=then)), told)


@pytest.mark.parametrize(
    ("then", "more", "told"),
    [
        ("{do: retitle, text: 'VIP {{ title }}'}", "", "3:30: the title is built from the title, and may grow"),
        ("{do: retitle, prefix: '{{ title }}'}", "", "3:32: the title is built from the title"),
        ("{do: retitle, text: 'VIP {{ title }}'}", "  once_per: appointment\n", None),
        ("{do: retitle, prefix: VIP}", "", None),
        ("{do: retitle, text: 'VIP', if: {title: {contains: Cut}}}", "", None),
        ("{do: add_note, text: '{{ title }}'}", "", None),
    ],
)
def test_a_title_is_not_to_grow(then: str, more: str, told: str | None) -> None:
    one_or_none(warned(rule(then=then, more=more)), told)
