"""The recorded day of the benchmarks: it can be read, and holds together."""

import pytest

from tests.bench.day import DAY, Call, Kind, read

CALLS = read(DAY.read_text())


def test_the_day_goes_on_in_its_order() -> None:
    times = [call.at for call in CALLS]
    assert times == sorted(times)


def test_every_kind_of_change_is_in_it() -> None:
    assert {call.kind for call in CALLS if call.at} == set(Kind)


def test_nothing_is_changed_that_is_not_there() -> None:
    there: set[tuple[str, str, str]] = set()
    for call in CALLS:
        thing = (call.tenant, call.resource, call.name)
        if call.verb == "add":
            assert thing not in there, call
            there.add(thing)
        elif call.name != "-":
            assert thing in there, call
        if call.verb == "remove":
            there.remove(thing)


def test_kinds_are_told_by_what_is_sent() -> None:
    def kind(verb: str, resource: str, **body: object) -> Kind:
        return Call("09:00", "a", verb, resource, "x/y", body).kind

    assert kind("set", "backend", address="127.0.0.1:80") is Kind.BACKENDS
    assert kind("set", "backend", weight=4) is Kind.STATES
    assert kind("set", "backend", region="east") is Kind.LABELS
    assert kind("set", "route", pool="web") is Kind.ROUTES
    assert kind("add", "route", pool="web", timeout="9s") is Kind.RULES
    assert kind("set", "route", action={"type": "weighted"}) is Kind.SHARES
    assert kind("purge", "route") is Kind.CLIENTS


def test_a_line_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="line 2: nonsense"):
        read("# a day\nnonsense\n")
