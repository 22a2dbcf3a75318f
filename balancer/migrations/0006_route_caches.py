"""Routes keep answers, and what they kept is thrown away."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("balancer", "0005_listeners")]

    operations = [
        migrations.AddField("route", "cache", models.JSONField(blank=True, null=True)),
        migrations.CreateModel(
            name="Purge",
            fields=[
                ("route", models.CharField(max_length=12, primary_key=True, serialize=False)),
                ("mark", models.BigIntegerField()),
                ("at", models.DateTimeField()),
            ],
        ),
    ]
