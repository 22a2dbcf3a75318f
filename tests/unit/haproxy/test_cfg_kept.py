"""What a report keeps of a line never holds what may be a secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.haproxy.cfg.fates import Fate, Told
from balancer.haproxy.cfg.kept import WORDS_KEPT, without_values

SECRET = "hunter2Hunter2"


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
    before=st.lists(st.text("abc({%[$ ", min_size=1, max_size=6), min_size=3, max_size=5),
    quoted=st.sampled_from(["{}", '"{}"', "str({})", "'a {} b'", "# {}"]),
)
def test_a_secret_behind_whatever_is_never_kept(first: str, before: list[str], quoted: str) -> None:
    text = f"  {first} {' '.join(before)} {quoted.format(SECRET)}"
    told = kept(text, f"This cannot be: {SECRET}.")
    assert SECRET not in told.text
    assert SECRET not in told.sentence
