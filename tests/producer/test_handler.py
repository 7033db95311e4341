"""A LogRecord becomes an event whose arguments, extras and exception travel as values."""

from __future__ import annotations

import logging
import sys

import pytest

from mplog.producer.handler import event_of, message_of

NAME, TEMPLATE, EXTRA, CONTEXT, FILE, LINE = range(6)
EXCEPTION, STACK, ARGS = 10, 11, 12


def record(message, *args, **more):
    made = logging.LogRecord("shop", logging.INFO, "/a.py", 7, message, args, None, "work")
    made.__dict__.update(more)
    return made


def test_plain_arguments_travel_as_they_are():
    """Numbers stay numbers; the message stays a template."""
    event = event_of(record("%s bought %d for %.2f, %s", "ann", 3, 1.5, None))

    assert ("%s bought %d for %.2f, %s", ["ann", 3, 1.5, None]) == (event[TEMPLATE], event[ARGS])
    assert ("shop", "/a.py", 7) == (event[NAME], event[FILE], event[LINE])


def test_a_mapping_of_arguments_keeps_its_keys():
    """`%(name)s` with a dict."""
    event = event_of(record("%(part).2f", {"part": 0.5}))
    assert {"part": 0.5} == event[ARGS]


def test_a_single_mapping_of_a_call_stands_for_its_pairs():
    """As `logging` itself takes it; an empty one is an argument like any other."""
    assert ("%(part).2f", {"part": 0.5}) == message_of("%(part).2f", ({"part": 0.5},), True)
    assert ("of %s", ["{}"]) == message_of("of %s", ({},), True)


def test_what_is_not_plain_travels_as_its_text():
    """Where `%s` would have shown exactly that."""
    event = event_of(record("of %s", [1, 2]))
    assert ["[1, 2]"] == event[ARGS]


@pytest.mark.parametrize("template", ["%r of", "%5.1f"])
def test_what_text_cannot_stand_for_is_rendered_here(template):
    """`%r` and numbers of foreign types: the finished message, as the program would print it."""

    class Money(float):
        def __repr__(self):
            return "money"

    made = record(template, Money(2.25))
    expected = made.getMessage()
    event = event_of(made)

    assert (expected, None) == (event[TEMPLATE], event[ARGS])


def test_a_mapping_with_ways_of_its_own_is_asked():
    """A dict subclass may answer for keys it does not have."""

    class Atoms(dict):
        def __missing__(self, key):
            return "-"

    assert "a - b" == event_of(record("a %(gone)s b", Atoms()))[TEMPLATE].replace("%(gone)s", "-")


def test_arguments_that_do_not_fit_lose_nothing():
    """What is rendered and fails tells both, message and arguments."""

    class Odd:
        def __repr__(self):
            return "odd"

    event = event_of(record("%d apples", Odd()))

    assert "%d apples" in event[TEMPLATE]
    assert "odd" in event[TEMPLATE]


def test_extras_are_fields_and_standard_attributes_are_not():
    """Only what `extra=` brought."""
    assert {"order": 17} == event_of(record("x", order=17))[EXTRA]


def test_an_exception_is_described():
    """Its type and message, as of any exception."""
    try:
        1 / 0
    except ZeroDivisionError:
        event = event_of(record("x", exc_info=sys.exc_info()))

    assert ("ZeroDivisionError", "division by zero") == (
        event[EXCEPTION].type,
        event[EXCEPTION].message,
    )


def test_the_text_a_queue_handler_has_left_is_kept():
    """exc_text without exc_info: as the stack."""
    event = event_of(record("x", exc_text="Traceback: …", stack_info="Stack: …"))
    assert "Traceback: …\nStack: …" == event[STACK]


def test_a_message_that_is_no_string_is_made_one():
    """Anything may be logged."""
    assert "17" == event_of(record(17))[TEMPLATE]
