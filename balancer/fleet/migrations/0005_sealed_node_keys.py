"""A node's key is a secret: it is sealed at rest, like every other one."""

from django.db import migrations, models

from tenants import vault


def seal(apps, schema_editor):
    for node in apps.get_model("fleet", "Node").objects.all():
        node.key = vault.seal(node.key, about=f"node.key:{node.pk}")
        node.save(update_fields=["key"])


def unseal(apps, schema_editor):
    for node in apps.get_model("fleet", "Node").objects.all():
        node.key = vault.unseal(node.key, about=f"node.key:{node.pk}")
        node.save(update_fields=["key"])


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0004_snapshots_outlive_tenants'),
    ]

    operations = [
        migrations.AlterField(
            model_name='node',
            name='key',
            field=models.TextField(),
        ),
        migrations.RunPython(seal, unseal),
    ]
