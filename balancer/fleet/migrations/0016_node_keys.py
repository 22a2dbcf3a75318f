"""When a node came, with which key it speaks, and whether it is cordoned."""

from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):

    dependencies = [('fleet', '0015_purges')]

    operations = [
        # Whoever is there has come: the database fills in the moment of this migration.
        migrations.AddField('node', 'joined_at', models.DateTimeField(blank=True, db_default=Now(), null=True)),
        migrations.AddField('node', 'key_since', models.DateTimeField(blank=True, db_default=Now(), null=True)),
        migrations.AddField('node', 'key_heard_at', models.DateTimeField(blank=True, null=True)),
        migrations.AddField('node', 'key_number', models.PositiveIntegerField(db_default=1, default=1)),
        migrations.AddField('node', 'old_key', models.TextField(blank=True, db_default='', default='')),
        migrations.AddField('node', 'old_key_number', models.PositiveIntegerField(blank=True, null=True)),
        migrations.AddField('node', 'refused_at', models.DateTimeField(blank=True, null=True)),
        migrations.AddField('node', 'join_digest', models.CharField(blank=True, db_default='', default='', max_length=64)),
        migrations.AddField('node', 'join_until', models.DateTimeField(blank=True, null=True)),
        migrations.AddField('node', 'cordoned_at', models.DateTimeField(blank=True, null=True)),
        migrations.AddField('node', 'cordon_reason', models.CharField(blank=True, db_default='', default='', max_length=200)),
        migrations.AddIndex('node', models.Index(condition=models.Q(('join_digest', ''), _negated=True), fields=['join_digest'], name='node_by_join')),
    ]
