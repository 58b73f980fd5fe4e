"""Who may read the console: nobody without the password where others reach it, and guessing is slow."""

import asyncio
import contextlib
import os
import pty
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner, Result

from service.console.app import PasswordNeeded, create_app
from service.console.passwords import Password
from service.console.sessions import COOKIE
from service.console.visitors import is_loopback, own_path
from service.settings import read_settings
from service.store.database import Pool
from tests.consoles import HASH, PASSWORD, Clock, Site, open_console
from tests.house import now
from tests.processes import free_port
from workers.cli.commands import slotwright

ELSEWHERE = {"Sec-Fetch-Site": "cross-site"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def site(pool: Pool, clock: Clock) -> AsyncIterator[Site]:
    async with open_console(pool, password_hash=HASH, clock=clock) as opened:
        yield opened


def say(*words: str, env: dict[str, str] | None = None, **options: Any) -> Result:
    return CliRunner().invoke(slotwright, ["console", *words], env=env, **options)


async def signed_in(site: Site) -> bool:
    return (await site.get("/now"))[0] == 200


async def test_without_a_session_every_page_asks_for_one_and_leads_back(site: Site) -> None:
    for path in ("/", "/history", "/now", "/deliveries/ab", "/search?q=1", "/nowhere"):
        assert (await site.goes_to(path)).startswith("/sign-in?next=%2F"), path
    assert await site.goes_to("/history?rule=a%26b") == "/sign-in?next=%2Fhistory%3Frule%3Da%2526b"
    status, page = await site.get("/sign-in?next=/history?rule=a%2526b")
    assert (status, 'name="next" value="/history?rule=a%26b"' in page, "Delivery or" in page) == (200, True, False)
    status, text = await site.get("/deliveries/ab.json")
    assert (status, "Not signed in" in text) == (401, True)
    assert (await site.get("/now", Accept="application/json"))[0] == 401
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await site.get(path))[0] == 200, path
    assert (await site.ask("POST", "/sign-out")).status == 401


async def test_the_password_opens_a_session_that_is_the_browsers_alone(site: Site) -> None:
    wrong = await site.sign_in("not the password")
    assert (wrong.status, "Set-Cookie" in wrong.headers) == (401, False)
    assert PASSWORD not in await wrong.text()
    answer = await site.sign_in()
    assert (answer.status, answer.headers["Location"]) == (303, "/now")
    session, known = answer.headers.getall("Set-Cookie")
    attributes = session.partition("; ")[2].split("; ")
    assert set(attributes) == {"HttpOnly", "Max-Age=43200", "Path=/", "SameSite=Strict"}
    attributes = known.partition("; ")[2].split("; ")
    assert set(attributes) == {"HttpOnly", "Max-Age=15552000", "Path=/sign-in", "SameSite=Strict"}
    assert await signed_in(site)
    assert await site.goes_to("/sign-in?next=/history") == "/history"
    encrypted = await site.sign_in(**{"X-Forwarded-Proto": "https"})
    assert all("Secure" in cookie.split("; ") for cookie in encrypted.headers.getall("Set-Cookie"))


async def test_a_session_ends_when_it_is_ended_or_old_or_the_password_is_changed(
    site: Site, pool: Pool, clock: Clock
) -> None:
    await site.sign_in()
    answer = await site.ask("POST", "/sign-out")
    assert (answer.status, answer.headers["Location"]) == (303, "/sign-in")
    assert not await signed_in(site)
    token = (await site.sign_in()).cookies[COOKIE].value
    clock.passes(hours=11.9)
    assert await signed_in(site)
    bare = {"Cookie": f"{COOKIE}={token}"}
    other_hash = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    async with (
        open_console(pool, password_hash=HASH, clock=clock) as twin,
        open_console(pool, password_hash=other_hash, clock=clock) as changed,
    ):
        assert (await twin.get("/now", **bare))[0] == 200, "another process opens it"
        assert (await changed.get("/now", **bare))[0] == 303
    clock.passes(hours=0.2)
    assert not await signed_in(site)
    for forged in (token[:-4] + "AAA=", "", "x", "é"):
        assert (await site.get("/now", Cookie=f"{COOKIE}={forged}"))[0] == 303


async def test_forms_of_other_sites_are_not_taken(site: Site) -> None:
    host = site.url.removeprefix("http://")
    for headers, status in (
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://evil.example.com"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": f"http://{host}"}, 303),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),
        ({}, 303),
    ):
        assert (await site.sign_in(**headers)).status == status, headers
    assert (await site.ask("POST", "/sign-out", headers={"Sec-Fetch-Site": "cross-site"})).status == 403
    assert await signed_in(site)


async def test_who_follows_a_link_of_another_site_is_asked_once_more_before_sign_in(site: Site) -> None:
    status, page = await site.get("/history?rule=a%26b", **ELSEWHERE)
    assert (status, '<meta http-equiv="refresh" content="0; url=/history?rule=a%26b">' in page) == (200, True)
    assert "Delivery or appointment id" not in page
    port = site.client.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET //evil.example.com/ HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: cross-site\r\nConnection: close\r\n\r\n"
    )
    answer = (await reader.read()).decode()
    writer.close()
    assert ('content="0; url=/">' in answer, "evil" in answer) == (True, False)


@pytest.mark.parametrize(
    "target",
    ["//evil.example.com", "/\\evil", "\\\\evil", "https://evil", "javascript:alert(1)", "/\t/evil", "/\n/evil", "",
     "now", "///evil", "http:/evil", "/\x00", "/%0a\r\nSet-Cookie: a=b", "//[", " /now"],
)  # fmt: skip
async def test_sign_in_leads_to_no_other_site(site: Site, target: str) -> None:
    assert own_path(target) == "/"
    answer = await site.ask("POST", "/sign-in", data={"password": PASSWORD, "next": target})
    assert (answer.status, answer.headers["Location"]) == (303, "/")


def test_paths_of_our_own_are_kept() -> None:
    for path in ("/", "/now", "/history?status=failed&since=2h", "/deliveries/01a0#step-1", "/history?rule=//x"):
        assert own_path(path) == path


async def test_what_is_no_form_of_ours_is_refused_and_no_error(site: Site, clock: Clock) -> None:
    many = "&".join(f"a{number}=b" for number in range(50))
    for body, status in ((b"", 401), (b"\xff\xfe=%ff", 401), (b"password=%00", 401), (many.encode(), 400),
                         (b"password=" + b"x" * 20_000, 413)):  # fmt: skip
        answer = await site.ask("POST", "/sign-in", data=body, headers={"Content-Type": "text/x; charset=nothing"})
        assert answer.status == status, body[:20]
        clock.passes(minutes=1)


async def test_a_form_that_is_not_encoded_as_it_says_is_refused_and_ends_the_connection(site: Site) -> None:
    answer = await site.ask("POST", "/sign-in", data=b"no gzip", headers={"Content-Encoding": "gzip"})
    assert (answer.status, answer.headers["Connection"]) == (400, "close")
    assert "is not encoded as its headers say" in await answer.text()
    assert not site.tally.take().values, "nothing that nobody thought of"


async def test_wrong_passwords_at_once_are_looked_at_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    password, at_once, most = Password(HASH), 0, 0
    compare = Password._compare

    def counting(self: Password, text: str) -> bool:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        time.sleep(0.01)  # long enough for others to come in
        try:
            return compare(self, text)
        finally:
            at_once -= 1

    monkeypatch.setattr(Password, "_compare", counting)
    answers = await asyncio.gather(*(password.is_right(f"guess {n}") for n in range(30)), password.is_right(PASSWORD))
    assert (answers.count(True), answers[-1]) == (1, True)
    assert most <= 2


def test_loopback_is_told_from_what_others_reach(pool: Pool) -> None:
    for host in ("127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost", "LOCALHOST.", "a.localhost"):
        assert is_loopback(host), host
        create_app(read_settings(console_host=host), pool, now)
    for host in ("0.0.0.0", "::", "", "10.0.0.1", "localhost.evil.example", "127.0.0.1.evil.example", "2130706433"):
        assert not is_loopback(host), host
        with pytest.raises(PasswordNeeded):
            create_app(read_settings(console_host=host), pool, now)


async def test_without_a_password_it_answers_to_names_of_this_machine_only(pool: Pool) -> None:
    async with open_console(pool) as site:
        for host, status in (
            ("localhost:1", 200),
            ("127.0.0.1", 200),
            ("[::1]:8081", 200),
            ("evil.example.com:8081", 421),
            ("127.0.0.1.evil.example.com", 421),
            ("", 421),
        ):
            got, page = await site.get("/history", Host=host)
            assert (got, "CONSOLE_PASSWORD" in page) == (status, status == 421), host
        assert (await site.get("/healthz", Host="10.1.2.3:8081"))[0] == 200
        assert (await site.get("/metrics", Host="evil.example.com"))[0] == 421
        assert await site.goes_to("/sign-in") == "/history"


def test_where_others_reach_it_the_console_does_not_start_without_a_password() -> None:
    env = {"DATABASE_URL": f"postgresql://127.0.0.1:{free_port()}/x", "CONSOLE_HOST": "0.0.0.0"}
    ended = subprocess.run(
        [sys.executable, "-m", "workers.cli", "console"], env=env, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "Error: CONSOLE_HOST 0.0.0.0 is reached from other machines, so CONSOLE_PASSWORD is needed: "
        "`slotwright console --hash-password` makes it from a password\n"
    )


def test_the_command_makes_the_hash_that_lets_in() -> None:
    made = say("--hash-password", input="twelve or more\n")
    assert (made.exit_code, made.stdout.startswith("$argon2id$"), made.stdout.count("\n")) == (0, True, 1)
    settings = read_settings(console_password=made.stdout.strip())
    assert asyncio.run(Password(settings.console_password.get_secret_value()).is_right("twelve or more"))
    short = say("--hash-password", input="too short\n")
    assert (short.exit_code, short.stdout, short.stderr) == (1, "", "Error: a password has at least 12 characters\n")


def test_the_same_letters_are_the_same_password() -> None:
    made = say("--hash-password", input="Zoe\u0308 was here first\n").stdout.strip()
    assert asyncio.run(Password(made).is_right("Zo\u00eb was here first"))


def test_on_a_terminal_the_password_is_asked_for_twice_and_not_shown() -> None:
    for again, ended, told in (("twelve or more", 0, "$argon2id$"), ("twelve or less", 1, "the two are not the same")):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(sys.executable, [sys.executable, "-m", "workers.cli", "console", "--hash-password"])
        said = b""
        for prompt, typed in ((b"Password for the console: ", "twelve or more"), (b"Again: ", again)):
            while prompt not in said:
                said += os.read(terminal, 1000)
            os.write(terminal, f"{typed}\n".encode())
        with contextlib.suppress(OSError):
            while more := os.read(terminal, 1000):
                said += more
        os.close(terminal)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == ended
        assert told in said.decode()
        assert b"twelve" not in said
