"""How slow guessing is, and for whom there is room all the same: whoever signed in with this browser before."""

from collections.abc import AsyncIterator
from itertools import count

import pytest
from argon2 import PasswordHasher

from service.console.sessions import COOKIE, KNOWN_COOKIE
from service.console.throttle import LONGEST_WAIT, MOST_ADDRESSES, Throttle
from service.store.database import Pool
from tests.consoles import HASH, PASSWORD, Clock, Site, open_console


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def site(pool: Pool, clock: Clock) -> AsyncIterator[Site]:
    async with open_console(pool, password_hash=HASH, clock=clock) as opened:
        yield opened


async def test_guessing_has_to_wait_longer_and_longer(site: Site, clock: Clock) -> None:
    assert [(await site.sign_in("a guess")).status for _ in range(5)] == [401, 401, 401, 429, 429]
    waits = []
    for _ in range(9):
        refused = await site.sign_in()
        assert refused.status == 429, "not even the right one is looked at"
        waits.append(int(refused.headers["Retry-After"]))
        assert f"Try again in {waits[-1]} s." in await refused.text()
        clock.passes(seconds=waits[-1] + 1)
        assert (await site.sign_in("a guess")).status == 401
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    clock.passes(seconds=61)
    assert (await site.sign_in()).status == 303
    assert (await site.sign_in("a guess")).status == 401, "forgiven"


def test_many_addresses_together_guess_slowly_and_leave_room_for_others() -> None:
    clock = Clock()
    throttle = Throttle(lambda: clock().timestamp())
    guessers = [f"10.0.{number >> 8}.{number & 255}" for number in range(300)]

    def guess() -> int:
        return sum(throttle.admit(guesser) == 0 for guesser in guessers)

    admitted = 0
    for _ in range(900):
        admitted += guess()
        clock.passes(seconds=1)
    assert admitted < 300 + 900 / 4 + 20
    guess()
    assert throttle.admit("2001:db8::1") == 0, "while they go on"


def test_what_is_remembered_of_guessers_is_bounded_and_one_network_is_one_guesser() -> None:
    clock = Clock()
    throttle = Throttle(lambda: clock().timestamp())
    for number in range(MOST_ADDRESSES + 500):
        assert throttle.admit(f"2001:db8:{number:x}::1") == 0
        clock.passes(seconds=1)
    assert len(throttle._tries) == MOST_ADDRESSES
    for number in range(3):
        assert throttle.admit(f"2001:db8:ffff:1::{number:x}") == 0
        clock.passes(seconds=0.2)
    assert 0 < throttle.admit("2001:db8:ffff:1::abcd") <= LONGEST_WAIT
    assert throttle.admit("2001:db8:ffff:2::1") == 0


def test_no_guesser_keeps_out_who_signed_in_before() -> None:
    clock = Clock()
    throttle = Throttle(lambda: clock().timestamp())
    networks = count()
    for _ in range(100):
        for _ in range(20):
            throttle.admit(f"2001:db8:{next(networks):x}::1")
            throttle.admit("10.0.0.9")
            clock.passes(seconds=0.05)
        assert throttle.admit("10.0.0.9", known=True) == 0, "behind the same proxy"
        clock.passes(seconds=3)
    at_once = [throttle.admit("10.0.0.9", known=True) for _ in range(12)]
    assert at_once.count(0) == 10, "nor does it guess freely"


async def test_a_browser_that_signed_in_before_is_let_in_while_its_address_waits(
    site: Site, pool: Pool, clock: Clock
) -> None:
    cookies = (await site.sign_in()).cookies
    known, session = cookies[KNOWN_COOKIE].value, cookies[COOKIE].value
    site.client.session.cookie_jar.clear()
    other_hash = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)

    async def tries(at: Site, cookie: str) -> int:
        for _ in range(9):
            await at.sign_in("a guess", Cookie="")
        status = (await at.sign_in(Cookie=cookie)).status
        at.client.session.cookie_jar.clear()
        return status

    assert (await site.get("/now", Cookie=f"{COOKIE}={known}"))[0] == 303, "it opens no page"
    assert await tries(site, f"{KNOWN_COOKIE}={session}") == 429
    assert await tries(site, f"{KNOWN_COOKIE}=") == 429
    assert await tries(site, f"{KNOWN_COOKIE}={known}") == 303
    async with open_console(pool, password_hash=other_hash, clock=clock) as changed:
        assert await tries(changed, f"{KNOWN_COOKIE}={known}") == 429
    clock.passes(days=179)
    assert await tries(site, f"{KNOWN_COOKIE}={known}") == 303
    clock.passes(days=2)
    assert await tries(site, f"{KNOWN_COOKIE}={known}") == 429
