from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0003_identity")]

    operations = [
        migrations.AddField("ssoprovider", "saved_by_owner", models.BooleanField(default=False)),
        migrations.AddField("ssoprovider", "session_hours", models.PositiveSmallIntegerField(default=12)),
        migrations.AddField(
            "ssoidentity", "mapped_role", models.CharField(blank=True, default="", max_length=12), preserve_default=False
        ),
    ]
