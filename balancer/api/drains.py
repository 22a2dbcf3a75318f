"""What a drain is asked with, and how far it has come, as clients read it."""

from datetime import datetime, timedelta
from typing import Any

from rest_framework import serializers

from balancer.api.fields import DAY_MS, DurationField
from balancer.fleet.models import Then
from balancer.models import Backend
from balancer.queries.drains import Progress
from balancer.queries.status_json import duration, moment
from balancer.services.drains import MOST_AT_ONCE
from tenants.errors import InvalidField
from tenants.restkit.serializers import StrictSerializer

FOLLOWS = [then.value for then in Then if then.value]


class ForceSerializer(StrictSerializer):
    force = serializers.BooleanField(
        default=False, help_text="Even if it is the pool's last ready or last healthy backend."
    )


class DrainSerializer(ForceSerializer):
    deadline = DurationField(least=1000, most=7 * DAY_MS, default=None, allow_null=True)
    then = serializers.ChoiceField(
        FOLLOWS,
        default=None,
        allow_null=True,
        help_text="What follows when nobody is left on it, and after the deadline at the latest.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """As the service takes it."""
        sent = super().validate(attrs)
        deadline = sent["deadline"]
        length = None if deadline is None else timedelta(milliseconds=deadline)
        return {**sent, "deadline": length, "then": sent["then"] or Then.NOTHING}


class DrainManySerializer(DrainSerializer):
    ids = serializers.ListField(
        child=serializers.CharField(max_length=12), default=None, allow_null=True, min_length=1, max_length=MOST_AT_ONCE
    )
    pool = serializers.CharField(max_length=12, default=None, allow_null=True, help_text="All of this pool's.")


class DrainOnNodeSerializer(serializers.Serializer[Any]):
    node = serializers.CharField()
    confirmed = serializers.BooleanField(help_text="It runs the drain, as measured there.")
    silent = serializers.BooleanField(help_text="It was not heard lately, and does not count as empty.")
    sessions = serializers.IntegerField(allow_null=True, help_text="Left there; null while it is silent.")
    age = serializers.CharField(allow_null=True, help_text="Since the node last spoke.")


class DrainProgressSerializer(serializers.Serializer[Any]):
    began_at = serializers.DateTimeField(allow_null=True)
    deadline_at = serializers.DateTimeField(allow_null=True)
    seconds_left = serializers.IntegerField(allow_null=True)
    then = serializers.ChoiceField(FOLLOWS, allow_null=True)
    sessions = serializers.IntegerField(help_text="Left on the nodes that were heard.")
    queue = serializers.IntegerField()
    empty = serializers.BooleanField(help_text="Every node was heard, confirmed, and has nobody left.")
    emptied_at = serializers.DateTimeField(allow_null=True)
    nodes = DrainOnNodeSerializer(many=True)


def shown(progress: Progress | None, *, now: datetime) -> dict[str, Any] | None:
    if progress is None:
        return None
    return {
        "began_at": at(progress.began_at),
        "deadline_at": at(progress.deadline_at),
        "seconds_left": progress.seconds_left(now),
        "then": progress.then or None,
        "sessions": progress.sessions,
        "queue": progress.queue,
        "empty": progress.empty,
        "emptied_at": at(progress.emptied_at),
        "nodes": [
            {
                "node": node.node,
                "confirmed": node.confirmed,
                "silent": node.silent,
                "sessions": node.sessions,
                "age": duration(node.age),
            }
            for node in progress.nodes
        ],
    }


def at(when: datetime | None) -> str | None:
    return None if when is None else moment(when.timestamp())


def removal_after(sent: str) -> timedelta:
    """`?drain=30s` of a removal."""
    field = DurationField(least=1000, most=7 * DAY_MS)
    try:
        return timedelta(milliseconds=field.to_internal_value(sent))
    except serializers.ValidationError as error:
        raise InvalidField("drain", " ".join(str(one) for one in error.args[0])) from error


def of_pool(chosen: list[str] | None, pool_id: str) -> list[str]:
    """Under a pool's path: its own backends, or those of them that are named."""
    here = list(Backend.objects.filter(pool=pool_id).values_list("pk", flat=True))
    return here if chosen is None else [pk if pk in here else "" for pk in chosen]
