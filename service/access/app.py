"""Our marketplace app, as the settings name it: whether there is one, and where somebody allows it a location."""

from collections.abc import Iterable

import aiohttp

from service.highlevel.oauth import OAuth, UserType, authorize_url
from service.settings import AUTHORIZE_URL, HIGHLEVEL_URL, Settings

CALLBACK = "/oauth/callback"
"""The console's route that HighLevel sends the browser to."""

FOR_AGENCIES = ("oauth.readonly", "oauth.write")
"""Asked for beside the others where an agency is connected: its token gives those of its locations."""

NEEDED = ("oauth_client_id", "oauth_client_secret")


def missing(settings: Settings) -> list[str]:
    """The settings that are wanting before anything can be connected, by their names in the environment."""
    found = {
        "OAUTH_CLIENT_ID": settings.oauth_client_id,
        "OAUTH_CLIENT_SECRET": settings.oauth_client_secret.get_secret_value(),
        "SECRET_KEY": settings.secret_key.get_secret_value(),
    }
    return [name for name, value in found.items() if not value]


def oauth(settings: Settings, session: aiohttp.ClientSession) -> OAuth:
    return OAuth(settings.highlevel_url, settings.oauth_client_id, settings.oauth_client_secret, session)


def app_id(settings: Settings) -> str:
    """As webhooks name it; "" where none is set up. A client's id begins with its app's, up to the hyphen."""
    return settings.oauth_client_id.partition("-")[0]


def redirect_url(settings: Settings) -> str:
    """Where HighLevel sends the browser of whoever connects."""
    return settings.oauth_redirect_url or f"http://localhost:{settings.console_port}{CALLBACK}"


def asking_url(settings: Settings, user_type: UserType, state: str) -> str:
    """Where somebody allows our app a location or an agency."""
    page = settings.oauth_authorize_url
    if not page:
        own = settings.highlevel_url.rstrip("/")
        page = AUTHORIZE_URL if own == HIGHLEVEL_URL else f"{own}/oauth/chooselocation"
    more: Iterable[str] = FOR_AGENCIES if user_type == "Company" else ()
    scopes = dict.fromkeys([*settings.oauth_scopes, *more])
    return authorize_url(page, settings.oauth_client_id, redirect_url(settings), scopes, state)
