"""Where posts may go: to public addresses by https, whatever a name leads to, and to what a setting names."""

import pytest
from aiohttp import web

from service.outgoing.addresses import Target, is_public
from service.outgoing.client import Answered, Outgoing
from service.outgoing.errors import NotAllowed, NotPosted
from service.setting_kinds import read_place
from tests.other_systems import Names, Unplugged, answer, post, refusal, saying, self_signed, serving

PRIVATE = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.254 127.0.0.1 127.8.8.8 169.254.0.1 169.254.169.254
    172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255
    198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1
    ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 100::1
    2001::1 2001:10::1 2001:2::1 2001:db8::1 2002:7f00:1:: 2002:a00:1::1 3ffe::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254
    fe80::1 fe80::1%eth0 2606:4700::1111%eth0 fec0::1 ff02::1 ff0e::1
"""
ODD = """
    2130706433 017700000001 0177.0.0.1 0x7f000001 0x7f.1 127.1 127.0.1 010.0.0.1 0 ①②⑦.⓪.⓪.① localhost LOCALHOST
    127.0.0.1. [::1] [::ffff:7f00:1] [::]
"""
PUBLIC = """
    1.1.1.1 8.8.8.8 172.32.0.1 100.128.0.1 192.0.1.1 223.255.255.255 2606:4700::1111 2a00:1450::1 ::ffff:8.8.8.8
    64:ff9b::8.8.8.8 2001:4860:4860::8888
"""
NO_ADDRESSES = [
    *["", "https://exa mple.com", "https://example.com/\r\nHost: x", "https://{{ title }}.example.com/"],
    *["example.com/hook", "ftp://example.com", "file:///etc/passwd", "https://", "https:///hook", "//example.com"],
    *["https://example.com:0/", "https://example.com:65536/", "https://example.com:x/", "https://[::1/"],
    *["https://user:word@example.com/", "https://user@example.com/", "https://example.com/#part"],
    *["https://example.com\\@127.0.0.1/", f"https://example.com/{'x' * 2000}"],
]


@pytest.mark.parametrize("address", PRIVATE.split())
def test_an_address_that_is_not_public_is_known_for_it(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_a_public_address_is_known_for_it(address: str) -> None:
    assert is_public(address)


async def test_no_connection_is_made_to_an_address_that_is_not_public_however_it_is_written() -> None:
    wire = Unplugged()
    async with Outgoing(sockets=wire) as outgoing:
        for host in (*ODD.split(), *(f"[{host}]" if ":" in host else host for host in PRIVATE.split())):
            error = await refusal(f"https://{host}:8443/hook", outgoing)
            assert isinstance(error, NotAllowed), f"{host}: {error!r}"
            assert not error.retry
            assert not error.may_have_happened
    assert wire.asked == []


async def test_a_public_address_is_connected_to() -> None:
    wire = Unplugged()
    async with Outgoing(sockets=wire) as outgoing:
        for host in ("8.8.8.8", "[2606:4700::1111]"):
            assert isinstance(await refusal(f"https://{host}/hook", outgoing), NotPosted)
    assert wire.asked == ["8.8.8.8", "2606:4700::1111"]


async def test_a_name_that_leads_elsewhere_at_the_second_look_is_refused_at_connect() -> None:
    wire, names = Unplugged(), Names(["8.8.8.8"], ["127.0.0.1"], ["10.0.0.7", "::1"])
    async with Outgoing(resolver=names, sockets=wire) as outgoing:
        first = await refusal("https://rebinding.example.com:1001/", outgoing)
        # Looked up anew: names are remembered for a port.
        second = await refusal("https://rebinding.example.com:1002/", outgoing)
        third = await refusal("https://rebinding.example.com:1003/", outgoing)
    assert [type(error) for error in (first, second, third)] == [NotPosted, NotAllowed, NotAllowed]
    assert wire.asked == ["8.8.8.8"]
    assert str(second) == (
        "rebinding.example.com:1002: it leads to an address that is not public, and CALL_ALLOWED does not name it"
    )


async def test_of_a_name_with_public_and_private_addresses_the_public_are_tried() -> None:
    wire, names = Unplugged(), Names(["127.0.0.1", "8.8.8.8", "10.0.0.1", "1.1.1.1"])
    async with Outgoing(resolver=names, sockets=wire) as outgoing:
        assert isinstance(await refusal("https://mixed.example.com/", outgoing), NotPosted)
    assert set(wire.asked) == {"1.1.1.1", "8.8.8.8"}


async def test_only_the_very_host_and_port_that_a_setting_names_may_be_private() -> None:
    taken = []

    async def take(request: web.Request) -> web.Response:
        taken.append(request.host)
        return web.Response()

    async with serving(take) as (url, (host, port)), Outgoing(allowed=[(host, port)]) as outgoing:
        assert await post(outgoing, url) == Answered(200)
        for other in (url.replace("127.0.0.1", "localhost"), url.replace(str(port), str(port - 1 or 9))):
            assert isinstance(await refusal(other, outgoing), NotAllowed)
            assert isinstance(await refusal(other.replace("http:", "https:"), outgoing), NotAllowed)
    assert len(taken) == 1


async def test_without_https_nothing_is_posted() -> None:
    wire = Unplugged()
    async with Outgoing(sockets=wire) as outgoing:
        error = await refusal("http://example.com/hook", outgoing)
    assert str(error) == "example.com: only https is posted to, and what CALL_ALLOWED names"
    assert (type(error), wire.asked) == (NotAllowed, [])


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_no_plain_address_is_refused_in_words_that_do_not_repeat_it(text: str) -> None:
    with pytest.raises(ValueError) as refused:
        Target.read(text)
    assert "word" not in str(refused.value).replace("password", "")
    assert "passwd" not in str(refused.value)


async def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert await answer(saying(204)) == Answered(204)


async def test_a_certificate_that_nobody_vouches_for_ends_a_post_before_it_begins() -> None:
    taken = []

    async def take(request: web.Request) -> web.Response:
        taken.append(request.path)
        return web.Response()

    async with serving(take, self_signed()) as (url, place), Outgoing(allowed=[place]) as outgoing:
        error = await refusal(url, outgoing)
    assert isinstance(error, NotPosted)
    assert str(error) == f"127.0.0.1:{place[1]}: no connection (ClientConnectorCertificateError)"
    assert taken == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("127.0.0.1:9099", ("127.0.0.1", 9099)),
        ("[::1]:80", ("::1", 80)),
        ("Hooks.Internal:8443", ("hooks.internal", 8443)),
    ],
)
def test_a_place_is_a_host_and_a_port(text: str, place: tuple[str, int]) -> None:
    assert read_place(text) == place
    assert Target.read(f"http://{text}/hook").place == place


@pytest.mark.parametrize(
    "text", ["", "127.0.0.1", ":80", "host:0", "host:65536", "host:x", "me@host:80", "host:80/path", "http://host:80"]
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="should be hosts with their ports"):
        read_place(text)
