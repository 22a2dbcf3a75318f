"""What `show errors` says, without what anybody sent. The texts are HAProxy 2.6.12's own."""

from balancer.haproxy.protocol_errors import ProtocolError, parse_errors

CAPTURED = """\
Total events captured on [22/Nov/2026:09:10:11.123] : 2

[22/Nov/2026:09:10:00.456] frontend http (#2): invalid request
  backend <NONE> (#-1), server <NONE> (#-1), event #0, src 203.0.113.9:48772
  buffer starts at 0 (including 0 out), 16354 free,
  len 30, wraps at 16336, error at position 4
  H1 connection flags 0x00000000, H1 stream flags 0x00000810
  H1 msg state MSG_RQURI(5), H1 msg flags 0x00001410
  H1 chunk len 0 bytes, H1 body len 0 bytes :

  00000  GET \\x00secret HTTP/1.1\\r\\n

[22/Nov/2026:09:10:05.789] backend taaa_p1 (#5): invalid response
  frontend http (#2), server b1 (#1), event #1, src 203.0.113.9:48774
  buffer starts at 0 (including 0 out), 16300 free,
  len 84, wraps at 16336, error at position 37

  00000  HTTP/1.1 200 OK\\r\\n
  00017  Set-Cookie: session=topsecret\\r\\n
"""


def test_who_broke_it_when_and_where_is_told_and_nothing_that_was_sent() -> None:
    found = parse_errors(CAPTURED)
    assert found == [
        ProtocolError("http", "request", "22/Nov/2026:09:10:00.456", "", 4),
        ProtocolError("taaa_p1", "response", "22/Nov/2026:09:10:05.789", "b1", 37),
    ]
    assert "secret" not in repr(found)
    assert "203.0.113.9" not in repr(found)


def test_what_was_captured_cannot_pretend_to_be_a_head() -> None:
    forged = CAPTURED + "  00040  [22/Nov/2026:09:10:05.789] backend tbbb_p1 (#5): invalid response\n"
    assert [one.proxy for one in parse_errors(forged)] == ["http", "taaa_p1"]


def test_nothing_captured_is_nothing() -> None:
    assert parse_errors("Total events captured on [22/Nov/2026:09:10:11.123] : 0\n") == []
