"""A turn is given to one task at a time, in order, and comes back whatever becomes of who had or wanted it."""

from __future__ import annotations

import anyio
import pytest

from nlgov_jades.edges.asgi_parts import Turn

pytestmark = pytest.mark.anyio


async def test_tasks_get_their_turn_one_by_one_in_the_order_in_which_they_came() -> None:
    turn, seen, inside = Turn(), list[int](), 0

    async def work(number: int) -> None:
        nonlocal inside
        async with turn:
            inside += 1
            seen.append(number)
            await anyio.lowlevel.checkpoint()
            assert inside == 1
            inside -= 1

    async with anyio.create_task_group() as group, turn:
        for number in range(5):
            group.start_soon(work, number)
            await anyio.wait_all_tasks_blocked()
    assert seen == list(range(5))


async def test_nobody_overtakes_a_task_that_was_given_the_turn() -> None:
    turn, seen = Turn(), list[str]()

    async def wait() -> None:
        async with turn:
            seen.append("who waited")

    async with anyio.create_task_group() as group:
        async with turn:
            group.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
        async with turn:
            seen.append("who came later")
    assert seen == ["who waited", "who came later"]


async def test_a_task_that_is_cancelled_while_it_waits_leaves_the_turn_to_the_next() -> None:
    turn, seen = Turn(), list[str]()
    scopes = {name: anyio.CancelScope() for name in ("first", "second")}

    async def wait(name: str) -> None:
        with scopes[name]:
            async with turn:
                seen.append(name)

    async with anyio.create_task_group() as group, turn:
        for name in scopes:
            group.start_soon(wait, name)
            await anyio.wait_all_tasks_blocked()
        scopes["first"].cancel()
        await anyio.wait_all_tasks_blocked()
    assert seen == ["second"]
    async with turn:
        pass


async def test_a_task_that_is_cancelled_when_it_was_just_given_the_turn_passes_it_on() -> None:
    turn, seen = Turn(), list[str]()
    scopes = {name: anyio.CancelScope() for name in ("first", "second")}

    async def wait(name: str) -> None:
        with scopes[name]:
            async with turn:
                await anyio.lowlevel.checkpoint()
                seen.append(name)

    async with anyio.create_task_group() as group:
        async with turn:
            for name in scopes:
                group.start_soon(wait, name)
                await anyio.wait_all_tasks_blocked()
        scopes["first"].cancel()
    assert seen == ["second"]
    async with turn:
        pass


async def test_an_exception_gives_the_turn_back() -> None:
    turn = Turn()
    with pytest.raises(ValueError, match="mine"):
        async with turn:
            raise ValueError("mine")
    async with turn:
        pass
