"""How many routes may keep answers: each such cache takes memory on every node, used or not."""

from django.db import migrations, models

INCLUDED = {"free": 0, "basic": 2, "pro": 5, "business": 20}


def seed(apps, schema_editor):
    plan = apps.get_model("billing", "Plan")
    for code, caches in INCLUDED.items():
        plan.objects.filter(code=code).update(caches=caches)


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_listeners")]
    operations = [
        migrations.AddField("plan", "caches", models.PositiveIntegerField(blank=True, null=True)),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
