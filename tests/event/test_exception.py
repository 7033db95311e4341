"""An exception is described whole, within bounds, whatever it is."""

from __future__ import annotations

import builtins
import sys

from mplog.event.exception import MAX_CHAIN, MAX_FRAMES, describe, stack_text


def caught(raiser):
    try:
        raiser()
    except BaseException as error:
        return error


def fail():
    raise ValueError("no good")


def test_type_message_and_frames():
    """Type, message, and the frames with their source line, innermost last."""
    info = describe(caught(fail))

    assert ("ValueError", "no good") == (info.type, info.message)
    assert ("fail", 'raise ValueError("no good")') == (info.stack[-1].function, info.stack[-1].text)
    assert "caught" == info.stack[0].function


def test_foreign_types_carry_their_module():
    """A type outside of builtins is named with its module, as Python prints it."""

    class Local(Exception):
        pass

    assert (
        f"{__name__}.test_foreign_types_carry_their_module.<locals>.Local" == describe(Local()).type
    )


def test_cause_wins_over_context():
    """`raise … from …` tells the cause and not the context; `from None` tells neither."""

    def chained():
        try:
            fail()
        except ValueError as error:
            raise KeyError("k") from error

    def plain():
        try:
            fail()
        except ValueError:
            raise KeyError("k")  # noqa: B904

    def silent():
        try:
            fail()
        except ValueError:
            raise KeyError("k") from None

    told = [describe(caught(raiser)) for raiser in (chained, plain, silent)]

    assert [True, False, False] == [info.cause is not None for info in told]
    assert [False, True, False] == [info.context is not None for info in told]


def test_str_that_raises_is_told():
    """An exception that cannot be printed is described all the same."""

    class Broken(Exception):
        def __str__(self):
            raise RuntimeError("in str")

    assert "<unrepresentable Broken: RuntimeError>" == describe(Broken()).message


def test_cycles_end():
    """Exceptions that cause each other are told once each."""
    first, second = ValueError("1"), ValueError("2")
    first.__cause__, second.__cause__ = second, first

    info = describe(first)

    assert "2" == info.cause.message
    assert info.cause.cause is None


def test_long_chains_are_cut_with_a_mark():
    """A chain beyond the limit ends in a mark."""
    error = ValueError("0")
    for number in range(1_000):
        outer = ValueError(str(number))
        outer.__cause__ = error
        error = outer

    info, depth = describe(error), 0
    while info.cause is not None:
        info, depth = info.cause, depth + 1

    assert ("…", MAX_CHAIN + 1) == (info.type, depth)


def test_deep_stacks_keep_both_ends():
    """Of a thousand frames the outermost and innermost are kept, with a marker between."""

    def dive(depth):
        if depth == 0:
            fail()
        dive(depth - 1)

    info = describe(caught(lambda: dive(300)))

    assert MAX_FRAMES + 1 == len(info.stack)
    assert ("caught", "fail") == (info.stack[0].function, info.stack[-1].function)
    assert "frames left out" in info.stack[MAX_FRAMES // 2].text


def test_notes_are_told():
    """Notes come along, also where `__notes__` is not what it should be."""
    error = ValueError("x")
    error.__notes__ = ["first", 2]
    odd = ValueError("x")
    odd.__notes__ = 5

    assert (["first", "2"], ["5"]) == (describe(error).notes, describe(odd).notes)


class BaseExceptionGroup_(Exception):
    """Stands for the group of CPython 3.11 and for its backport: known by name and shape."""

    def __init__(self, message, exceptions):
        super().__init__(message)
        self.exceptions = tuple(exceptions)


BaseExceptionGroup_.__name__ = "BaseExceptionGroup"


def test_groups_tell_their_members():
    """Members are told one by one; one that was told already is named again, many are counted."""
    member = ValueError("m")
    info = describe(BaseExceptionGroup_("g", [member, KeyError(1), member]))
    many = describe(BaseExceptionGroup_("g", [ValueError(str(i)) for i in range(100)]))

    assert ["m", "1", "(told above)"] == [told.message for told in info.group]
    assert ("…", "80 more, left out") == (many.group[-1].type, many.group[-1].message)


def test_built_in_groups():
    """The interpreter's own ExceptionGroup, where it has one."""
    group = getattr(builtins, "ExceptionGroup", BaseExceptionGroup_)
    info = describe(group("g", [ValueError("m")]))

    assert ["m"] == [told.message for told in info.group]


def test_surrogates_in_messages_are_visible():
    """A message with a lone surrogate can be UTF-8."""
    assert "a\\udc80" == describe(ValueError("a\udc80")).message


def test_stack_text_ends_at_the_frame():
    """The text of a stack names the frame last, and holds to its limit."""
    text = stack_text(sys._getframe(), 2)

    assert "Stack (most recent call last):" == text.splitlines()[0]
    assert "in test_stack_text_ends_at_the_frame" in text.splitlines()[-2]
    assert 2 == text.count('  File "')


def test_a_line_without_source_is_named_without_its_text():
    """Code that came from no file is told by its place alone."""
    space: dict = {"sys": sys, "stack_text": stack_text}
    exec(compile("text = stack_text(sys._getframe(), 1)", "<made up>", "exec"), space)

    assert (
        'Stack (most recent call last):\n  File "<made up>", line 1, in <module>' == space["text"]
    )


class Nameless(type):
    @property
    def __module__(cls):
        raise RuntimeError("no module")


class BadNotes(ValueError):
    @property
    def __notes__(self):
        raise RuntimeError("no notes")


class BadGroup(ValueError):
    @property
    def exceptions(self):
        raise RuntimeError("no members")


BadGroup.__name__ = "BaseExceptionGroup"


def test_a_type_that_hides_its_name_is_of_unknown_type():
    """A metaclass that raises costs the name alone."""
    info = describe(Nameless("Odd", (ValueError,), {})("said"))

    assert ("exception of unknown type", "said") == (info.type, info.message)


def test_notes_and_members_that_raise_cost_themselves_alone():
    """The exception is told all the same; that notes could not be read is told in their place."""
    notes, group = describe(BadNotes("n")), describe(BadGroup("g"))

    assert ("n", ["<notes unreadable: BadNotes>"]) == (notes.message, notes.notes)
    assert ("g", []) == (group.message, group.group)


def test_a_loader_that_raises_costs_the_source_line_alone():
    """Where a module's own loader fails, its frames are told without their text."""

    class Loader:
        def get_source(self, name):
            raise ValueError("not today")

    space = {"__name__": "loaded", "__loader__": Loader()}
    exec(compile("def fail():\n    raise KeyError(1)\n", "loaded-by-nobody.py", "exec"), space)
    info = describe(caught(space["fail"]))

    assert ("fail", 2, "") == (info.stack[-1].function, info.stack[-1].line, info.stack[-1].text)
