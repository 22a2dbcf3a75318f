from django.db import migrations, models

import balancer.models.routes


class Migration(migrations.Migration):
    dependencies = [("balancer", "0002_protection")]

    operations = [
        migrations.RemoveConstraint("route", "route_host_and_path_once"),
        # Django would make the foreign key anew, under the name that it has.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE balancer_route ALTER COLUMN pool_id DROP NOT NULL",
                    "ALTER TABLE balancer_route ALTER COLUMN pool_id SET NOT NULL",
                )
            ],
            state_operations=[
                migrations.AlterField(
                    "route",
                    "pool",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=models.deletion.PROTECT,
                        related_name="routes",
                        to="balancer.pool",
                    ),
                )
            ],
        ),
        migrations.AddField("route", "path_match", models.CharField(default="prefix", max_length=10)),
        migrations.AddField("route", "priority", models.IntegerField(default=0)),
        migrations.AddField("route", "conditions", models.JSONField(blank=True, default=list)),
        migrations.AddField("route", "action", models.JSONField(default=balancer.models.routes.to_its_pool)),
        migrations.AddField("route", "rewrite", models.JSONField(blank=True, default=dict)),
        migrations.AddField("route", "request_headers", models.JSONField(blank=True, default=list)),
        migrations.AddField("route", "response_headers", models.JSONField(blank=True, default=list)),
        migrations.AddField("route", "cors", models.JSONField(blank=True, null=True)),
        migrations.AddField("route", "timeout_ms", models.PositiveIntegerField(blank=True, null=True)),
        migrations.AddField("route", "max_body", models.PositiveBigIntegerField(blank=True, null=True)),
        migrations.AddField("route", "compression", models.BooleanField(default=False)),
        migrations.AddField("route", "maintenance", models.JSONField(blank=True, null=True)),
        migrations.AddConstraint(
            "route",
            models.UniqueConstraint(
                condition=models.Q(("conditions", [])),
                fields=("host", "path_prefix", "path_match"),
                name="route_host_and_path_once",
            ),
        ),
    ]
