"""The console's pages of people: sign up, sign in, preferences."""

from django.urls import path

from tenants.console import (
    account,
    proving,
    security,
    sign_in,
    sign_up,
    views,
)

app_name = "account"
urlpatterns = [
    path("", views.home, name="home"),
    path("login", sign_in.sign_in, name="login"),
    path("second-factor", sign_in.second, name="second-step"),
    path("passkey/options", sign_in.passkey_options, name="passkey-options"),
    path("passkey", sign_in.passkey, name="passkey"),
    path("logout", views.sign_out, name="logout"),
    path("signup", sign_up.sign_up, name="signup"),
    path("verify/<str:secret>", sign_up.verify, name="verify"),
    path("forgot", sign_up.forgot, name="forgot"),
    path("reset/<str:secret>", sign_up.reset, name="reset"),
    path("reauthenticate", proving.reauthenticate, name="reauthenticate"),
    path("reauthenticate/passkey/options", proving.passkey_options, name="reauthenticate-options"),
    path("reauthenticate/passkey", proving.passkey, name="reauthenticate-passkey"),
    path("profile", account.profile, name="profile"),
    path("profile/email", account.email, name="email"),
    path("security", security.index, name="security"),
    path("security/password", security.password, name="password"),
    path("security/app", security.totp, name="totp"),
    path("security/app/remove", security.totp_remove, name="totp-remove"),
    path("security/codes", security.codes, name="codes"),
    path("security/passkeys/options", security.passkey_options, name="passkey-new-options"),
    path("security/passkeys", security.passkey_add, name="passkey-new"),
    path("security/passkeys/<str:passkey_id>/remove", security.passkey_remove, name="passkey-remove"),
    path("sessions", account.index, name="sessions"),
    path("sessions/others/end", account.revoke_others, name="sessions-end-others"),
    path("sessions/<str:sign_in_id>/end", account.revoke, name="session-end"),
    path("preferences", views.preferences, name="preferences"),
]
