"""Rules of a company with a hundred places: ten thousand in a hundred thousand lines, no two with the same text."""

from string import Template

PLACES, FILES, RULES = 100, 2, 50
"""Folders, files of rules in each, rules in each of those. In another file of the folder are its names."""

CALENDARS, PEOPLE = 5, 6

NAMES = Template("""\
location: place-$place
people:
$people
teams:
  everybody: [$everybody]
  evening: [$evening]
calendars:
$calendars
sources:
  till:
    customer: data.customer.id
    total: {path: data.total, kind: number}
    paid: {path: data.paid, kind: moment}
""")

FORMS = tuple(
    map(
        Template,
        (
            """\
  - name: evening-$name
    description: Bookings of $calendar after $hour:$minute go to whoever has the fewest that day, number $name.
    mode: live
    when: appointment.created
    if:
      calendar: $calendar
      starts: {after: "$hour:$minute", on: [thu, fri]}
    then:
      - {do: assign, to: {least_busy: evening, over: day}, replace: automatic}
      - {do: add_note, text: "Given to {{ assignee.name }} on {{ starts | day }}: fewest, says $name."}
""",
            """\
  - name: moved-$name
    when: [appointment.rescheduled, appointment.reassigned]
    if:
      calendar: {in: [$calendar, $other]}
      notice: {less_than: ${length}m}
      status: {not_in: [cancelled, noshow]}
    limit: 20 per hour
    then:
      - do: add_note
        text: "Moved from {{ was.starts | date }} at {{ was.starts | time }}, ${length}m before ($name)."
""",
            """\
  - name: civil-hours-$name
    mode: live
    when: appointment.created
    if: {calendar: $calendar, starts: {before: "$hour:$minute"}}
    then:
      - do: reschedule
        to: next_free
        within: {days: mon-fri, hours: "1$digit:00-20:$minute"}
        notify: true
      - {do: add_note, text: "Moved to {{ starts | day }} at {{ starts | time }}: we begin at $hour ($name)."}
""",
            """\
  - name: sweep-$name
    mode: live
    when: appointment.confirmed
    if:
      any:
        - title: {contains: colour $name}
        - duration: {more_than: ${length}m}
      assignee: {in: [$person, $colleague]}
    then:
      - {do: block_slot, after: ${length}m, follow: true, title: "Sweep up after {{ title | truncate(20) }} $name"}
""",
            """\
  - name: remember-$name
    when: ${length}m before start
    late: ${digit}0m
    if:
      not: {title: {matches: "^(test|try) $name"}}
      assignee: {is_not: nobody}
    then:
      - do: add_note
        text: |
          {% if address is defined %}At {{ address }}{% else %}Here{% endif %}, {{ notice }} from now: $name
""",
            """\
  - name: paid-$name
    when: external.till
    once_per: [event.customer]
    if:
      event.total: {between: [$length, 1$length]}
      event.paid: {after: "$hour:$minute"}
    then:
      - do: call
        url: https://$name.example.com/paid
        body: {customer: "{{ event.customer }}", total: "{{ event.total }} at $name", at: "{{ event.paid | time }}"}
""",
            """\
  - name: long-notice-$name
    description: Being tried out.
    mode: shadow
    when: appointment.created
    if:
      calendar: $calendar
      lead: {more_than: ${digit}d}
      recurring: false
    then:
      - {do: add_note, text: "Booked {{ lead }} ahead by {{ source | default('somebody') }}: call first, $name."}
""",
            """\
  - name: shares-$name
    mode: live
    when:
      - appointment.created
      - appointment.rescheduled
    if: {calendar: $calendar, title: {starts_with: "vip $name"}}
    then:
      - do: assign
        to: [{weighted: {$person: $length, $colleague: 1$digit}, over: month}, {round_robin: everybody}]
        replace: anybody
""",
        ),
    )
)


def calendar_id(place: int, number: int) -> str:
    return f"Calendar{place:04}{number:08}"


def files() -> dict[str, str]:
    """By their paths."""
    made: dict[str, str] = {}
    for place in range(PLACES):
        people = [f"person-{place}-{number}" for number in range(PEOPLE)]
        calendars = [f"calendar-{place}-{number}" for number in range(CALENDARS)]
        ids = (f"{{id: Person{place:04}{number:08}, per_day: 8}}" for number in range(PEOPLE))
        made[f"place-{place}/names.yaml"] = NAMES.substitute(
            place=place,
            people="\n".join(f"  {name}: {id_}" for name, id_ in zip(people, ids, strict=True)),
            everybody=", ".join(people),
            evening=", ".join(people[:3]),
            calendars="\n".join(f"  {name}: {calendar_id(place, at)}" for at, name in enumerate(calendars)),
        )
        for file in range(FILES):
            numbers = range(file * RULES, (file + 1) * RULES)
            rules = (_rule(place, number, people, calendars) for number in numbers)
            made[f"place-{place}/rules-{file}.yaml"] = "rules:\n" + "".join(rules)
    return made


def _rule(place: int, number: int, people: list[str], calendars: list[str]) -> str:
    return FORMS[number % len(FORMS)].substitute(
        name=f"{place}-{number}",
        calendar=calendars[number % CALENDARS],
        other=calendars[(number + 1) % CALENDARS],
        person=people[number % PEOPLE],
        colleague=people[(number + 1) % PEOPLE],
        hour=10 + number % 10,
        minute=f"{number * 7 % 60:02}",
        length=15 + number,
        digit=1 + number % 9,
    )
