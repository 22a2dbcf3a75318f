"""What a report keeps of a line never holds what may be a secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.haproxy.cfg.convert import convert
from balancer.haproxy.cfg.fates import Fate, Told
from balancer.haproxy.cfg.kept import LINES_KEPT_MAX, OBJECTS_KEPT_MAX, WORDS_KEPT, bounded, without_values

SECRET = "hunter2Hunter2"
LONG = "Zq9SecretValueThatIsVeryLongIndeedMoreThanEightyCharacters" + "1234567890" * 6


def kept(text: str, sentence: str = "") -> Told:
    (one,) = without_values([Told(3, text, Fate.REFUSED, sentence, ("pool web",))])
    return one


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("backend web", "backend web"),
        ("    server one 10.0.0.1:80 check", "    server one 10.0.0.1:80 …"),
        (f"    stats auth admin:{SECRET}", "    stats auth …"),
        (f"    user bob insecure-password {SECRET}", "    user …"),
        (f"    http-request set-header Authorization {SECRET}", "    http-request set-header Authorization …"),
        (f"    http-request set-var(txn.x) str({SECRET})", "    http-request set-var… …"),
        (f"    acl mine hdr(x-key) {SECRET}", "    acl mine hdr… …"),
        (f"    acl mine str({SECRET}),lower -m found", "    acl mine str… …"),
        (f"    use_backend %[str({SECRET})]", "    use_backend … …"),
        (f"    use_backend api if {{ hdr(x-key) {SECRET} }}", "    use_backend api …"),
        (f"# the password is {SECRET}", "…"),
        (f"backend web # {SECRET}", "backend web …"),
        (f"    {SECRET} is what it is", "…"),
        (f'    http-request set-header X "{SECRET}', "…"),
        ("    balance leastconn", "    balance leastconn"),
        ("    balance hdr(host)", "    balance hdr… …"),
        (f"    balance {SECRET}", "    balance … …"),
        ("    timeout server 30s", "    timeout server 30s"),
        (f"    timeout server {SECRET}", "    timeout server … …"),
        (f"    maxconn {SECRET}", "    maxconn … …"),
        (f"    server one http://admin:{SECRET}@10.0.0.1:80", "    server one … …"),
        (f"    server one admin:{SECRET}@10.0.0.1:80", "    server one … …"),
        ("", ""),
    ],
)
def test_what_stays(text: str, stays: str) -> None:
    assert kept(text).text == stays


def test_a_sentence_that_quotes_the_line_does_not_tell_either() -> None:
    one = kept(f"    server a 10.0.0.1:80 {SECRET}", f"The word {SECRET} cannot be carried.")
    assert one.sentence == "The word … cannot be carried."
    same = kept("    http-request deny if elsewhere", "Nothing here does what this line does.")
    assert same.sentence == "Nothing here does what this line does."


@given(
    first=st.sampled_from([*WORDS_KEPT, "password", "#", '"', "no option", "http-request set-header X-A"]),
    before=st.lists(st.text("abc({%[$ ", min_size=1, max_size=6).filter(str.strip), min_size=3, max_size=5),
    quoted=st.sampled_from(["{}", '"{}"', "str({})", "'a {} b'", "# {}"]),
)
def test_a_secret_behind_whatever_is_never_kept(first: str, before: list[str], quoted: str) -> None:
    text = f"  {first} {' '.join(before)} {quoted.format(SECRET)}"
    told = kept(text, f"This cannot be: {SECRET}.")
    assert SECRET not in told.text
    assert SECRET not in told.sentence


def test_what_a_sentence_quotes_and_cuts_short_is_not_kept_either() -> None:
    """Each of these is said something of that quotes it, to its fortieth or eightieth character."""
    rules = "\n".join([
        f" http-request redirect location /x {LONG}", f" http-request {LONG}", f" http-response {LONG}",
        f" http-request return status 200 {LONG} x",
    ])  # fmt: skip
    pool = "\n".join([
        f" server s 10.0.0.1:80 {LONG}", f" server t {LONG}:80", f" balance {LONG}", f" balance uri {LONG}",
        f" retry-on {LONG}", f" retry-on all-retryable-errors junk-response more-of-them and-another-one {LONG}",
        f" timeout server {LONG}", f" http-check send {LONG}",
    ])  # fmt: skip
    text = f"frontend f\n mode http\n bind *:80\n{rules}\n default_backend b\nbackend b\n mode http\n{pool}\n"
    text += f"frontend g\n mode tcp\n bind *:81 {LONG}\n default_backend b\n"
    told = convert(text, hosts=["a.test"]).lines
    quoted = [one for one in told if LONG[:4] in one.sentence]
    assert len(quoted) >= 10
    for one in without_values(told):
        assert LONG[:4] not in f"{one.text} {one.sentence}", one


def test_a_report_keeps_what_was_refused_before_the_rest_and_no_more_than_so_much() -> None:
    fates = [Fate.MANAGED, Fate.NOTE, Fate.REFUSED, Fate.MANAGED]
    told = [Told(at, "x" * 100, fates[at % 4], "", ("route a.test/",) * 40) for at in range(2000)]
    assert all(len(one.objects) == OBJECTS_KEPT_MAX for one in without_values(told))
    few = [Told(at, "x" * 100, fates[at % 4], "") for at in range(2000)]
    found = bounded(few)
    assert sum(len(one.text) for one in found) <= LINES_KEPT_MAX
    assert [one.line for one in found] == sorted(one.line for one in found)
    assert [sum(one.fate is fate for one in found) for fate in (Fate.REFUSED, Fate.NOTE)] == [500, 500]
    assert 0 < sum(one.fate is Fate.MANAGED for one in found) < 1000
    assert bounded(few[:50]) == few[:50]
