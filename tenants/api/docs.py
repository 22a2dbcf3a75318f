"""The API's documentation for people: Swagger UI and ReDoc from our own static files, under the strict CSP."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View


class Swagger(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "restkit/swagger.html")


class Redoc(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "restkit/redoc.html")
