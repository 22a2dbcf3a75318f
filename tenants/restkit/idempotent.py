"""`Idempotency-Key` for a view: claim before the handler, keep after it, let go when it failed."""

from contextlib import ExitStack
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.restkit import access, idempotency


class Replay(Exception):
    """Carries the first answer past the handler."""

    def __init__(self, response: Response) -> None:
        self.response = response


class IdempotentView(APIView):
    _claim: idempotency.Claim | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self._claim = None
        if request.method == "POST":
            self._claim_key(request)

    def _claim_key(self, request: Request) -> None:
        found = access.of(request._request)
        whose = f"{found.tenant.pk if found.tenant else ''}|{found.caller.key if found.caller else ''}"
        match idempotency.claim(request, whose=whose):
            case idempotency.Claim() as claim:
                self._claim = claim
            case Response() as first:
                raise Replay(first)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, Replay):
            return exc.response
        with ExitStack() as when_it_is_raised_again:
            if self._claim is not None:
                when_it_is_raised_again.callback(self._claim.drop)
            response = super().handle_exception(exc)
            when_it_is_raised_again.pop_all()
        return response

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        final = super().finalize_response(request, response, *args, **kwargs)
        if self._claim is not None and isinstance(final, Response):
            self._claim.keep(final)
        return final
