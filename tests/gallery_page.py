"""The page of the gallery: every rule with what it does to one booking, as the comment above it tells (`make docs`)."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "helm" / "rules" / "gallery" / "README.md"
TRADES = ("salon", "clinic", "sales", "home-services")
TOLD = re.compile(r"((?:^  # .*\n)+)^  - name: (\S+)$", re.MULTILINE)
HEAD = re.compile(r"\A(?:#.*\n)+")

BEGINNING = """\
# A gallery of rules

Rules that booking teams of four trades have asked for, each told by what it does to one booking. Every word of the rule
language is in one of them, and a test shows each at work. Take what you like: copy a file, and put your own ids under
its names.

Each trade is at home in a seed of the sandbox, so that its rules can be tried before they are changed:

```sh
slotwright up --folder .clinic --seed clinic --rules helm/rules/gallery
```

The rules of the other trades are for other locations, and wait. Book something by a click on the sandbox's page, and
see what became of it: `slotwright history list --folder .clinic`. What the rules make of a booking that came, also
after you have changed one: `slotwright rules try helm/rules/gallery --delivery ID --folder .clinic`.
"""


def page() -> str:
    return BEGINNING + "".join(_section(trade) for trade in TRADES)


def stories(trade: str) -> dict[str, str]:
    """What each rule does to one booking, by its name."""
    return {name: _plain(comment) for comment, name in TOLD.findall(_text(trade))}


def _section(trade: str) -> str:
    head = HEAD.match(_text(trade))
    assert head, f"{trade}.yaml begins without a word about it"
    lines = [line for line in head[0].splitlines() if "$schema" not in line]
    about = _plain("\n".join(lines)).split(" Each rule is told")[0]
    rows = "".join(f"| `{name}` | {story} |\n" for name, story in stories(trade).items())
    return (
        f"\n## [{trade}.yaml]({trade}.yaml)\n\n{about}\n\n| rule | what it does to one booking |\n| --- | --- |\n{rows}"
    )


def _text(trade: str) -> str:
    return (PAGE.parent / f"{trade}.yaml").read_text(encoding="utf-8")


def _plain(comment: str) -> str:
    return " ".join(line.strip().removeprefix("#").strip() for line in comment.splitlines()).replace("|", "\\|").strip()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
