"""Telemetry goes to the server that was named, and so do its headers: not to one that this one sends them on to."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

__all__ = ["stay"]

_ELSEWHERE: Final = range(300, 400)
_WHOLE: Final = frozenset({HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT})
"""The redirects that a request is to follow as it is (RFC 9110, section 15.4)."""
_MOST: Final = 2
"""As from `http` to `https`, and from there to another path: each may take as long as a request."""


def stay(session: Session) -> Session:
    """Have `session` fail where it is sent on to another server; a path or scheme of the same one is followed.

    The HTTP library would take body and headers along, all but `authorization`: keys have other names, too. And after
    some redirects it would ask for a page, without a body: its answer acknowledges nothing. Nor does a redirect
    itself, which exporters take for success: those of today do not have it followed.
    """
    import requests

    ask, follow = session.request, session.get_redirect_target

    def request(*given: Any, **named: Any) -> Response:
        return ask(*given, **{**named, "allow_redirects": True})

    def target(response: Response) -> str | None:
        if response.status_code not in _ELSEWHERE:
            return None
        found: str | None = follow(response)
        asked = str(response.url)
        if (
            found is None
            or response.status_code not in _WHOLE
            or session.should_strip_auth(asked, urljoin(asked, found))
        ):
            response.close()
            raise requests.TooManyRedirects("it sends telemetry on", response=response)
        return found

    session.max_redirects = _MOST
    session.request = request  # type: ignore[method-assign]
    session.get_redirect_target = target  # type: ignore[method-assign,assignment]
    session.rebuild_auth = _as_it_is  # type: ignore[method-assign,assignment]
    return session


def _as_it_is(request: PreparedRequest, response: Response) -> None:
    """The same server gets the same credentials, and not those of a `.netrc` in their place."""
