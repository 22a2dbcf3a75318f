"""Seed the plans of `product.md`. Limits may be changed in the database later; a rerun would not overwrite them."""

from django.db import migrations

GB = 10**9
MILLION = 10**6
PLANS = [
    # code, cents, req/s, burst, GB/day, routes, backends, members, waf, requests, GB included, dedicated, days
    ("free", 0, 10, 20, 1, 3, 6, 2, "basic", MILLION // 10, 10, False, 1),
    ("basic", 999, 100, 200, 10, 10, 30, 5, "standard", MILLION, 100, False, 7),
    ("pro", 2999, 1000, 2000, 100, 50, 200, 25, "strict", 10 * MILLION, 1000, False, 30),
    ("business", 9999, 5000, 10000, 500, 250, 1000, 100, "strict", 100 * MILLION, 10_000, True, 90),
]


def seed(apps, schema_editor):
    plan = apps.get_model("billing", "Plan")
    for position, row in enumerate(PLANS, start=1):
        code, cents, rps, burst, daily, routes, backends, members, waf, requests, traffic, dedicated, days = row
        plan.objects.get_or_create(
            code=code,
            defaults={
                "name": code.capitalize(), "position": position, "monthly_cents": cents, "requests_per_second": rps,
                "burst": burst, "daily_traffic": daily * GB, "routes": routes, "backends": backends,
                "members": members, "waf": waf, "included_requests": requests, "included_traffic": traffic * GB,
                "dedicated": dedicated, "retention_days": days,
            },
        )
    plan.objects.get_or_create(
        code="custom",
        defaults={
            "name": "Custom", "position": len(PLANS) + 1, "monthly_cents": 19999, "waf": "strict",
            "dedicated": True, "retention_days": 365,
        },
    )


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
