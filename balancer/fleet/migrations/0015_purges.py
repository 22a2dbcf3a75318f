"""One more thing that people do: throwing away what a route kept."""

from django.db import migrations, models

ACTS = [
    ("create", "Created"), ("update", "Changed"), ("delete", "Deleted"), ("drain", "Draining"), ("ready", "Ready"),
    ("maintain", "In maintenance"), ("weight", "Weight"), ("retry", "Retried"), ("purge", "Purged"),
]  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("fleet", "0014_port_claims")]
    operations = [migrations.AlterField("edit", "act", models.CharField(choices=ACTS, max_length=12))]
