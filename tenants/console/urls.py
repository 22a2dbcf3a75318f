"""The console's pages of people: sign up, sign in, preferences."""

from django.urls import path

from tenants.console import views

app_name = "account"
urlpatterns = [
    path("", views.home, name="home"),
    path("login", views.sign_in, name="login"),
    path("logout", views.sign_out, name="logout"),
    path("signup", views.sign_up, name="signup"),
    path("preferences", views.preferences, name="preferences"),
]
