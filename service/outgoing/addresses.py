"""Where a post may go: addresses as rules name them, and which of the internet's addresses are public. Pure."""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Self

from yarl import URL

LONGEST_URL = 2000
SPACES = re.compile(r"[\x00-\x20\x7f\\]")
"""Programs disagree about what these mean in an address."""

NOT_PUBLIC: Final = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3ffe::/16",
        "3fff::/20",
    )
)
"""Of IPv4, and of the part of IPv6 that is given out: what IANA's registries of special-purpose addresses call not
globally reachable, what stands for another address (6to4, Teredo), multicast, and what is reserved. Python's
`is_global` differs from one of its releases to the next, and lets multicast through."""

GIVEN_OUT: Final = IPv6Network("2000::/3")
"""The only part of IPv6 that IANA has given out for addresses of the public internet."""

MAPPED: Final = IPv6Network("::ffff:0:0/96")
TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""NAT64, which machines without IPv4 reach the public IPv4 internet by."""


def is_public(host: str) -> bool:
    """Whether an IP address, as the operating system is told it, is one of the public internet.

    False for anything that is no such address, such as the numbers that old programs read as one.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return _is_public(address)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        if address in MAPPED or address in TRANSLATED:
            return _is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address not in GIVEN_OUT:
            return False
    return not any(address in block for block in NOT_PUBLIC)


@dataclass(frozen=True)
class Target:
    """An address to post to."""

    url: URL
    place: tuple[str, int]
    """Host, in small letters, and port."""

    @property
    def is_secure(self) -> bool:
        return self.url.scheme == "https"

    @property
    def host(self) -> str:
        """As words name it: without what stands in path or query, which may be nobody else's to know."""
        return self.url.host_port_subcomponent or self.place[0]

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises ValueError, in an author's words that do not repeat it."""
        url = _read_url(text)
        assert url.host is not None
        assert url.port is not None
        return cls(url, (url.host.lower(), url.port))


def _read_url(text: str) -> URL:
    wanted = "an address such as https://api.example.com/hook is expected"
    if len(text) > LONGEST_URL:
        raise ValueError(f"an address has at most {LONGEST_URL} characters, this one has {len(text)}")
    if "{{" in text or "{%" in text:
        raise ValueError("an address is the same every time: facts go into the body")
    if SPACES.search(text):
        raise ValueError(f"{wanted}, without spaces")
    try:
        url = URL(text)
        whole = url.scheme in ("http", "https") and url.host and url.port
    except ValueError:
        whole = None
    if not whole:
        raise ValueError(wanted)
    if url.user is not None or url.password is not None:
        raise ValueError("an address holds no user or password: what is posted is signed")
    if url.fragment:
        raise ValueError("what stands after # in an address is never sent")
    return url


@lru_cache(maxsize=500)
def target(text: str) -> Target:
    """`Target.read`, remembered: the same few addresses are posted to again and again."""
    return Target.read(text)
