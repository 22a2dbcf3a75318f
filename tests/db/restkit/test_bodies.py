"""Bodies made of nothing but mistakes: refused for less than they cost to send."""

import json
from typing import Any

import pytest

from tenants.restkit.parsers import MOST_VALUES
from tenants.restkit.problems import MOST_ERRORS
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "body",
    [
        {f"k{n}": 1 for n in range(MOST_VALUES + 1)},
        {"name": "x", "tags": [""] * MOST_VALUES},
        {"name": "x", "tags": [["a"]] * (MOST_VALUES // 2)},
        {"name": "x", "check_headers": {"a": {f"k{n}": {} for n in range(MOST_VALUES)}}},
    ],
    ids=["fields", "words", "lists", "below"],
)
def test_more_values_than_anybody_needs_are_too_many(world: World, body: dict[str, Any]) -> None:
    response = build.api(world.owner, world.ours).post("/api/pools", body)
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert len(response.content) < 1000


@pytest.mark.parametrize(
    "body",
    [
        {f"k{n}": 1 for n in range(3000)},
        {"name": "x", "tags": [""] * 3000},
        {"name": "x", "tags": ["\x01"] * 3000},
    ],
    ids=["fields", "words", "controls"],
)
def test_an_answer_names_the_first_mistakes_and_stays_small(world: World, body: dict[str, Any]) -> None:
    response = build.api(world.owner, world.ours).post("/api/pools", body)
    assert response.status_code == 422
    assert len(json.loads(response.content)["errors"]) == MOST_ERRORS
