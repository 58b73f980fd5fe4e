"""What stays whatever rules are applied, and what of them was refused at a start."""

from datetime import datetime

from service.store import condition, folders
from service.store.database import Connection
from service.store.folders import Refused
from workers.cli.checkup.finding import Finding, ago, listed, warning
from workers.cli.live import said
from workers.cli.rules.standing import Standing, release_of, rollback, standing


async def what_stays(connection: Connection) -> list[Finding]:
    """Nothing where rules do what their files say, and the files are those that were given last."""
    stays, now = await standing(connection), await condition.clock(connection)
    return [
        *_rollbacks(stays),
        *_overrides(stays),
        *(_refused(each, now) for each in await folders.refused(connection)),
    ]


def _rollbacks(stays: Standing) -> list[Finding]:
    return [
        warning(
            f"rollback of {said(each.location_id)}" if each.location_id else "rollback",
            f"version {each.version} stays in force, {rollback(each)}",
            f"{release_of(each)} ends that; slotwright rules versions shows what waits for it",
        )
        for each in stays.rollbacks
    ]


def _overrides(stays: Standing) -> list[Finding]:
    told = listed([stays.told(each) for each in stays.overrides])
    return [warning("overrides", told, "slotwright rules override shows what ends each")] if told else []


def _refused(each: Refused, now: datetime) -> Finding:
    where = f" for {said(each.location_id)}" if each.location_id else ""
    told = f"{ago(now - each.refused_at)} ago they could not be put in force{where}: {said(each.refused)}"
    return warning(
        f"rules of {said(each.folder)}{where}", told, "mend what slotwright rules check says, then start it anew"
    )
