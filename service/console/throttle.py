"""Throttle: how often somebody may try a password, by address and all together, in bounded memory."""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

FREE = 3
"""Wrong passwords of an address before it has to wait."""

LONGEST_WAIT = 60.0
"""Seconds. Longer would stop no guesser, and keep out everybody who shares an address with one."""

FORGOTTEN_AFTER = 900.0
MOST_ADDRESSES = 10_000


class Bucket:
    """Lets `burst` through at once, then one each `every` seconds."""

    def __init__(self, burst: int, every: float) -> None:
        self._burst = burst
        self._every = every
        self._left = float(burst)
        self._at: float | None = None

    def take(self, now: float) -> float:
        """0 and one is taken, or the seconds until there is one again."""
        passed = now - self._at if self._at is not None else 0.0
        self._left = min(self._burst, self._left + max(0.0, passed) / self._every)
        self._at = now
        if self._left < 1:
            return (1 - self._left) * self._every
        self._left -= 1
        return 0.0


@dataclass(frozen=True)
class Tries:
    """Wrong passwords of one address, and when it may try again."""

    number: int
    next_at: float


class Throttle:
    """Addresses that were wrong before share one bucket, addresses not seen yet another, and browsers that were let in
    before a third, which no guesser can use up.

    Who signs in for the first time has no such room: while somebody guesses from the same address, or from ever new
    ones, they are told to wait with the guesser, perhaps as long as it goes on. Nothing tells them apart but the
    password, and looking at every one that comes is what the guesser wants.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` tells seconds."""
        self._clock = clock
        self._tries: OrderedDict[str, Tries] = OrderedDict()
        self._fresh = Bucket(burst=10, every=1.0)
        self._again = Bucket(burst=10, every=4.0)
        self._known = Bucket(burst=10, every=1.0)

    def admit(self, address: str, *, known: bool = False) -> float:
        """0 when a password of this address may be looked at, else the seconds that it has to wait.

        It counts as wrong from here on, however many come at once, until `forgive` says otherwise. Of a browser that
        is `known` the address does not matter.
        """
        now, network = self._clock(), _network(address)
        if known:
            return self._known.take(now)
        tries = self._tries.get(network)
        if tries and now > tries.next_at + FORGOTTEN_AFTER:
            tries = None
        if tries and now < tries.next_at:
            return tries.next_at - now
        if wait := (self._again if tries else self._fresh).take(now):
            return wait
        number = tries.number + 1 if tries else 1
        wait = min(LONGEST_WAIT, 2.0 ** (number - FREE)) if number >= FREE else 0.0
        self._tries[network] = Tries(number, now + wait)
        self._tries.move_to_end(network)
        if len(self._tries) > MOST_ADDRESSES:
            self._tries.popitem(last=False)
        return 0.0

    def forgive(self, address: str) -> None:
        """The password was right."""
        self._tries.pop(_network(address), None)


def _network(address: str) -> str:
    """Who has one IPv6 address has all 2**64 of its network."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
