"""What the levers are told: JSON, read and checked, and the complaint when it cannot be used."""

import json
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from service.sandbox.complaints import complaints
from service.sandbox.door.edge import answered, to_json
from service.sandbox.world.world import World

ModelT = TypeVar("ModelT", bound=BaseModel)


class Order(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def complaint(status: int, message: str) -> web.Response:
    return answered({"statusCode": status, "message": message}, status)


def no_location(world: World, asked: str) -> web.Response:
    return complaint(422, f"no location {asked}; there is {', '.join(world.locations) or 'none'}")


def read_json(text: bytes) -> Any:
    """Raises web.HTTPUnprocessableEntity, as all here do."""
    try:
        body = json.loads(text)
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise unprocessable("half a surrogate pair is no text") from error
    except (ValueError, RecursionError) as error:
        raise unprocessable("the body is no JSON") from error
    return body


def read_object(text: bytes) -> dict[str, Any]:
    body = read_json(text)
    if not isinstance(body, dict):
        raise unprocessable("the body is no JSON object")
    return body


async def read_order(request: web.Request, model: type[ModelT]) -> ModelT:
    return validated(model, read_object(await request.read()))


def validated(model: type[ModelT], fields: Any) -> ModelT:
    try:
        return TypeAdapter(model).validate_python(fields)
    except ValidationError as error:
        raise unprocessable("; ".join(complaints(error))) from error


def unprocessable(message: str) -> web.HTTPUnprocessableEntity:
    return web.HTTPUnprocessableEntity(
        text=to_json({"statusCode": 422, "message": message}), content_type="application/json"
    )
