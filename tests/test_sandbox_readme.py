"""The sandbox's page is true: what it says is served, who is there, how it says no, and its examples."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import yaml
from pydantic import BaseModel

from service.sandbox import application, refusals
from service.sandbox.application import HANDLERS
from service.sandbox.door.fault_notation import read_fault
from service.sandbox.door.faults import Faults
from service.sandbox.door.oauth import OAuth
from service.sandbox.lever import ROOT
from service.sandbox.refusals import Refusal
from service.sandbox.seeds.seed import Seed, load_seed, packaged_seed
from service.sandbox.seeds.words import model_in
from tests.sandboxes import MONDAY, running

FOLDER = Path(application.__file__).parent
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")
SERVED = sorted([*((each.__name__, each.method, each.path) for each in HANDLERS), *OAuth.CALLS])
SAYING_NO = {"Refusal", "bad_request", "unauthorized", "not_found"}
OF_OAUTH = {"oauth.py", "grants.py"}


def test_it_lists_what_is_served() -> None:
    assert sorted(re.findall(r"^\| `(\w+)` \| `([A-Z]+) (/\S*)` \|$", PAGE, re.MULTILINE)) == SERVED


def test_its_faults_can_be_ordered() -> None:
    faults = Faults(SERVED)
    lines = re.findall(r"--fault '(.*?)'", PAGE) + re.findall(r"_sandbox/faults -d '([^{].*?)'", PAGE)
    calls = re.findall(r"`([A-Z]+ /calendars/{id})`", PAGE)
    assert (len(lines), len(calls)) == (4, 1)
    for line in (*lines, *(f"{call}:503" for call in calls), *(f"*:{what}" for what in ("200,html", "204,empty"))):
        faults.order(read_fault(line))


def test_it_names_everybody_in_the_demo() -> None:
    ids = set(re.findall(r"\bid: (\w{20})\b", packaged_seed("demo")))
    assert len(ids) == 30
    assert ids - set(re.findall(r"`(\w{20})`", PAGE)) == set()


async def test_its_seed_is_one() -> None:
    [seed] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    world = load_seed(seed, clock=lambda: MONDAY, random=Random(1))
    [location] = world.locations
    calendar, *others = world.calendars.of(location)
    assert (calendar.team, len(calendar.open_hours)) == (tuple(user.id for user in world.users.of(location)), 1)
    assert [other.calendar_type for other in others] == ["event", "service_booking"]
    assert len(list(world.diary.appointments)) == 6


def test_its_seed_says_all_that_a_seed_may_say() -> None:
    [seed] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    said = set(words_of(yaml.load(seed, yaml.CBaseLoader), ()))
    assert set(words_of_models(Seed, ())) - said == set()


def words_of(seed: Any, place: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, value in seed.items() if isinstance(seed, dict) else ():
        word = "*" if place[-1:] == ("dates",) else name
        yield (*place, word)
        for each in value if isinstance(value, list) else [value]:
            yield from words_of(each, (*place, word))


def words_of_models(model: type[BaseModel], place: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        word = (*place, field.alias or name)
        yield word
        inner = model_in(field.annotation)
        if inner is not None:
            yield from words_of_models(inner, (*word, "*") if name == "dates" else word)


def said_in_the_code() -> set[str]:
    """What refusals say whole, in so many words, but for those of OAuth."""
    said = {
        words
        for function in vars(refusals).values()
        if inspect.isfunction(function) and not inspect.signature(function).parameters
        if isinstance(answer := function(), Refusal)
        for words in ([answer.message] if isinstance(answer.message, str) else answer.message)
    }
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse("" if path.name in OF_OAUTH else path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr=name), args=[ast.Constant(value=str(words)), *_]):
                    said |= {words} if name in SAYING_NO else set()
    return said


def test_it_has_the_words_of_all_refusals() -> None:
    said = said_in_the_code()
    assert len(said) > 15
    assert {words for words in said if f"`{words}`" not in PAGE} == set()


async def test_every_lever_is_listed_with_a_line_and_is_on_the_page() -> None:
    async with running(told=False) as sandbox:
        listed = await sandbox.call("GET", ROOT)
        await sandbox.call("PUT", ROOT, status=405)
        assert await sandbox.call("GET", "/_sandbox/calls") == []
        router = sandbox.client.app.router if sandbox.client.app else None
        assert router is not None
        served = {
            (route.method, route.resource.canonical)
            for route in router.routes()
            if route.resource is not None and route.method != "HEAD"
        }
    levers = {
        (method, path)
        for method, path in served
        if path.startswith(f"{ROOT}/") and path != f"{ROOT}/" and not path.startswith(f"{ROOT}/page/")
    }
    assert {(lever["method"], lever["path"]) for lever in listed} == levers
    assert all(lever["does"] for lever in listed)
    for _, path in levers:
        assert path.replace("appointment_id", "id") in PAGE
