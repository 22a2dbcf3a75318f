"""Billing's pages."""

from django.urls import path

from billing.console import account

app_name = "billing"
urlpatterns = [path("t/<str:slug>/billing", account.index, name="account")]
