"""How many listeners a plan includes: ports are scarce, and a port of one's own begins with the first paid plan."""

from django.db import migrations, models

INCLUDED = {"free": 0, "basic": 2, "pro": 10, "business": 50}


def seed(apps, schema_editor):
    plan = apps.get_model("billing", "Plan")
    for code, listeners in INCLUDED.items():
        plan.objects.filter(code=code).update(listeners=listeners)


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_stripe_ids")]
    operations = [
        migrations.AddField("plan", "listeners", models.PositiveIntegerField(blank=True, null=True)),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
