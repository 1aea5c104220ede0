"""Feeds: a list that grows while others read along."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from mocks.common.feed import Feed


def test_late_follower_misses_nothing() -> None:
    feed: Feed[int] = Feed()
    feed.add(1)
    feed.add(2)
    feed.close()

    assert list(feed.follow()) == [1, 2]


def test_follower_sees_what_comes_later() -> None:
    feed: Feed[int] = Feed()
    seen: list[int] = []
    follower = threading.Thread(target=lambda: seen.extend(feed.follow()))

    follower.start()
    feed.add(1)
    feed.close()
    follower.join(10)

    assert seen == [1]


def test_silence_is_told() -> None:
    feed: Feed[int] = Feed()

    following = feed.follow(quiet_s=0.001)

    assert next(following) is None
    feed.add(1)
    assert next(following) == 1


def test_only_the_last_items_are_kept() -> None:
    feed: Feed[int] = Feed(keep=3)

    for item in range(5):
        feed.add(item)

    assert feed.items() == [2, 3, 4]


@given(st.lists(st.one_of(st.integers(), st.none())), st.integers(1, 5))
def test_follower_of_a_short_feed_sees_what_is_kept_in_order(script: list[int | None], keep: int) -> None:
    """None in the script: the follower reads all there is."""
    feed: Feed[int] = Feed(keep=keep)
    following = feed.follow(quiet_s=0)
    expected: list[int] = []
    unread: list[int] = []
    seen: list[int | None] = []

    for step in [*script, None]:
        if step is not None:
            feed.add(step)
            unread.append(step)
            continue
        expected += unread[-keep:]
        unread.clear()
        seen += iter(lambda: next(following), None)

    assert seen == expected


def test_more_rings_than_a_follower_hears_are_no_harm() -> None:
    feed: Feed[int] = Feed()
    following = feed.follow(quiet_s=0)
    next(following)

    for item in range(5000):
        feed.add(item)
    feed.close()

    assert [item for item in following if item is not None] == list(range(5000))
