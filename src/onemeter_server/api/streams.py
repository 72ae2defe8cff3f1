"""Answers that are streamed: whether there is anything has to be known before they begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.responses import StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from .errors import ApiError


async def streamed(
    answer: AsyncIterator[bytes],
    nothing: ApiError,
    *,
    media_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> StreamingResponse:
    """Return an answer as a response; raise `nothing` if it has no parts at all."""
    begin = await anext(answer, None)
    if begin is None:
        raise nothing
    return StreamingResponse(_together(begin, answer), media_type=media_type, headers=headers)


async def _together[T](first: T, others: AsyncIterator[T]) -> AsyncIterator[T]:
    yield first
    async for other in others:
        yield other
