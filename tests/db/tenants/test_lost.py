"""A server that restarted under a connection: said in Django's words, which doors and tasks know how to answer."""

import pytest
from django.db import InterfaceError, OperationalError, connection

from tenants.scope import platform_scope, tenant_scope
from tests.conftest import World


def test_a_lost_connection_is_an_operational_error_also_where_the_scope_is_told(committed: World) -> None:
    """The scope is told before the first statement of most requests, so that is where a dead connection is found."""
    ours = committed.ours
    lost = connection.copy()
    with platform_scope(), lost.cursor() as cursor, connection.cursor() as other:
        cursor.execute("SELECT pg_backend_pid()")
        other.execute("SELECT pg_terminate_backend(%s, 5000)", cursor.fetchone())
    try:
        with tenant_scope(ours), pytest.raises((OperationalError, InterfaceError)):
            lost.cursor()
    finally:
        with platform_scope():
            lost.close()
