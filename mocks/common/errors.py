"""The error that every stand-in knows: a code, a message, details, and the two forms in which it travels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class RbeeError(Exception):
    """A failure with one of rbee's codes (docs/contract.md, section 4.4).

    `code` is the published code, `message` one sentence for a person, `status` the HTTP status where the error is an
    answer of its own, `details` the figures and names that belong to the code.
    """

    def __init__(self, code: str, message: str, *, status: int = 500, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.details = details

    def envelope(self) -> dict[str, Any]:
        """The body of an answer: `{"error": {"code", "message", "details"?}}`."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.code == "ALL_SLOTS_BUSY":
            # Its slots stand beside the code for some readers and under details for others: docs/contract.md,
            # section 8 row 32.
            error.update(self.details)
        if self.details:
            error["details"] = self.details
        return {"error": error}

    def event(self) -> dict[str, Any]:
        """The event that ends a failed stream: `{"type": "error", "code", "message", "details"}`."""
        return {"type": "error", "code": self.code, "message": self.message, "details": self.details}

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> RbeeError:
        """The error that an error event tells. Raises ValueError when the event is none."""
        return cls._read(event, 500)

    @classmethod
    def from_envelope(cls, envelope: Any, status: int) -> RbeeError:
        """The error in the body of an answer with this HTTP status. Raises ValueError when the body holds none."""
        return cls._read(envelope.get("error") if isinstance(envelope, Mapping) else None, status)

    @classmethod
    def _read(cls, error: Any, status: int) -> RbeeError:
        if not isinstance(error, Mapping) or not isinstance(error.get("code"), str):
            raise ValueError(f"not an error of rbee: {error!r}")
        details = error.get("details")
        known = {str(name): value for name, value in details.items()} if isinstance(details, Mapping) else {}
        failure = cls(error["code"], str(error.get("message") or error["code"]), status=status)
        failure.details = known
        return failure
