"""What a node tells of servers arrives, whatever happens on the way: its own telling, our own hearing, a real Redis."""

import json
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis

from balancer import enqueue
from balancer.edge.observer import Observer
from balancer.edge.samples import PoolSample, Sample, ServerSample
from balancer.edge.telling import Lacking, Telling
from balancer.fleet.models import Cluster, Node
from balancer.haproxy.desired import AdminState
from balancer.haproxy.running import Oper
from balancer.queries import status as queries
from balancer.queries import store
from balancer.queries.observed import Oper as SeenOper
from balancer.services import status
from tenants.scope import platform_scope
from tests.db.status.frames import NOW, ONE, POOL, TWO

pytestmark = pytest.mark.usefixtures("db")
Body = dict[str, Any]


def letters(number: int) -> str:
    return "".join("abcdefghijklmnopqrstuvwxyz"[number // 26**place % 26] for place in range(12))


class Talk:
    """A node of some tenants with two servers each, and the console. Each word is a second later; what the console asks
    for arrives before the next one."""

    def __init__(self, node: Node, tenants: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.node, self.now, self.run = node, NOW, "first"
        self.servers = {f"t{letters(n)}/{POOL}/{one}": Oper.UP for n in range(tenants) for one in (ONE, TWO)}
        self.telling = Telling(self.run)
        self.observer = Observer(node.pk, self.telling)
        self.moved = set(self.servers)
        self.asked: list[Lacking] = []
        monkeypatch.setattr(enqueue, "tell_again", self._ask)

    def _ask(self, node_id: str, body: str, signature: str, *, within: float) -> None:
        self.asked.append(Lacking.from_body(body, node=self.node.pk))

    def start_over(self) -> None:
        """Another worker, which remembers nothing."""
        self.run = "second"
        self.telling = Telling(self.run)
        self.observer = Observer(self.node.pk, self.telling)
        self.moved = set(self.servers)

    def put(self, key: str, oper: Oper | None) -> None:
        self.moved.add(key)
        if oper is None:
            del self.servers[key]
        else:
            self.servers[key] = oper

    def say(self) -> Body | None:
        self.now += timedelta(seconds=1)
        while self.asked:
            lacking = self.asked.pop()
            self.telling.lacks(lacking.run, lacking.after)
        moved, self.moved = self.moved, set()
        servers = {key: sample(oper) for key, oper in self.servers.items()}
        pools = {key.rpartition("/")[0]: PoolSample(0, 0, 0, 0, 0) for key in self.servers}
        moved |= {key.rpartition("/")[0] for key in moved}
        taken = Sample(7, 60, "2.6.12", 0, 0, servers, pools, moved=moved)
        return self.observer.observe(taken, now=self.now.timestamp(), generation=1)

    def hear(self, body: Body | None) -> None:
        if body is not None:
            status.observe(self.node, json.loads(json.dumps(body)), now=self.now)

    def speak(self, seconds: int = 1) -> None:
        for _ in range(seconds):
            self.hear(self.say())

    def shown(self) -> dict[str, Oper]:
        """What the console would show of each server."""
        keys: Any = store.client().keys("status:*")
        found = {}
        for tenant in (key.partition(":")[2] for key in keys):
            for (pool, one), seen in queries.tenant_snapshot(tenant, now=self.now).backends.items():
                found[f"{tenant}/{pool}/{one}"] = seen.nodes[0].oper
        return {key: Oper(oper.value) for key, oper in found.items()}


def sample(oper: Oper) -> ServerSample:
    return ServerSample(oper, AdminState.READY, 1, 0, 0, 0, "L7OK", 200, 1, "", 5)


@pytest.fixture
def talk(kept: "redis.Redis", monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Talk]:
    with platform_scope():
        node = Node.objects.get(name="n1")
    return lambda tenants: Talk(node, tenants, monkeypatch)


SERVER = f"t{letters(0)}/{POOL}/{ONE}"


def test_a_lost_frame_is_noticed_and_told_again(talk: Callable[[int], Talk]) -> None:
    one = talk(3)
    one.speak(2)
    one.put(SERVER, Oper.DOWN)
    one.say()  # nobody hears it
    one.speak(6)
    assert one.shown()[SERVER] is Oper.UP, "of all that was told nothing says otherwise yet"
    one.speak(10)
    assert one.shown() == one.servers
    assert one.shown()[SERVER] is Oper.DOWN


def test_only_who_was_spoken_of_is_told_again(talk: Callable[[int], Talk]) -> None:
    one = talk(3)
    one.speak(2)
    one.put(SERVER, Oper.DOWN)
    lost = one.say()
    one.speak(12)
    assert lost is not None
    one.telling.lacks("first", lost["number"] - 1)
    body = one.say()
    assert body is not None
    assert body["whole"] == [f"t{letters(0)}"]


def test_a_server_that_went_while_nobody_heard_is_gone(talk: Callable[[int], Talk]) -> None:
    one = talk(2)
    one.speak(2)
    one.put(SERVER, None)
    one.say()
    one.speak(16)
    assert SERVER not in one.shown()
    assert one.shown() == one.servers


@pytest.mark.parametrize("lost", [0, 1])
def test_a_tenant_that_went_while_the_worker_was_away_is_gone(talk: Callable[[int], Talk], lost: int) -> None:
    one = talk(2)
    one.speak(2)
    for key in [key for key in one.servers if key.startswith(f"t{letters(0)}")]:
        one.put(key, None)
    one.start_over()
    for _ in range(lost):
        one.say()
    one.speak(16)
    assert one.shown() == one.servers
    assert store.client().exists(store.status_key(f"t{letters(0)}")) == 0


def test_a_flushed_redis_is_full_again_within_half_a_minute(talk: Callable[[int], Talk]) -> None:
    one = talk(60)
    one.speak(2)
    store.client().flushall()
    one.speak(30)
    assert one.shown() == one.servers


def test_a_node_that_was_cut_off_is_heard_of_again(talk: Callable[[int], Talk]) -> None:
    one = talk(2)
    one.speak(2)
    one.put(SERVER, Oper.DOWN)
    for _ in range(40):
        if one.say() is not None:
            one.telling.lost()
    seen = queries.tenant_snapshot(f"t{letters(0)}", now=one.now).backends[POOL, ONE]
    assert seen.nodes[0].oper == "unknown", "it is old"
    one.speak(2)
    assert one.shown() == one.servers
    assert one.asked == [], "it knows itself what it could not send"


def test_frames_in_another_order_leave_the_newest_word(talk: Callable[[int], Talk]) -> None:
    one = talk(2)
    one.speak(2)
    one.put(SERVER, Oper.DOWN)
    older = one.say()
    one.put(SERVER, None)
    newer = one.say()
    one.hear(newer)
    one.hear(older)
    assert one.shown() == one.servers
    one.speak(20)
    assert one.asked == [], "nothing was missing in the end"


def test_a_word_of_an_earlier_life_asks_for_nothing(talk: Callable[[int], Talk]) -> None:
    one = talk(2)
    one.speak(2)
    one.put(SERVER, Oper.DOWN)
    late = one.say()
    one.start_over()
    one.speak(2)
    one.hear(late)
    one.speak(20)
    assert one.asked == []
    assert one.shown() == one.servers


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_on_the_way_it_is_right_in_the_end(talk: Callable[[int], Talk], seed: int) -> None:
    chance = random.Random(seed)
    one = talk(4)
    waiting: list[Body | None] = []
    for _ in range(60):
        key = chance.choice(sorted(one.servers))
        match chance.randrange(5):
            case 0 if len(one.servers) > 2:
                one.put(key, None)
            case 1:
                one.put(f"t{letters(chance.randrange(5))}/{POOL}/{chance.choice((ONE, TWO))}", Oper.UP)
            case _:
                one.put(key, chance.choice((Oper.UP, Oper.DOWN)))
        waiting.append(one.say())
        match chance.randrange(8):
            case 0:
                waiting.pop(chance.randrange(len(waiting)))
            case 1:
                chance.shuffle(waiting)
            case 2 if chance.random() < 0.3:
                store.client().flushall()
            case 3 if chance.random() < 0.3:
                one.start_over()
            case 4:
                continue
        while waiting:
            one.hear(waiting.pop(0))
    one.speak(40)
    assert one.shown() == one.servers


def test_commands_do_not_grow_with_tenants_of_whom_nothing_is_new(talk: Callable[[int], Talk]) -> None:
    """A round an hour tells each of them anew all the same: it does not fall into these seconds."""

    def commands(one: Talk) -> int:
        one.speak(30)  # they have all been told of by then
        store.client().config_resetstat()
        one.speak(30)
        stats: Any = store.client().info("commandstats")
        return sum(int(told["calls"]) for told in stats.values())

    few = commands(talk(2))
    store.client().flushall()
    assert commands(talk(300)) <= few + 2


def test_a_node_that_let_go_of_a_tenant_is_not_waited_for(
    talk: Callable[[int], Talk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a move: another cluster serves it, and this one's nodes have others to speak of."""
    one = talk(2)
    one.speak(2)
    with platform_scope():
        cluster = Cluster.objects.create(name="other")
        node = Node.objects.create(cluster=cluster, name="n3")
    other = Talk(node, 1, monkeypatch)
    other.now = one.now
    other.speak(2)
    for key in [key for key in one.servers if key.startswith(f"t{letters(0)}/")]:
        one.put(key, None)
    one.speak(2)
    snapshot = queries.tenant_snapshot(f"t{letters(0)}", now=one.now)
    assert {node.name for node in snapshot.nodes} == {"n3"}
    assert {seen.oper for seen in snapshot.backends.values()} == {SeenOper.UP}
