"""Arguments that are checked before anything is opened or asked: ids of HighLevel's, and names."""

import click

from service.highlevel.operation import is_id


def kept(_: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """What a database can keep: bytes can be typed that are no UTF-8. Raises BadParameter."""
    try:
        return None if value is None else value.encode().decode()
    except UnicodeEncodeError:
        raise click.BadParameter(f"{value!r} is no UTF-8", param=parameter) from None


def location_id(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """What can be asked about. Raises BadParameter."""
    value = kept(context, parameter, value)
    if value is not None and not is_id(value):
        raise click.BadParameter(f"{value!r} is no location's id", param=parameter)
    return value
