"""The chart as Helm's own engine renders it, and what its schema says of our settings (by `make docs`)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import helm_python as helm
import yaml

from service.settings import Settings

ROOT = Path(__file__).parents[1]
HELM = ROOT / "helm"
VALUES = Path(__file__).parent / "values"
OWN = ("HOST", "PORT", "CONSOLE_HOST", "CONSOLE_PORT")
"""What the chart sets itself: its probes and Services rely on it."""

SECRET = (
    *("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SECRET_KEY_PREVIOUS", "OAUTH_CLIENT_SECRET"),
    *("CALL_SECRET", "ALERT_WEBHOOKS", "CONSOLE_PASSWORD", "SENTRY_DSN"),
)
"""What stands in Secrets."""

Object = dict[str, Any]


def values(name: str) -> Object:
    """The values file of that name in tests/values, as Helm reads it; "default" is nobody's file."""
    return {} if name == "default" else helm.values_from_yaml((VALUES / f"{name}.yaml").read_text())


NAMES = ("default", *sorted(path.stem for path in VALUES.glob("*.yaml")))


@dataclass(frozen=True)
class Release:
    """All that a chart makes of some values: objects, hooks among them, and the notes."""

    objects: tuple[Object, ...]
    notes: str

    def all(self, kind: str) -> list[Object]:
        return [found for found in self.objects if found["kind"] == kind]

    def one(self, kind: str, ending: str = "") -> Object:
        [found] = [found for found in self.all(kind) if found["metadata"]["name"].endswith(ending)]
        return found

    def pods(self) -> Iterator[tuple[str, Object]]:
        """Each pod that is described, by the name of what describes it."""
        for found in self.objects:
            if found["kind"] == "Pod":
                yield found["metadata"]["name"], found
            elif "template" in found.get("spec", {}):
                yield found["metadata"]["name"], found["spec"]["template"]

    def environment(self) -> set[str]:
        return {
            variable["name"]
            for _, pod in self.pods()
            for container in pod["spec"]["containers"]
            for variable in container["env"]
        }


@cache
def chart() -> helm.Chart:
    return helm.Chart.load(HELM)


def render(given: Mapping[str, Any], name: str = "booking", namespace: str = "salon", **options: Any) -> Release:
    """Raises HelmValuesError for what the schema refuses, HelmRenderError for what a template does."""
    chart().validate_schema(dict(given))
    files = chart().render(dict(given), name=name, namespace=namespace, **options)
    notes = [text for path, text in files.items() if path.endswith("NOTES.txt")]
    # A document with nothing in it is no object; neither is one of comments.
    objects = [
        document
        for path, text in files.items()
        if path.endswith(".yaml")
        for document in yaml.load_all(text, Unique)
        if document
    ]
    return Release(tuple(objects), "".join(notes))


class Unique(yaml.SafeLoader):
    """A key that stands twice in a mapping is a mistake of a template."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:
        names = [key.value for key, _ in node.value]
        assert len(names) == len(set(names)), f"twice in one mapping: {names}"
        return super().construct_mapping(node, deep)


def settings_schema() -> Object:
    """What values.schema.json says of `settings`: the model's own words, by the names of the environment."""
    told = Settings.model_json_schema()["properties"]
    kept = ("type", "enum", "items", "minimum", "maximum", "exclusiveMinimum", "description")
    return {
        name.upper(): {word: field[word] for word in kept if word in field}
        for name, field in told.items()
        if name.upper() not in (*OWN, *SECRET)
    }


def write_settings() -> None:
    """Bring `settings` in values.schema.json up to date with the model."""
    path = HELM / "values.schema.json"
    schema = json.loads(path.read_text())
    schema["properties"]["settings"]["properties"] = settings_schema()
    path.write_text(laid_out(schema) + "\n")


def laid_out(value: Any, indent: int = 0) -> str:
    """As JSON; what is short stands on one line."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(line) <= 100 - indent:
        return line
    pairs = value.items() if isinstance(value, dict) else (("", inner) for inner in value)
    inside = [(f"{json.dumps(name)}: " if name else "") + laid_out(inner, indent + 2) for name, inner in pairs]
    start, end = "{}" if isinstance(value, dict) else "[]"
    margin = " " * indent
    return f"{start}\n{margin}  " + f",\n{margin}  ".join(inside) + f"\n{margin}{end}"


if __name__ == "__main__":
    write_settings()
