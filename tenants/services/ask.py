"""Work that is asked of a worker because the answer must not show how long it took."""

from tenants.after_commit import after_commit
from tenants.services.signing_in.sign_ins import From


def ask_for_reset(email: str, *, source: From, language: str | None) -> None:
    """`passwords.forgot`, later."""
    from celery import current_app

    message = {"email": email, "address": source.address, "language": language or ""}
    after_commit(lambda: current_app.send_task("tenants.tasks.forgot_password", kwargs=message, queue="control"))
