"""What is made from the rule language's declarations: the tables of its page, and its JSON schema (by `make docs`)."""

import json
from pathlib import Path

from workers.reference.page import renewed
from workers.reference.schema import rule_files

FOLDER = Path(__file__).parent.parent / "helm" / "rules"
PAGE = FOLDER / "README.md"
SCHEMA = FOLDER / "schema.json"


def schema() -> str:
    return json.dumps(rule_files(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text()))
    SCHEMA.write_text(schema())
