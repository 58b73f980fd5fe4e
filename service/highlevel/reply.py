"""What came back for a call, read: what all replies share."""

from datetime import date
from typing import Annotated, Any, ClassVar, Self, cast

from pydantic import (
    AliasGenerator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, core_schema

WIRE_NAMES = AliasGenerator(validation_alias=to_camel, serialization_alias=to_camel)
"""Field names are Python's; the wire's are camel case unless a field says otherwise (HighLevel's misspellings)."""

EMPTY_AS_NONE = BeforeValidator(lambda value: None if value == "" else value)
"""On a field that may be None. It is a call of Python's for each value."""

SentTime = Annotated[AwareDatetime | None, EMPTY_AS_NONE]
"""A time in an answer that may be missing."""

READ = (str, int, float, tuple, dict, date, BaseModel)
"""What a field that is not null is read as."""


def _fields_of(schema: Any) -> dict[str, Any]:
    """The fields' schemas by name, in that of a model, which its validators may stand around."""
    while schema["type"] != "model-fields":
        schema = schema["schema"]
    return cast("dict[str, Any]", schema["fields"])


def _null_as_left_out(field: Any) -> Any:
    """The same for a field that may be null, or must be there; otherwise without a call of Python's at reading."""
    default = field.get("default")
    if field["type"] != "default" or default is None:
        return field
    there = core_schema.is_instance_schema((type(default), *READ))
    or_default = core_schema.with_default_schema(there, default=default, on_error="default")
    chain = core_schema.chain_schema([core_schema.nullable_schema(field["schema"]), or_default])
    return {**field, "schema": chain}


class Reply(BaseModel):
    """What came back. Unknown fields are kept: HighLevel adds some without telling."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        alias_generator=WIRE_NAMES,
        validate_by_name=True,
        hide_input_in_errors=True,
        defer_build=True,  # no process has use for them all, and it starts sooner
    )

    array: ClassVar[str] = ""
    """The field that an answer which is a bare array fills."""
    may_be_empty: ClassVar[bool] = False
    """Whether an answer without a body can be read: all that it has to say is that it is done."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Null is read as what a field is when it is left out, lest one of them make a whole list unreadable."""
        schema = handler(source)
        fields: dict[str, Any] = _fields_of(handler.resolve_ref_schema(schema))
        for field in fields.values():
            field["schema"] = _null_as_left_out(field["schema"])
        return schema

    @classmethod
    def read(cls, answer: Any) -> Self:
        """From JSON values; raises pydantic's ValidationError when they are not what was expected."""
        return cls.model_validate({cls.array: answer} if cls.array and isinstance(answer, list) else answer)

    @classmethod
    def read_json(cls, answer: bytes) -> Self:
        """From an answer's body, as `read`."""
        if cls.may_be_empty and not answer.strip():
            answer = b"{}"
        if cls.array and answer.lstrip()[:1] == b"[":
            answer = b'{"%s":%s}' % (cls.array.encode(), answer)
        return cls.model_validate_json(answer)


def no_refusal(answer: Any) -> Any:
    """The same; raises ValueError for an answer that says of itself that it is a refusal."""
    if isinstance(answer, dict):
        said = answer.get("statusCode", answer.get("status"))
        if answer.get("name") == "HttpException" or (isinstance(said, int) and said >= 400):
            raise ValueError("the answer says that it is a refusal")
    return answer


class Done(Reply):
    """The answer to a call that has nothing to tell but that it was carried out: nothing in it is counted on.

    What says of itself that it is a refusal, though its status was good, is not read (HighLevel's issue 3:
    `{"status": 400, "message": ..., "name": "HttpException"}`).
    """

    may_be_empty = True

    @model_validator(mode="before")
    @classmethod
    def is_no_refusal(cls, answer: Any) -> Any:
        return no_refusal(answer)
