"""Languages, told by a sentence each, and texts that are in none."""

from __future__ import annotations

import random

import pytest

from clearspan.assess.language import LANGUAGES, identify, prose, sentences
from clearspan.assess.stopwords import LETTERS, STOP_WORDS

SENTENCES = {
    "sk": "Slovenčina je jazyk, ktorý sa používa na Slovensku a v iných krajinách.",
    "hr": "Hrvatski jezik je jezik koji se govori u Hrvatskoj i u drugim zemljama.",
    "ca": "El català és una llengua que es parla a Catalunya i en altres llocs.",
    "et": "Eesti keel on keel, mida räägitakse Eestis ja see on ilus.",
    "lt": "Lietuvių kalba yra kalba, kuria kalbama Lietuvoje ir kitur.",
    "sr": "Српски језик је језик који се говори у Србији и у другим земљама.",
    "en": "The weather in the city is going to be nice tomorrow, with some clouds in the evening.",
    "de": "Das Wetter in der Stadt wird morgen schön, am Abend ziehen einige Wolken auf.",
    "fr": "Demain il fera beau dans la ville, avec quelques nuages dans la soirée.",
    "es": "Mañana hará buen tiempo en la ciudad, con algunas nubes por la tarde.",
    "pt": "Amanhã o tempo estará bom na cidade, com algumas nuvens no fim da tarde.",
    "it": "Domani il tempo sarà bello in città, con qualche nuvola nella serata.",
    "nl": "Morgen wordt het mooi weer in de stad, met wat wolken in de avond.",
    "sv": "I morgon blir det fint väder i staden, med några moln på kvällen.",
    "da": "I morgen bliver det fint vejr i byen, med nogle skyer om aftenen.",
    "no": "I morgen blir det fint vær i byen, med noen skyer utover kvelden.",
    "fi": "Huomenna kaupungissa on kaunis sää, mutta illalla voi olla pilviä ja myös sadetta.",
    "pl": "Jutro w mieście będzie ładna pogoda, a wieczorem pojawi się kilka chmur.",
    "cs": "Zítra bude ve městě hezké počasí a večer se objeví několik mraků.",
    "hu": "Holnap szép idő lesz a városban, este pedig megjelenik néhány felhő is.",
    "ro": "Mâine vremea va fi frumoasă în oraș, cu câțiva nori în cursul serii.",
    "tr": "Yarın şehirde hava güzel olacak ve akşam saatlerinde birkaç bulut görülecek.",
    "id": "Besok cuaca di kota akan cerah dengan beberapa awan pada malam hari.",
    "vi": "Ngày mai thời tiết trong thành phố sẽ đẹp, có một vài đám mây vào buổi tối.",
    "ru": "Завтра в городе будет хорошая погода, а вечером появится несколько облаков.",
    "uk": "Завтра в місті буде гарна погода, а ввечері з'явиться кілька хмар.",
    "bg": "Утре времето в града ще бъде хубаво, а вечерта ще се появят няколко облака.",
    "ar": "غدا سيكون الطقس جميلا في المدينة مع بعض الغيوم في المساء.",
    "fa": "فردا هوا در شهر خوب خواهد بود و عصر چند ابر در آسمان دیده می شود.",
    "hi": "कल शहर में मौसम अच्छा रहेगा और शाम को कुछ बादल छाए रहेंगे।",
    "zh": "明天城里天气很好，晚上会有一些云。",
    "ja": "明日は街の天気が良く、夕方には少し雲が出るでしょう。",
    "ko": "내일 도시의 날씨는 맑고 저녁에는 구름이 조금 끼겠습니다.",
    "el": "Αύριο ο καιρός στην πόλη θα είναι καλός, με λίγα σύννεφα το βράδυ.",
    "he": "מחר מזג האוויר בעיר יהיה נאה, עם כמה עננים בערב.",
    "th": "พรุ่งนี้อากาศในเมืองจะดี และมีเมฆบ้างในตอนเย็น",
}


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_one_sentence_tells(code: str) -> None:
    found = identify(SENTENCES[code])
    assert found is not None
    assert found.code == code
    assert 0 < found.share <= 1


def test_the_tables_agree() -> None:
    assert set(STOP_WORDS) <= LANGUAGES
    assert set(LETTERS) <= set(STOP_WORDS)
    assert set(SENTENCES) <= LANGUAGES


@pytest.mark.parametrize(
    "text",
    ["", "42", "Rome", "Paris, London", "x = y + z", "1 2 3 4 5", "Bill Gates Steve Jobs Alan Turing",
     "wszystko Привет γειά שלום", "ⴰⴱⴳⴷ ⴰⴱⴳⴷ ⴰⴱⴳⴷ ⴰⴱⴳⴷ"],
)  # fmt: skip
def test_too_little_is_no_language(text: str) -> None:
    assert identify(text) is None


@pytest.mark.parametrize(
    "text",
    ["Kiswahili ni lugha ya watu wa Afrika Mashariki na ni lugha nzuri.",
     "اردو ایک زبان ہے جو پاکستان میں بولی جاتی ہے اور یہ خوبصورت ہے۔"],
)  # fmt: skip
def test_a_language_without_a_list_is_not_taken_for_another(text: str) -> None:
    assert identify(text) is None


def test_code_and_addresses_are_in_no_language() -> None:
    text = "Das ist der Weg:\n```python\nfor x in the_list: is_not(x) or that and this\n```\nund nicht der hier."
    found = identify(text)
    assert found is not None
    assert found.code == "de"
    assert prose("see `the` https://a.b/the/of <b>ok</b>").split() == ["see", "ok"]


def test_kana_make_japanese_of_chinese_characters() -> None:
    found = identify("東京都天気予報")
    assert found is not None
    assert found.code == "zh"
    found = identify("東京の天気はどうですか")
    assert found is not None
    assert found.code == "ja"


def test_a_foreign_name_does_not_change_the_language() -> None:
    found = identify("The word Привет is what they say in the city of Moscow when they meet.")
    assert found is not None
    assert found.code == "en"


def test_random_letters_are_no_language() -> None:
    draw = random.Random(5)
    for _ in range(50):
        words = ["".join(draw.choices("bcdfghjklmnpqrtvwxz", k=6)) for _ in range(30)]
        assert identify(" ".join(words)) is None


def test_sentences_end_with_their_marks_or_lines() -> None:
    assert sentences('One. "Two!" Three?\nfour v1.2\n\n') == [
        "One.",
        '"Two!',
        "Three?",
        "four v1.2",
    ]
    assert sentences("一。二！三") == ["一。", "二！", "三"]
