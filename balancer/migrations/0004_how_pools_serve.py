"""More ways to choose, to stay, to take over and to be reached; and what a pool speaks."""

import django.db.models.deletion
from django.db import migrations, models

ALGORITHMS = [
    "round_robin", "weighted_round_robin", "least_conn", "ip_hash", "uri_hash", "header_hash", "random", "first",
]  # fmt: skip


def choice(values: list[str], default: str, length: int) -> models.CharField:
    return models.CharField(choices=[(one, one) for one in values], default=default, max_length=length)


def known(values: list[str], column: str) -> models.Q:
    return models.Q((f"{column}__in", values))


class Migration(migrations.Migration):
    dependencies = [("balancer", "0003_route_rules")]
    operations = [
        migrations.RemoveConstraint("pool", "pool_algorithm_is_known"),
        migrations.AlterField("pool", "algorithm", choice(ALGORITHMS, "round_robin", 24)),
        migrations.AddConstraint(
            "pool", models.CheckConstraint(condition=known(ALGORITHMS, "algorithm"), name="pool_algorithm_is_known")
        ),
        migrations.AlterField("pool", "check_type", choice(["none", "http", "tcp", "tls"], "http", 8)),
        migrations.AddField("pool", "check_expected_body", models.CharField(blank=True, max_length=200)),
        migrations.AddField("pool", "hash_header", models.CharField(blank=True, max_length=64)),
        migrations.AddField("pool", "sticky_type", choice(["none", "cookie", "source", "app_cookie"], "none", 12)),
        migrations.AddField("pool", "sticky_cookie_name", models.CharField(blank=True, max_length=40)),
        migrations.AddField("pool", "sticky_ttl_ms", models.PositiveBigIntegerField(blank=True, null=True)),
        migrations.AddField(
            "pool",
            "backup_pool",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="takes_over_for",
                to="balancer.pool",
            ),
        ),
        migrations.AddField("pool", "max_connections", models.PositiveIntegerField(blank=True, null=True)),
        migrations.AddField("pool", "max_queue", models.PositiveIntegerField(blank=True, null=True)),
        migrations.AddField("pool", "slow_start_ms", models.PositiveIntegerField(blank=True, null=True)),
        migrations.AddField("pool", "error_limit", models.PositiveIntegerField(blank=True, null=True)),
        migrations.AddField("pool", "retry_on", models.JSONField(blank=True, default=list)),
        migrations.AddField("pool", "tls_enabled", models.BooleanField(default=False)),
        migrations.AddField("pool", "tls_verify", models.BooleanField(default=True)),
        migrations.AddField("pool", "tls_ca", models.TextField(blank=True)),
        migrations.AddField("pool", "tls_sni", models.CharField(blank=True, max_length=253)),
        migrations.AddField("pool", "tls_certificate", models.TextField(blank=True)),
        migrations.AddField("pool", "tls_bundle", models.CharField(blank=True, editable=False, max_length=64)),
        migrations.AddField("pool", "proxy_protocol", choice(["none", "v1", "v2"], "none", 8)),
        migrations.AddField("pool", "http2", models.BooleanField(default=False)),
        migrations.AddField("pool", "mode", choice(["http", "tcp"], "http", 4)),
        migrations.AddConstraint(
            "pool", models.CheckConstraint(condition=known(["http", "tcp"], "mode"), name="pool_mode_is_known")
        ),
    ]
