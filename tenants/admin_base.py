"""Django admin's classes, typed: at run time they take no parameters."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from tenants.models import User

if TYPE_CHECKING:
    Rows = admin.ModelAdmin[Any]
    Inline = admin.TabularInline[Any, Any]
    People = UserAdmin[User]
else:
    Rows, Inline, People = admin.ModelAdmin, admin.TabularInline, UserAdmin

__all__ = ["Inline", "People", "Rows"]
