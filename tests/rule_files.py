"""Rule files as tests write them, and how their faults are read."""

from typing import Any

import pytest

from workers.faults import RulebookFaults
from workers.rulebook import Rulebook, read

DANA, KIM, CUTS = "u8jzPde0IgxLd6GncfBA", "epfJBd0Kh8oOOL8dKLzd", "jc01T5GOBUSZGi6HWGK1"
NAMES = f"""\
people:
  dana: {{id: {DANA}}}
  kim: {KIM}
teams: {{evening: [dana, kim]}}
calendars: {{cuts: {CUTS}}}
"""
EVENING_CUTS = """\
rules:
  - name: evening-cuts
    mode: live
    when: appointment.created
    if:
      calendar: {is: cuts}
      starts: {after: 17:00, on: [thu, fri]}
    then:
      - do: assign
        to: {least_busy: evening, over: week}
      - do: block_slot
        after: 15m
        follow: true
      - do: add_note
        text: "Given to {{ assignee.name }}: fewest bookings that week."
"""


def rule(
    name: str = "one", *, when: str = "appointment.created", then: str = "{do: add_note, text: x}", more: str = ""
) -> str:
    return f"- name: {name}\n  when: {when}\n  then: [{then}]\n{more}"


def action(then: str, names: str = NAMES) -> Any:
    text = f"{names}rules:\n- name: one\n  when: appointment.created\n  then:\n  - {then}\n"
    return read({"rules.yaml": text}).entries[0].rule.then[0]


def faults(files: dict[str, str] | str) -> list[str]:
    with pytest.raises(RulebookFaults) as caught:
        read({"rules.yaml": files} if isinstance(files, str) else files)
    return [str(fault) for fault in caught.value.faults]


def of_action(then: str) -> list[str]:
    """Faults of one action, which stands in line 10 from column 5."""
    return faults(f"{NAMES}rules:\n- name: one\n  when: appointment.created\n  then: \n  - {then}\n")


def names_in(rulebook: Rulebook) -> list[str]:
    return [entry.rule.name for entry in rulebook]
