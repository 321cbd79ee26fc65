"""The arithmetic that tells a number of some kind from any other: check digits, lengths, prefixes."""

from __future__ import annotations

import re

__all__ = ["TWICE", "iban_end", "is_card_number", "is_iban", "is_of_brand", "is_short_card", "luhn", "mod97"]  # fmt: skip


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1)."""
    total = sum(map(int, digits[-1::-2]))
    return (total + sum(TWICE[sign] for sign in digits[-2::-2])) % 10 == 0


TWICE = {str(digit): sum(divmod(digit * 2, 10)) for digit in range(10)}

# Issuers by prefix, with the lengths that they give out.
_ISSUERS = (
    (re.compile(r"4"), (13, 16, 19)),
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),
    (re.compile(r"3[47]"), (15,)),
    (re.compile(r"30[0-5]|309|36|3[89]"), (14, 16)),
    (re.compile(r"6011|64[4-9]|65|62|8[12]"), (16, 17, 18, 19)),
    (re.compile(r"35|220[0-4]"), (16,)),
    (re.compile(r"2131|1800"), (15,)),
    (re.compile(r"0604|5018|5020|5038|5[678]|6304|6759|676[1-3]|6390|67"), (12, 13, 14, 15, 16, 17, 18, 19)),
)  # fmt: skip


def is_card_number(digits: str) -> bool:
    """Whether `digits` could be a payment card's number: an issuer's prefix and length, and the check digit."""
    return (
        any(len(digits) in lengths and prefix.match(digits) for prefix, lengths in _ISSUERS)
        and luhn(digits)
        and len(set(digits)) > 1
    )


def is_of_brand(digits: str) -> bool:
    """Whether a card's number is of one of the large brands, in the length that nearly all of theirs have."""
    return _BRANDS.match(digits) is not None


def is_short_card(digits: str) -> bool:
    """Whether a card's number of 12 or 13 digits begins like no other numbers do: old Visa, and Maestro's own."""
    return _SHORT.match(digits) is not None


_BRANDS = re.compile(
    r"(?=\d{16}\Z)(?:4|5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720|6011|64[4-9]|65)|(?=\d{15}\Z)3[47]"
)
_SHORT = re.compile(r"4\d{12}\Z|(?:0604|5018|5020|5038|6304|6759|676[1-3]|6390)")


def mod97(account: str) -> bool:
    """Whether the check digits of an account number in capitals without spaces are right (ISO 13616)."""
    return int("".join(str(int(sign, 36)) for sign in account[4:] + account[:4])) % 97 == 1


def iban_end(run: str) -> int | None:
    """Where the account number ends that `run` begins with: what follows may read like more of it."""
    for end in range(len(run), 14, -1):
        account = re.sub(r"\s", "", run[:end]).upper()
        inside = end < len(run) and run[end].isalnum()
        if not inside and 15 <= len(account) <= 34 and mod97(account):
            return end
    return None


# ISO 13616 registry: how long an account number is in each country.
_LENGTHS = {
    country: int(group.split(":")[0])
    for group in (
        "15:NO", "16:BE", "18:DK FI FK FO GL NL SD", "19:MK SI", "20:AT BA EE KZ LT LU MN XK", "21:CH HR LI LV",
        "22:BG BH CR DE GB GE IE ME RS VA", "23:AE GI IL IQ OM SO TL", "24:AD CZ ES MD PK RO SA SE SK TN VG",
        "25:LY PT ST", "26:DZ IS TR", "27:BI DJ FR GR IT MC MR SM", "28:AL AZ BY CY DO GT HN HU LB NI PL SV",
        "29:BR EG PS QA UA", "30:JO KW MU YE", "31:MT SC", "32:LC", "33:RU",
    )
    for country in group.split(":")[1].split()
}  # fmt: skip


def is_iban(account: str) -> bool:
    """Whether a country gives out account numbers of this length, where its code is known, and the check holds.

    `account` is in capitals without spaces.
    """
    return len(account) == _LENGTHS.get(account[:2]) and mod97(account)
