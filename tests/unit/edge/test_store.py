"""The node's memory, over the ends that a process may come to."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from balancer.edge import store as module
from balancer.edge.fragments import Fragment, Kept
from balancer.edge.message import BadMessage, Message, accept
from balancer.edge.store import NodeBusy, Store
from balancer.haproxy.codec import digest, to_json
from balancer.haproxy.desired import Tenant


def data(key: str, generation: int, **changes: Any) -> dict[str, Any]:
    state = Tenant(key=key, rps=generation)
    return {
        "tenant": key,
        "generation": generation,
        "digest": digest(state),
        "state": to_json(state),
        "request_ids": [f"r{generation}"],
        **changes,
    }


def kept(key: str, generation: int) -> Kept:
    return Kept(tenant=key, target=Fragment.from_json(data(key, generation))).taken()


def message(*fragments: dict[str, Any], since: int = 0, generation: int = 9) -> Message:
    body = {"node": "n", "since": since, "generation": generation, "fragments": list(fragments)}
    return Message.from_body(json.dumps(body), node="n")


def reopened(folder: Path) -> Store:
    store = Store(folder)
    with store.locked():
        pass
    return store


def test_what_was_put_is_there_for_the_next_process_and_not_sure(folder: Path) -> None:
    store = Store(folder)
    with store.locked():
        store.put(kept("taaa", 3), kept("tbbb", 2))
        store.reached(7, since=3)
    again = reopened(folder)
    assert again.kept == store.kept
    assert again.generation == 7
    assert again.unsure == {"taaa", "tbbb"}


def test_a_waiting_tenant_keeps_what_runs(folder: Path) -> None:
    old, new = Fragment.from_json(data("taaa", 1)), Fragment.from_json(data("taaa", 2))
    store = Store(folder)
    with store.locked():
        store.put(Kept(tenant="taaa", target=new, loaded=old))
    found = reopened(folder).kept["taaa"]
    assert found.waiting
    assert found.loaded_state == old.state
    assert not found.taken().waiting


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


@pytest.mark.parametrize(
    "lose",
    [
        lambda folder: (folder / "fragments" / "taaa.json").unlink(),
        lambda folder: (folder / "fragments" / "taaa.json").write_text(""),
        lambda folder: (folder / "fragments" / ".taaa.json.new").write_text("half"),
        lambda folder: _append(folder / "journal", '\n{"tenant": "tbbb", "targ'),
    ],
)
def test_a_decision_outlives_the_files_that_follow_it(folder: Path, lose: Callable[[Path], object]) -> None:
    store = Store(folder)
    with store.locked():
        store.put(kept("taaa", 4))
    lose(folder)
    again = reopened(folder)
    assert again.kept == {"taaa": kept("taaa", 4)}
    with again.locked():
        again.put(kept("tbbb", 5))
    assert set(reopened(folder).kept) == {"taaa", "tbbb"}


def test_what_cannot_be_read_makes_the_node_ask_for_everything(folder: Path) -> None:
    store = Store(folder)
    with store.locked():
        store.put(kept("taaa", 4), kept("tbbb", 5))
        store.restarted()
    (folder / "fragments" / "taaa.json").write_text("{")
    again = reopened(folder)
    assert again.generation == 0
    with again.locked():
        assert [one.tenant for one in accept(again, message(data("taaa", 4), data("tbbb", 5))).taken] == ["taaa"]
        again.reached(5, since=0)
    assert reopened(folder).generation == 5


def test_a_tenant_that_left_stays_away(folder: Path) -> None:
    store = Store(folder)
    with store.locked():
        store.put(kept("taaa", 4))
        store.drop("taaa")
    again = reopened(folder)
    assert again.kept == {}
    assert again.generation == 4
    assert accept(again, message(data("taaa", 3))).known == ("taaa",)


def test_a_tenant_that_left_and_came_back_stays(folder: Path) -> None:
    """Also when whoever reads the journal (boot does) is the one who clears it."""
    store = Store(folder)
    with store.locked():
        store.put(kept("taaa", 4))
        store.drop("taaa")
        store.put(kept("taaa", 6))
    booted = reopened(folder)
    with booted.locked():
        assert booted.kept == {"taaa": kept("taaa", 6)}
        booted.restarted()
    assert reopened(folder).kept == {"taaa": kept("taaa", 6)}


def test_what_the_journal_knew_alone_outlives_the_journal(folder: Path) -> None:
    """The process ended between the two writes; the next one clears the journal."""
    store = Store(folder)
    with store.locked():
        store.put(kept("taaa", 4))
    (folder / "fragments" / "taaa.json").unlink()
    again = reopened(folder)
    with again.locked():
        again.restarted()
    assert reopened(folder).kept == {"taaa": kept("taaa", 4)}


def test_the_journal_is_cleared_when_it_is_large(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "JOURNAL_BYTES", 1000)
    store = Store(folder)
    with store.locked():
        for generation in range(1, 9):
            store.put(kept("taaa", generation))
    assert not (folder / "journal").exists() or (folder / "journal").stat().st_size < 1000
    again = reopened(folder)
    assert again.kept == {"taaa": kept("taaa", 8)}
    assert again.generation == 8


def test_what_another_process_wrote_is_read(folder: Path) -> None:
    mine, other = Store(folder), Store(folder)
    with mine.locked():
        mine.put(kept("taaa", 1))
    with other.locked():
        other.put(kept("taaa", 2))
        other.restarted()
    with mine.locked():
        assert mine.kept["taaa"].generation == 2


def test_two_processes_do_not_work_at_once(folder: Path) -> None:
    mine, other = Store(folder), Store(folder)
    with mine.locked(), pytest.raises(NodeBusy), other.locked(patience=0.02):
        pass


def test_never_backwards_and_oldest_first(folder: Path) -> None:
    store = Store(folder)
    with store.locked():
        store.put(kept("taaa", 5))
        found = accept(store, message(data("tccc", 8), data("taaa", 5), data("tbbb", 6)))
    assert [(one.tenant, one.generation) for one in found.taken] == [("tbbb", 6), ("tccc", 8)]
    assert found.known == ("taaa",)


def test_what_cannot_be_understood_is_that_tenant_s_own(folder: Path) -> None:
    store = Store(folder)
    with store.locked():
        store.put(kept("taaa", 1))
        found = accept(store, message(data("taaa", 2, state={"key": "taaa", "odd": 1}), data("tbbb", 3)))
    assert [one.tenant for one in found.taken] == ["tbbb"]
    (refused,) = found.refused
    assert refused.target == kept("taaa", 1).target
    assert refused.held is not None
    assert (refused.held.generation, refused.held.request_ids) == (2, ("r2",))
    assert refused.generation == 2


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"node": "other"}', '{"node": "n", "since": "x"}'])
def test_a_body_that_is_no_message(body: str) -> None:
    with pytest.raises(BadMessage):
        Message.from_body(body, node="n")
