"""No page is served, but a ticket asks for its own address."""

from django.urls import include, path  # type: ignore[import-not-found]  # installed in an environment of its own

urlpatterns = [path("", include("helpdesk.urls", namespace="helpdesk"))]
