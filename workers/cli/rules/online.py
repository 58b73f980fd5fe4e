"""What `rules check --online` asks of HighLevel: who and what the accounts have that rules are for."""

from collections.abc import Mapping
from pathlib import Path

import click

from service.access.tokens import TokenKeeper
from service.highlevel.calendars import ListCalendars
from service.highlevel.connection import open_session, proxy_for
from service.highlevel.errors import Forbidden, HighLevelError, ScopeMissing
from service.highlevel.locations import ListCustomFields
from service.highlevel.operation import Api
from service.highlevel.users import ListUsers
from service.settings import Settings
from service.store import locations
from service.store.database import Pool
from service.store.locations import Location
from workers.cli.clock import clock
from workers.cli.folder import with_pool
from workers.cli.live import said
from workers.cli.rules.book import unregistered
from workers.cli.time_zones import no_token
from workers.client import client
from workers.scrutiny.accounts import Account
from workers.scrutiny.draft import Draft


def accounts_for(draft: Draft, folder: Path) -> tuple[list[Account], list[str], list[Location]]:
    """Of each registered location that rules are for; what could not be asked, a sentence each; and all locations."""

    async def do(pool: Pool, settings: Settings) -> tuple[list[Account], list[str], list[Location]]:
        async with pool.acquire() as connection:
            registered = await locations.every(connection)
        wanted = {written.entry.location for written in draft.rules}
        asked = [each for each in registered if None in wanted or {each.location_id, each.name} & wanted]
        if not asked:
            strange = [unregistered(each, registered) for each in sorted(filter(None, wanted))] if registered else []
            told = strange or ["no location is registered that these rules are for: slotwright locations add"]
            raise click.ClickException(told[0])
        found, silent = list[Account](), list[str]()
        async with open_session(2, proxy_for(settings.highlevel_url)) as session:
            keeper = TokenKeeper(settings, pool, session, clock)
            for location in asked:
                api = client(settings, session, keeper.of(location), location=location.location_id)
                known, untold = await _known(api, location)
                found.append(Account(location.location_id, location.name, known))
                silent.extend(untold)
        return found, silent, registered

    return with_pool(folder, do, "secret_key")


async def _known(api: Api, location: Location) -> tuple[Mapping[str, Mapping[str, str]], list[str]]:
    """What its token may not read is left out, and said."""
    known: dict[str, Mapping[str, str]] = {}
    silent: list[str] = []
    for word, ask in ASKED.items():
        try:
            known[word] = await ask(api, location.location_id)
        except (ScopeMissing, Forbidden) as error:
            silent.append(f"{said(location.name or location.location_id)}: {word} are not compared: {error.message}")
        except HighLevelError as error:
            raise no_token(location.location_id, error) from None
    return known, silent


async def _people(api: Api, location_id: str) -> Mapping[str, str]:
    users = (await api(ListUsers(location_id=location_id))).users
    return {
        user.id: user.name or " ".join(filter(None, (user.first_name, user.last_name)))
        for user in users
        if not user.deleted
    }


async def _calendars(api: Api, location_id: str) -> Mapping[str, str]:
    return {each.id: each.name for each in (await api(ListCalendars(location_id=location_id))).calendars}


async def _fields(api: Api, location_id: str) -> Mapping[str, str]:
    declared = (await api(ListCustomFields(location_id=location_id, model="contact"))).custom_fields
    return {each.id: each.name for each in declared}


ASKED = {"people": _people, "calendars": _calendars, "fields": _fields}
