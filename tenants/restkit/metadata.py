"""What OPTIONS answers: little. The OpenAPI document is the one description of the API."""

from typing import TYPE_CHECKING, Any

from rest_framework.metadata import BaseMetadata
from rest_framework.request import Request

if TYPE_CHECKING:  # DRF reads its settings, and through them this module, while it is itself being imported
    from rest_framework.views import APIView


class Metadata(BaseMetadata):
    """DRF's own asks for the object to see what may be done with it, which what has no id does not have."""

    def determine_metadata(self, request: Request, view: "APIView") -> dict[str, Any]:
        return {"name": view.get_view_name(), "parses": [parser.media_type for parser in view.parser_classes]}
