"""Whether a node is in service, leaves it, or is out of it."""

from django.db import migrations, models

SERVICE = [('in', 'In service'), ('leaving', 'Leaving'), ('out', 'Out of service')]


class Migration(migrations.Migration):

    dependencies = [('fleet', '0012_upstream_files')]

    operations = [
        migrations.AddField('node', 'service', models.CharField(choices=SERVICE, db_default='in', default='in', max_length=8)),
        migrations.AddField('node', 'service_seen', models.CharField(choices=SERVICE, db_default='in', default='in', max_length=8)),
        migrations.AddField('node', 'out_at', models.DateTimeField(blank=True, null=True)),
    ]
