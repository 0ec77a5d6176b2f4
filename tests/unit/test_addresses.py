"""Email addresses: anything with one @ comes in, and one mailbox has one spelling."""

import pytest

from agentops.lib import addresses


@pytest.mark.parametrize(
    ("given", "kept", "sent"),
    [
        ("Kim@Example.com", "kim@example.com", "kim@example.com"),
        ("a..b@docomo.ne.jp", "a..b@docomo.ne.jp", '"a..b"@docomo.ne.jp'),
        (".a.@x.jp", ".a.@x.jp", '".a."@x.jp'),
        ('"a..b"@docomo.ne.jp', "a..b@docomo.ne.jp", '"a..b"@docomo.ne.jp'),
        ('"Kim Doe"@example.com', '"kim doe"@example.com', '"kim doe"@example.com'),
        ('"kim"@example.com', "kim@example.com", "kim@example.com"),
        ('"a@b"@example.com', '"a@b"@example.com', '"a@b"@example.com'),
        ("kim doe@example.com", "kim doe@example.com", '"kim doe"@example.com'),
        ("kim@xn--mller-kva.example", "kim@müller.example", "kim@xn--mller-kva.example"),
        ("Kim@MÜLLER.example", "kim@müller.example", "kim@xn--mller-kva.example"),
        ("kim@mu\u0308ller.example", "kim@müller.example", "kim@xn--mller-kva.example"),
        ("kim@straße.example", "kim@straße.example", "kim@xn--strae-oqa.example"),
        ("用户@例子.广告", "用户@例子.广告", "用户@xn--fsqu00a.xn--4rr70v"),
        ("Kim Doe <kim@example.com>", "kim@example.com", "kim@example.com"),
        ('"Doe, Kim" <Kim@Example.com>', "kim@example.com", "kim@example.com"),
        ("  <kim@example.com> ", "kim@example.com", "kim@example.com"),
        ("kim@[192.0.2.1]", "kim@[192.0.2.1]", "kim@[192.0.2.1]"),
        ("kim@localhost", "kim@localhost", "kim@localhost"),
        ("kim@-.-", "kim@-.-", "kim@-.-"),
        ("\ud83dkim@example.com", "\ufffdkim@example.com", '"\ufffdkim"@example.com'),
    ],
)
def test_an_address_has_one_spelling_and_can_be_sent_to(given: str, kept: str, sent: str) -> None:
    assert addresses.parse(given) == kept
    assert addresses.parse(kept) == kept
    assert addresses.deliverable(kept) == sent


@pytest.mark.parametrize(
    "given",
    [
        "",
        "kim",
        "@example.com",
        "kim@",
        "kim@home@example.com",
        "kim@example.com\nBcc: all@example.com",
        "a@b\u2028c",
        "<>",
    ],
)
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"kim@example\.com"):
        addresses.parse(given)


def test_both_spellings_of_a_domain_are_the_same_mailbox() -> None:
    assert addresses.same("kim@xn--mller-kva.example", "Kim@Müller.example")
    assert not addresses.same("kim@muller.example", "kim@müller.example")
    assert addresses.same("no address", "No Address ")
    assert addresses.spellings("kim@müller.example") == ["kim@müller.example", "kim@xn--mller-kva.example"]
    assert addresses.spellings("kim@example.com") == ["kim@example.com"]
