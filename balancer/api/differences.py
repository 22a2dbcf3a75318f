"""How a difference of objects, and what it takes, are written."""

from typing import Any

from rest_framework import serializers

from balancer.queries.impact import Impact


class DifferenceSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()
    act = serializers.ChoiceField(["create", "update", "delete"])
    before = serializers.DictField()
    after = serializers.DictField()


class NodeImpactSerializer(serializers.Serializer[Any]):
    node = serializers.CharField()
    commands = serializers.IntegerField(help_text="How many its Runtime API is given.")
    reload = serializers.ListField(child=serializers.CharField(), help_text="Why one is needed; empty: none is.")


class ImpactSerializer(serializers.Serializer[Any]):
    summary = serializers.CharField(help_text="“runtime only”, “reload on 2 nodes”.")
    reloads = serializers.IntegerField()
    nodes = NodeImpactSerializer(many=True)


def impact_json(impact: Impact) -> dict[str, Any]:
    nodes = [{"node": one.node, "commands": one.commands, "reload": list(one.reload)} for one in impact.nodes]
    return {"summary": impact.sentence, "reloads": impact.reloads, "nodes": nodes}
