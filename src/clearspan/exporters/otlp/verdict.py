"""What a receiver said of the size of a request: OpenTelemetry's exporters tell of no reason why they failed.

A queue asks for it as `too_large`, and sends less at a time.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from clearspan.core import deadline
from clearspan.exporters.otlp.sending import TOO_LARGE, failed
from clearspan.exporters.otlp.staying import stay
from clearspan.exporters.otlp.timed import timed

if TYPE_CHECKING:
    from requests import Response, Session

__all__ = ["own_session", "telling", "telling_grpc"]

_PROVIDER: Final = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_{}CREDENTIAL_PROVIDER"


def own_session(signal: str) -> Session | None:
    """A session to listen to; `None` where the environment names a package that makes the exporters'."""
    names = (_PROVIDER.format(""), _PROVIDER.format(f"{signal.upper()}_"))
    if any(os.environ.get(name) for name in names):
        return None
    import requests

    return timed(stay(requests.Session()))


def telling(cls: Any, session: Session | None) -> Any:
    """The exporter class `cls`, whose instances tell by `too_large` whether their last request was refused for it."""
    if session is None:
        return cls
    said = [False]

    def hear(response: Response, *args: object, **named: object) -> None:
        del args, named
        said[0] = response.status_code == TOO_LARGE

    session.hooks["response"].append(hear)
    return _telling(cls, said)


def telling_grpc(cls: Any) -> Any:
    """The same of an exporter that speaks gRPC, whose calls are over by the deadline that the thread may have."""
    grpc = import_module("grpc")
    said = [False]

    class TooLarge(grpc.RpcError):  # type: ignore[misc,name-defined]
        """Refused for its size, or out of time, by a code that is final: that of the answer stands for "try again", too."""

        def __init__(self, error: Any) -> None:
            super().__init__(error.details())
            self.details, self.trailing_metadata = error.details, error.trailing_metadata

        def code(self) -> Any:
            return grpc.StatusCode.INVALID_ARGUMENT

    class Listening:
        """Stands for a stub."""

        def __init__(self, stub: Any) -> None:
            self._stub = stub

        def Export(self, *given: Any, timeout: float, **named: Any) -> Any:  # noqa: N802 -- as the service has it
            try:
                return self._stub.Export(*given, timeout=deadline.at_most(timeout), **named)
            except grpc.RpcError as error:
                said[0] = failed(error).too_large
                if said[0] or deadline.passed():  # to try again would wait first
                    raise TooLarge(error) from error
                raise

    def listen(exporter: Any, stub: Any) -> None:
        vars(exporter)["_client"] = stub and Listening(stub)

    # Where the exporter keeps its stub, of which it may make another at any time.
    return _telling(cls, said, _client=property(lambda self: vars(self)["_client"], listen))


def _telling(cls: Any, said: list[bool], **more: Any) -> Any:
    """The class, whose instances tell what is in `said`: of their last export alone, which may get no answer at all."""

    def export(self: Any, *given: Any, **named: Any) -> Any:
        said[0] = False
        return cls.export(self, *given, **named)

    return type(cls.__name__, (cls,), {"export": export, "too_large": property(lambda self: said[0]), **more})  # fmt: skip
