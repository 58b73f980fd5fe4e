"""Ten thousand rules of a kind that a check must not compare with each other, or with each name: what would take longer
with every rule more."""

from collections.abc import Iterator

RULES, FIELDS, TOGETHER = 10_000, 3_000, 500
"""Rules, names that none of them uses, and rules in a file."""


def half_without_calendar() -> dict[str, str]:
    """Each of the first half asks for a calendar of its own, the others for none: those may meet any of the first."""
    head = "people: {dana: u8jzPde0IgxLd6GncfBA, kim: epfJBd0Kh8oOOL8dKLzd}\n"
    half = RULES // 2
    some = (_rule(n, f"calendar: Calendar{n:012}", "{do: assign, to: dana}") for n in range(half))
    others = (_rule(n, f"title: Number {n}", "{do: assign, to: kim}") for n in range(half, RULES))
    return {**_files("a", head, some), **_files("b", head, others)}


def unused_fields() -> dict[str, str]:
    """Each rule has a text in which any of the fields may be."""
    names = "".join(f"  field-{n}: Field {n}\n" for n in range(FIELDS))
    rules = (_rule(n, f"title: Number {n}", f"{{do: alert, text: '{n} at {{{{ starts }}}}'}}") for n in range(RULES))
    return {"names.yaml": f"fields:\n{names}", **_files("a", "", rules)}


def _rule(number: int, test: str, step: str) -> str:
    return f"- name: rule-{number}\n  when: appointment.created\n  if: {{{test}}}\n  then: [{step}]\n"


def _files(name: str, head: str, rules: Iterator[str]) -> dict[str, str]:
    """By their paths."""
    texts = list(rules)
    return {
        f"{name}/{first // TOGETHER:02}.yaml": f"{head}rules:\n{''.join(texts[first : first + TOGETHER])}"
        for first in range(0, len(texts), TOGETHER)
    }
