"""What HighLevel says no with: statuses, words and shapes from recorded answers and public captures."""

from typing import Any


class Refusal(Exception):
    """An answer that is no success. Its shape differs by status, and so does whether it names a trace."""

    def __init__(
        self, status: int, message: str | list[str], *, error: str | None = None, traced: bool = False
    ) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.error = error
        self.traced = traced

    def body(self, trace_id: str) -> dict[str, Any]:
        body: dict[str, Any] = {"message": self.message, "statusCode": self.status}
        if self.error is not None:
            body["error"] = self.error
        if self.traced:
            body["traceId"] = trace_id
        return body


def bad_request(message: str) -> Refusal:
    return Refusal(400, message, error="Bad Request", traced=True)


def unprocessable(*messages: str) -> Refusal:
    return Refusal(422, list(messages), error="Unprocessable Entity")


def unauthorized(message: str) -> Refusal:
    return Refusal(401, message, error="Unauthorized")


def invalid_token() -> Refusal:
    return unauthorized("Invalid token: access token is invalid")


def missing_scope() -> Refusal:
    return unauthorized("The token is not authorized for this scope.")


def wrong_user_type() -> Refusal:
    """To an agency's token where a location's is wanted, and the other way round."""
    return unauthorized("This token's user type is not yet supported!")


def no_rule() -> Refusal:
    return unprocessable("rrule must be a valid RRULE")


def not_found(message: str) -> Refusal:
    return Refusal(404, message)


def slot_taken() -> Refusal:
    return bad_request("The slot you have selected is no longer available.")


def wrong_duration() -> Refusal:
    return bad_request("Selected slot duration is not a valid duration option for this calendar")


def not_on_the_team() -> Refusal:
    return bad_request("The user id not part of calendar team.")


def nobody_named() -> Refusal:
    return bad_request("assignedUserId is required when ignoreFreeSlotValidation is set.")


def not_an_event_calendar() -> Refusal:
    return Refusal(400, "The calendar is not an event calendar.")


def other_location() -> Refusal:
    return Refusal(403, "The token does not have access to this location.", error="Forbidden")


def other_company() -> Refusal:
    return Refusal(403, "The token does not have access to this company.", error="Forbidden")


def not_saved() -> Refusal:
    """Ours: what was asked is done, but a sandbox that dies now forgets it."""
    return Refusal(503, "What was asked is done, but it could not be saved.", error="Service Unavailable")


def too_large() -> Refusal:
    """A body of more than a mebibyte."""
    return Refusal(413, "request entity too large", error="Payload Too Large")


def no_such_path(method: str, path: str) -> Refusal:
    return Refusal(404, f"Cannot {method} {path}", error="Not Found")
