"""An outage: said once when it begins and once when it is over, however many run into it."""

import structlog

from service.telemetry.sentry import report

log = structlog.get_logger()


class Outage:
    """Something that a process cannot do without is away. Those who run into it give their name, and take it back."""

    def __init__(self, away: str, back: str) -> None:
        """The two sentences."""
        self._away = away
        self._back = back
        self._sufferers: set[str] = set()

    def __bool__(self) -> bool:
        """Whether it lasts."""
        return bool(self._sufferers)

    def met(self, error: BaseException | None = None, sufferer: str = "") -> bool:
        """`sufferer` ran into it; whether that was news, and so was said."""
        news = not self._sufferers
        self._sufferers.add(sufferer)
        if news:
            log.warning(self._away, **({"error": type(error).__name__} if error else {}))
            if error:
                report(error)
        return news

    def over(self, sufferer: str = "") -> None:
        """`sufferer` found it over; it is for all once each of them has."""
        if sufferer in self._sufferers:
            self._sufferers.remove(sufferer)
            if not self._sufferers:
                log.warning(self._back)
