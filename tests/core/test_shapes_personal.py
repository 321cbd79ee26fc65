"""Personal data by its shape: what is found as what, and what only looks like it."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
from hypothesis import given, strategies as st

from clearspan.core.shapes import (
    checks,
    credentials,
    cues,
    entities,
    moments,
    personal,
    phones,
    span,
    urls,
)

if sys.version_info >= (3, 11):
    from re import _constants as constants, _parser as parser
else:
    import sre_constants as constants
    import sre_parse as parser


def found(text: str, types: Any = entities.USUAL) -> list[tuple[str, str]]:
    return [(one.type, text[one.start : one.end]) for one in entities.find(text, types)]


CLEAN = """Order 4417 1234 5678 9112 has shipped
Your order number is 639014880343.
Your tracking number is 4539148803436467.
Order #100-2345678-9012345
Tracking number 1Z999AA10123456784
Tracking 9400 1000 0000 0000 0000 00
Invoice 2024-00012345
Invoice INV-2023-0042
ISBN 978-3-16-148410-0
ISBN-10: 0-306-40615-2
isbn 9780306406157
EAN 4006381333931
UUID 550e8400-e29b-41d4-a716-446655440000
trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span=00f067aa0ba902b7
00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
The build 2024.05.01.1234 is out
Python 3.11.4 and Django 4.2.1
Chrome/120.0.0.0 Safari/537.36
version 10.0.19045.3803
version 1.2.3.4
v2.10.3.1
Version: 10.1.2.3
Mozilla/5.0 (X11; Linux i686; rv:1.9.2.20)
for 4222222222222 items
4111111111111111ABC
see section 1.2.3.4
requests==2.31.0.1
foo-1.2.3.4.tar.gz
1.3.6.1.4.1.311
2024-01-15 10:30:45
2024-01-15T10:30:45.123456Z
2024/01/15 and 15/01/2024
15.01.2024
01/02/2023 03:04:05
20240115103045
from 1990-2020
1999-2000 and 2001-2002
timestamp 1699999999
1699999999999
1700000000000000000
epoch: 1234567890
price is $1,234,567.89
€ 1 234 567
1 234 567 890 people
population 8 123 456
It costs 12 500 000 dollars
pi is 3.14159265358979
0.123456789
scores 12 34 56 78 90
numbers: 10 20 30 40 50 60 70
array [100, 200, 300, 400]
1, 2, 3, 4, 5, 6, 7, 8, 9, 10
1-2-3-4-5-6-7
matrix 100 200 300 400 500 600 700 800 900 1000
DOI 10.1000/182
doi:10.1038/s41586-020-2649-2
RFC 2616, ISO 8601, IEEE 802.11
coordinates 40.7128, -74.0060
lottery numbers 04 08 15 16 23 42
ratio 16:9, 1920x1080
MAC 00:1A:2B:3C:4D:5E
00:11:22:33:44:55:66:77
std::vector<int> a::b f::g face::add
arr[1::2] and arr[::-1] and x[10::20]
time 12:30:45 and 01:02:03:04
@handle and @types/node@18.0.0
lodash@4.17.21
icon@2x.png
.@example.com
git@github.com:org/repo.git
user@localhost
a@b
ssn format is NNN-NN-NNNN
000-12-3456
123-45-67890
9-123-45-6789
part 123-456-78
license plate ABC-1234
ZIP 12345-6789
03262 2437 Main St Suite 442
P.O. Box 12345
Node.js and ASP.NET and java.io.File
main.py, index.html, setup.cfg
self.net(x) torch.nn model.com(x)
http://localhost:8080/path
http://127.0.0.1:8000
127.0.0.1 localhost
0.0.0.0:80
subnet mask 255.255.255.128
DE00 1234
GB82WEST12345698765433
DE893704004405320130
Acct XX56 0000 1111 2222 33
AB12 3456 7890 1234
model gpt-4-0613, gpt-3.5-turbo-1106
claude-3-5-sonnet-20241022
sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
commit 9fceb02 and 1234567
request id 9876543210123
The answer is 42424242
2^31 = 2147483648
1e10 or 10000000000
call 911
call the function with 12345
he called at 10:30 on 2024-05-06
in 1998 he called 20 people
bus lines 100 200 300
IMEI 356938035643809
vin 1HGCM82633A004352
phone model 12345678
The phone costs 1 299 000
the year 2019 2020 2021 2022
0001 0002 0003 0004
1111111111111111
0000 0000 0000 0000
2,147,483,647
10.5281/zenodo.1234567
arXiv:2301.12345
CVE-2023-12345
ABC-123-456-7890
0x7ffee4b5c8a0
2023-10-12 14:00 - 15:00
1.1.2020 - 31.12.2020
flight LH 1234 5678
(2019) 123-456
f(555)123-4567x
the ratio was 123-456-7890-1234
GET /api/v1/users/1234567890/posts
port 8080 8081 8082 8083
steps 001 002 003 004
tool call 12345678
order 212-555-0147
call me about order 123 456 789
yaml m: 1234567
loss 0.0123 epoch 12 lr 0.001
ICCID 8944500102198304826
x4111111111111111
41 11 11 11 11 11 11 11
+999 123 456 789
+1 055 123 4567
0011 1111 1111 1111
reach 100 200 300 users
we reached 1 000 000 users
call 12 345 678 customers
contact 123456 rows
ring size 12 345 678
desk 120 60 75 cm
dial 5 6 7 8 9 10
call me 1 000 000
my cell biology grade: 100200
she called at 20:30, paid 1200 300
1234567 is my phone's IMEI
a prime number such as 1073741789
lottery number 12345678
send the card to 1987 74 Dover Street
order 463 5018
order number is 639014880343
the finished.it was fine
run foo.pl or self.store
The number 1234567 is composite
a number of 12345678 or more
Enter the number 100000000 below
Number of employees: 1234567
No. 1234567 of the series
P 1234567 is a primary
We talk (1234567) a lot
contact the vendor (2019 2020)
Work: 2020 2021 2022
call option (100 200 300)
http://intranet/x""".splitlines()

PHONES = """+1 415 555 0123
+49 30 901820
+49 (0)30 123456
+44 20 7946 0958
+91-98765-43210
+86 138 0013 8000
+33 1 42 68 53 00
01 42 68 53 00
020 7946 0958
07700 900123
0151-23456789
030/1234567
(212) 555-0147
212-555-0147
212.555.0147
1-800-555-0199
+12125550147
+1 (604) 696-5272x565
+1(604)696-5272
00 44 20 7946 0958
0044 20 7946 0958
+61 2 9374 4000
+55 11 91234-5678
+81 3-1234-5678
03-1234-5678
+7 (495) 123-45-67
8 (495) 123-45-67
+972-50-123-4567
+1\u2011415\u2011555\u20110123
\uff10\uff19\uff10-1234-5678
089 / 123 456 78""".splitlines()

OTHERS = [
    ("CREDIT_CARD", "4111111111111111"),
    ("CREDIT_CARD", "4111 1111 1111 1111"),
    ("CREDIT_CARD", "4111-1111-1111-1111"),
    ("CREDIT_CARD", "4111\u00a01111\u00a01111\u00a01111"),
    ("CREDIT_CARD", "5555555555554444"),
    ("CREDIT_CARD", "3782 822463 10005"),
    ("CREDIT_CARD", "378282246310005"),
    ("CREDIT_CARD", "6011111111111117"),
    ("CREDIT_CARD", "3530111333300000"),
    ("CREDIT_CARD", "30569309025904"),
    ("CREDIT_CARD", "2223003122003222"),
    ("CREDIT_CARD", "4222222222222"),
    ("CREDIT_CARD", "501800000009"),
    ("IBAN_CODE", "DE89370400440532013000"),
    ("IBAN_CODE", "DE89 3704 0044 0532 0130 00"),
    ("IBAN_CODE", "GB82 WEST 1234 5698 7654 32"),
    ("IBAN_CODE", "FR14 2004 1010 0505 0001 3M02 606"),
    ("IBAN_CODE", "NO93 8601 1117 947"),
    ("IBAN_CODE", "gb29nwbk60161331926819"),
    ("IBAN_CODE", "MT84MALT011000012345MTLCAST001S"),
    ("US_SSN", "123-45-6789"),
    ("IP_ADDRESS", "192.168.1.10"),
    ("IP_ADDRESS", "8.8.8.8"),
    ("IP_ADDRESS", "2001:0db8:85a3:0000:0000:8a2e:0370:7334"),
    ("IP_ADDRESS", "2001:db8::1"),
    ("IP_ADDRESS", "fe80::1%eth0"),
    ("IP_ADDRESS", "::ffff:192.0.2.128"),
    ("URL", "https://example.com/a?b=c"),
    ("URL", "www.example.com"),
    ("URL", "example.com"),
    ("URL", "http://m\u00fcller.de/stra\u00dfe"),
    ("URL", "ftp://files.example.org/x"),
    ("URL", "HTTPS://EXAMPLE.COM"),
    ("URL", "example.co.uk/path"),
    ("URL", "foo.io/bar"),
    ("URL", "my-site.net"),
    ("URL", "shop.com.br"),
    ("URL", "GreenGarden.co"),
    ("URL", "garden.fr"),
    ("URL", "tulips.io"),
    ("URL", "TulipStore.it"),
    ("URL", "https://en.wikipedia.org/wiki/Foo_(bar)"),
    ("URL", "https://ann:pw1@example.com/x"),
    ("EMAIL_ADDRESS", "ann@example.com"),
    ("EMAIL_ADDRESS", "neil+tag@mail.example.co.uk"),
    ("EMAIL_ADDRESS", "o'neil@example.com"),
    ("EMAIL_ADDRESS", "ann@tulips.md"),
    ("EMAIL_ADDRESS", "j\u00fcrgen@m\u00fcller.de"),
    ("EMAIL_ADDRESS", "a_b-c%d@sub.domain.museum"),
    ("EMAIL_ADDRESS", "\u7528\u6237@\u4f8b\u5b50.\u516c\u53f8"),
    ("EMAIL_ADDRESS", "ann\uff20example.com"),
    ("EMAIL_ADDRESS", "x@xn--80ak6aa92e.xn--p1ai"),
]


@pytest.mark.parametrize("text", CLEAN)
def test_what_only_looks_like_it_is_left(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("type_", "value"), [*OTHERS, *(("PHONE_NUMBER", number) for number in PHONES)]
)
@pytest.mark.parametrize(("before", "after"), [("", ""), ("It is ", ", he said."), ("(", ")"), ("so:\n", "\n- b"), ("é ", " é")])  # fmt: skip
def test_each_kind_is_found_where_it_stands(
    type_: str, value: str, before: str, after: str
) -> None:
    assert found(before + value + after) == [(type_, value)]


SAID = [
    ("call me at 2125550147", "2125550147"),
    ("call us 2125550147", "2125550147"),
    ("my phone number is 555-0147", "555-0147"),
    ("Phone: 555 0147", "555 0147"),
    ("tel:+1-212-555-0147", "+1-212-555-0147"),
    ("phone=2125550147", "2125550147"),
    ('{"phone_number": "2125550147"}', "2125550147"),
    ("Please call Ann Lee at 463 5018", "463 5018"),
    ("T: 463 5018 | F: 463 5019", "463 5018"),
    ("text 212-555-0147 ext. 12", "212-555-0147 ext. 12"),
    ("5551234567 is my phone number", "5551234567"),
    ("463 5018 (mobile)", "463 5018"),
    ("Reach me on 44 123 987", "44 123 987"),
    ("my number is 64 305 918", "64 305 918"),
    ("\u7535\u8bdd 13800138000", "13800138000"),
    ("Telefon: 54039 26876", "54039 26876"),
    ("order 12 for Ann, mobile 463 5018", "463 5018"),
    ("Account holder: Ann Lee, 212-555-0147", "212-555-0147"),
    ("my order is late, 020 7946 0958", "020 7946 0958"),
    ("ref +1 415 555 0123", "+1 415 555 0123"),
    ("order 212-555-0147 or 212-555-0148", "212-555-0148"),
    ("phones 463 5018, 463 5019", "463 5019"),
    ("ward 5 212-555-0147 2 times", "212-555-0147"),
    ("Ph 64 305 918", "64 305 918"),
    ("Direct: 64 305 918", "64 305 918"),
    ("Kontakt: 64305918", "64305918"),
    ("No. 64 305 918", "64 305 918"),
    ("M 64 305 918 | F 64 305 919", "64 305 919"),
    ("64 305 918 office\n64 305 919 fax", "64 305 918"),
    ("Switch to number 64305918", "64305918"),
    ("the number for Ann is 64 305 918", "64 305 918"),
    ("Ask for Ann (64 305 918)", "64 305 918"),
    ("Talk to Ann Lee ((64) 305-918)", "(64) 305-918"),
    ("calling from 2125550147", "2125550147"),
    ("leave a message on 2125550147", "2125550147"),
    ("toll free 64 305 918", "64 305 918"),
    ("in case of emergency 64 305 918", "64 305 918"),
    ("Is 64 305 918 still your number?", "64 305 918"),
    ("What is 64305918? It is my phone number", "64305918"),
    ("Send the code to 64 305 918", "64 305 918"),
    ("the code (212)555-0147x12", "(212)555-0147x12"),
    ("contact us on 64 305 918", "64 305 918"),
]


@pytest.mark.parametrize(("text", "number"), SAID)
def test_words_tell_of_a_telephone_number(text: str, number: str) -> None:
    assert ("PHONE_NUMBER", number) in found(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ref 1234 5678 4111 1111 1111 1111", [("CREDIT_CARD", "4111 1111 1111 1111")]),
        ("4111 1111 1111 1111 5555 5555 5555 4444", [("CREDIT_CARD", "4111 1111 1111 1111"), ("CREDIT_CARD", "5555 5555 5555 4444")]),
        ("order 4111111111111111 please", [("CREDIT_CARD", "4111111111111111")]),
        ("update 8.8.8.8 please", [("IP_ADDRESS", "8.8.8.8")]),
        ("our shop tulips.at", [("URL", "tulips.at")]),
        ("tulips.at", [("URL", "tulips.at")]),
        ("see tulips.at/roses", [("URL", "tulips.at/roses")]),
        ("our website tulips.store", [("URL", "tulips.store")]),
        ("f'ann@example.com'", [("EMAIL_ADDRESS", "ann@example.com")]),
        ("ssn 536.22.1234", [("US_SSN", "536.22.1234")]),
        ("the Visa 4222222222222", [("CREDIT_CARD", "4222222222222")]),
        ("4222222222222 on my card", [("CREDIT_CARD", "4222222222222")]),
        ("IBAN: XX42 1234 5678 9012 34", [("IBAN_CODE", "XX42 1234 5678 9012 34")]),
        ("my card for the order: 4111111111111111", [("CREDIT_CARD", "4111111111111111")]),
        ("my social security number is 536 22 1234", [("US_SSN", "536 22 1234")]),
        ("SSN: 536221234", [("US_SSN", "536221234")]),
        ("ssn or 12 536221234", []),
        ("http://203.0.113.7/admin", [("IP_ADDRESS", "203.0.113.7")]),
        ("ip=203.0.113.7:443", [("IP_ADDRESS", "203.0.113.7")]),
        ("[2001:db8::8a2e:370:7334]:443", [("IP_ADDRESS", "2001:db8::8a2e:370:7334")]),
        ("mailto:ann@example.com?subject=x", [("EMAIL_ADDRESS", "ann@example.com")]),
        ("https://x.com/?to=ann@example.com&b=c", [("URL", "https://x.com/?to="), ("EMAIL_ADDRESS", "ann@example.com")]),
        ("https://x.com/a/b@c.de/ann@example.com", [("URL", "https://x.com/a/"), ("EMAIL_ADDRESS", "b@c.de"), ("EMAIL_ADDRESS", "ann@example.com")]),
        ("see www.example.org and http://x.com/a.", [("URL", "www.example.org"), ("URL", "http://x.com/a")]),
        ("[text](https://x.com/a)", [("URL", "https://x.com/a")]),
        ("ann@example.com,bob@example.org;", [("EMAIL_ADDRESS", "ann@example.com"), ("EMAIL_ADDRESS", "bob@example.org")]),
    ],
)  # fmt: skip
def test_what_stands_beside_or_within_another(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("DATE_TIME", "born 2/19/1956.", "2/19/1956"),
        ("DATE_TIME", "at 2003-08-28 12:13:52, then", "2003-08-28 12:13:52"),
        ("DATE_TIME", "on 1 May 2020 or so", "1 May 2020"),
        ("DATE_TIME", "on March 3rd, 2021 at noon", "March 3rd, 2021"),
        ("DATE_TIME", "am 15.01.2024", "15.01.2024"),
        ("US_DRIVER_LICENSE", "my driver's license number is K305118876402.", "K305118876402"),
        ("US_DRIVER_LICENSE", "Driver License: 4418-05-7723", "4418-05-7723"),
        ("MAC_ADDRESS", "at 00:1A:2B:3C:4D:5E now", "00:1A:2B:3C:4D:5E"),
        ("MAC_ADDRESS", "at 00-1a-2b-3c-4d-5e now", "00-1a-2b-3c-4d-5e"),
    ],
)
def test_kinds_that_are_found_when_asked_for(type_: str, text: str, value: str) -> None:
    assert found(text, {type_}) == [(type_, value)]
    assert (type_, value) not in found(text)


@pytest.mark.parametrize("text", ["2024-13-45", "1.2.2024.5", "driver's license number", "public licence 12345678", "00:1A:2B:3C:4D"])  # fmt: skip
def test_what_those_kinds_are_not(text: str) -> None:
    assert found(text, {"DATE_TIME", "US_DRIVER_LICENSE", "MAC_ADDRESS"}) == []


def test_only_what_is_asked_for_is_found() -> None:
    text = "ann@example.com 4111111111111111"
    assert found(text, {"CREDIT_CARD"}) == [("CREDIT_CARD", "4111111111111111")]


@pytest.mark.parametrize("place", [0, entities.WINDOW - 8, entities.WINDOW, 2 * entities.WINDOW - 3])  # fmt: skip
def test_long_texts_are_read_in_pieces_that_lose_nothing(place: int) -> None:
    mail = "ann@example.com"
    text = "word " * (place // 5) + " " * (place % 5) + mail + " word" * 20_000
    assert entities.find(text) == [span.Span("EMAIL_ADDRESS", place, place + len(mail))]


@given(st.text(alphabet="0123456789 -.()+@:/abcxz\u00a0\uff11", max_size=80))
def test_findings_are_in_order_apart_and_within_the_text(text: str) -> None:
    end = 0
    for one in entities.find(text, tuple(entities.REACH)):
        assert end <= one.start < one.end <= len(text)
        end = one.end


def test_plain_keeps_every_place() -> None:
    odd = "a\u00a0b\u2011c\uff11d\u0663 \u4f60"
    assert span.plain(odd) == "a b-c1d3 \u4f60"
    assert span.plain("na\u00efve") == "na\u00efve"


def test_the_first_span_keeps_its_place() -> None:
    first, second, third = span.Span("a", 5, 9), span.Span("b", 0, 6), span.Span("c", 0, 5)
    assert span.apart([first, second, third]) == [third, first]
    assert span.apart([second, first]) == [second]


# -- the arithmetic ----------------------------------------------------------------------------------------


@given(st.integers(0, 10**18))
def test_one_digit_in_ten_completes_a_number(number: int) -> None:
    assert sum(checks.luhn(f"{number}{digit}") for digit in range(10)) == 1


@pytest.mark.parametrize(
    ("digits", "card"),
    [("4111111111111111", True), ("411111111111111", False), ("9111111111111111", False), ("4111111111111112", False),
     ("675900123455", True), ("675900123456", False), ("180000123456784", True), ("0000000000000000", False)],
)  # fmt: skip
def test_card_numbers_have_an_issuer_a_length_and_a_check_digit(digits: str, card: bool) -> None:
    assert checks.is_card_number(digits) is card


def test_account_numbers() -> None:
    assert checks.is_iban("DE89370400440532013000")
    assert not checks.is_iban("DE89370400440532013001")
    assert not checks.is_iban("XX89370400440532013000")
    assert checks.iban_end("ES91 2100 0418 4502 0005 1332 this week") == len("ES91 2100 0418 4502 0005 1332")  # fmt: skip
    assert checks.iban_end("AB12 word word word") is None


# -- no text is slow ---------------------------------------------------------------------------------------


def _patterns() -> list[re.Pattern[str]]:
    modules = (checks, credentials, cues, entities, moments, personal, phones, span, urls)
    known = [value for module in modules for value in vars(module).values()]
    shapes = [shape.pattern for shape in credentials.SHAPES]
    return [*shapes, *dict.fromkeys(value for value in known if isinstance(value, re.Pattern))]


def _repeats(tree: Any) -> Any:
    """Every repetition of a parsed pattern: how often at most, and what is repeated."""
    for operation, argument in tree:
        if operation in (constants.MAX_REPEAT, constants.MIN_REPEAT):
            yield argument[1], argument[2]
        for part in argument if isinstance(argument, (tuple, list)) else (argument,):
            for inner in part if isinstance(part, list) else (part,):
                if isinstance(inner, parser.SubPattern):
                    yield from _repeats(inner)


@pytest.mark.parametrize("pattern", _patterns(), ids=lambda pattern: pattern.pattern[:30])
def test_no_pattern_repeats_a_repetition_without_bounds(pattern: re.Pattern[str]) -> None:
    tree = parser.parse(pattern.pattern, pattern.flags)
    for most, body in _repeats(tree):
        if most is constants.MAXREPEAT:
            low, high = body.getwidth()
            inner = [count for count, _ in _repeats(body)]
            assert constants.MAXREPEAT not in inner, pattern.pattern
            assert high - low <= 64, pattern.pattern


@pytest.mark.parametrize(
    "piece",
    ["123456 ", "1-", "1 ", "(1)", "+1", "a@", "a.", "AA11 ", "::", "1:", "x.com ", "1.1.1.1 ", "http://x.com/a@b.cc ",
     "555-123-4567 ", "www.a", "call ", "1/1/2000 ", "driver license ", "00:"],
)  # fmt: skip
def test_long_texts_of_every_hostile_shape_are_gone_through(piece: str) -> None:
    text = piece * (50_000 // len(piece))
    assert all(one.end <= len(text) for one in entities.find(text, tuple(entities.REACH)))
