"""Where billing is mounted."""

from django.urls import URLPattern, URLResolver

from billing.api.account import BillingViewSet
from tenants.restkit.routers import tenant_urls

urlpatterns: list[URLPattern | URLResolver] = [*tenant_urls("billing", BillingViewSet)]
