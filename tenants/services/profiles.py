"""What a person may say about himself."""

from tenants.models import User


def update(user: User, *, first_name: str, last_name: str, language: str, theme: str) -> User:
    user.first_name, user.last_name, user.language, user.theme = first_name, last_name, language, theme
    user.save(update_fields=["first_name", "last_name", "language", "theme"])
    return user
