from __future__ import annotations

import random

import pytest

from clearspan.assess.text.overlap import chrf, f_score, partial_ratio, rouge_l, token_f1


def test_f_score() -> None:
    assert f_score(2, 4, 2) == pytest.approx(2 / 3)
    assert f_score(2, 4, 2, beta=2) == pytest.approx(5 * 0.5 / (4 * 0.5 + 1))
    assert f_score(0, 0, 0) == 0.0


def test_token_f1_counts_each_word_as_often_as_it_occurs() -> None:
    assert token_f1(["a", "b", "b"], ["b", "b", "c"]) == pytest.approx(2 / 3)
    assert token_f1([], []) == 1.0
    assert token_f1(["a"], []) == 0.0


def test_rouge_l_needs_the_order() -> None:
    assert (
        rouge_l(["the", "gunman", "killed", "police"], ["police", "killed", "the", "gunman"]) == 0.5
    )
    assert (
        rouge_l(["police", "kill", "the", "gunman"], ["police", "killed", "the", "gunman"]) == 0.75
    )
    assert rouge_l([], []) == 1.0
    assert rouge_l(["a"], []) == 0.0


def test_the_longest_common_subsequence_is_that_of_the_table() -> None:
    dice = random.Random(7)
    for _ in range(200):
        one = [dice.choice("abc") for _ in range(dice.randint(1, 9))]
        other = [dice.choice("abc") for _ in range(dice.randint(1, 9))]
        table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
        for i, mine in enumerate(one, 1):
            for j, its in enumerate(other, 1):
                same = table[i - 1][j - 1] + (mine == its)
                table[i][j] = max(same, table[i - 1][j], table[i][j - 1])
        longest = table[-1][-1]
        assert rouge_l(one, other) == pytest.approx(2 * longest / (len(one) + len(other)))


def test_chrf_is_that_of_sacrebleu() -> None:
    # sacrebleu 2.6: sentence_chrf("the cat sat on a mat", ["a cat sat on the mat today"])
    assert chrf("the cat sat on a mat", "a cat sat on the mat today") == pytest.approx(0.4441808993)
    assert chrf("abc", "abc") == pytest.approx(1.0)
    assert chrf("abc", "xyz") == 0.0
    assert chrf("", " ") == 1.0
    assert chrf("a", "") == 0.0


def test_partial_ratio_is_that_of_the_best_place() -> None:
    assert partial_ratio("plant", "the singer is rob plant") == 1.0
    assert partial_ratio("the singer is rob plant", "plamt") == pytest.approx(0.8)
    assert partial_ratio("", "") == 1.0
    assert partial_ratio("", "a") == 0.0


def test_the_edits_of_partial_ratio_are_those_of_the_table() -> None:
    dice = random.Random(3)
    for _ in range(200):
        short = "".join(dice.choice("abcd") for _ in range(dice.randint(1, 8)))
        long = "".join(dice.choice("abcd") for _ in range(dice.randint(8, 20)))
        above = [0] * (len(long) + 1)
        for i, mine in enumerate(short, 1):
            row = [i]
            for j, its in enumerate(long, 1):
                row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (mine != its)))
            above = row
        assert partial_ratio(short, long) == pytest.approx(1 - min(above) / len(short))
