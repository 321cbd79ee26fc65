"""The commonest small words of some languages, by ISO 639-1 code, to tell languages apart by."""

# ruff: noqa: RUF001 - other scripts and typographic quotes are the matter here

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["LETTERS", "STOP_WORDS"]

STOP_WORDS: Mapping[str, frozenset[str]] = {
    code: frozenset(words.split())
    for code, words in {
        "en": """the of and to a in is it that for was on are with as be at by this have from or not but what all were we
            when your can there an which their if will would has had been they you i he she his her my me do does how
            who so than then its about into more these those could should because just also our us out up no""",
        "de": """der die das und ist nicht ein eine einen einem einer zu den dem des mit auf für von im in sich auch es an
            werden wird aus er hat haben dass sie nach bei um noch wie über so zum zur kann ich wir ihr mein oder aber nur
            sind war waren wenn was durch als vor diese dieser dieses man mehr bitte ja nein kein keine bin du mich mir
            dir uns euch ihre sein seine seinen unter gegen ohne schon sehr wo wer warum""",
        "fr": """le la les de des du un une et est en que qui dans pour pas sur au aux ce cette ces il elle ils elles on nous
            vous je tu ne se sa son ses leur par plus avec sont était être avoir mais ou où comme tout fait été aussi
            même si y à a ont bien sans peut entre donc très mon ma mes votre vos notre nos c'est j'ai d'un d'une n'est
            qu'il l'on quoi quel quelle cela chez""",
        "es": """el la los las de del un una unos unas y es en que por para con no se lo su sus al como más pero fue ser este
            esta estos estas son era muy ya también hay qué cuando sin sobre entre todo todos porque yo tú él ella
            nosotros me te le les mi tu nos ha han puede está están desde hasta donde quien o cómo eso esto si sólo
            solo cada así usted gracias""",
        "pt": """o a os as de do da dos das um uma uns umas e é em que por para com não se no na nos nas ao à mais mas foi
            ser este esta isso são era muito já também há quando sem sobre entre todo todos porque eu você ele ela nós
            me te lhe seu sua seus suas meu minha tem têm pode está estão desde até onde quem ou como isto só cada pelo
            pela pelos pelas num numa às""",
        "it": """il lo la i gli le di del della dei delle dello degli un uno una e è in che per con non si su al alla ai alle
            dal dalla nel nella nei nelle come più ma fu essere questo questa questi queste sono era molto già anche c'è
            quando senza tra fra tutto tutti perché io tu lui lei noi voi loro mi ti ci vi suo sua suoi ha hanno può
            stato dove chi o cosa così se sul sulla ed l'ho dell'""",
        "nl": """de het een en van is in dat die op te zijn niet voor met aan er om ook als bij maar dan nog naar uit door
            over wordt werd heeft hebben ze hij zij ik je jij wij we u mijn uw hun haar was waren kan kunnen wat wie
            waar hoe of geen meer deze dit tot zou al zich tegen onder omdat worden veel moet daar hier""",
        "sv": """och att det som en ett är i på för av med den till inte har de var om men från jag du han hon vi ni så kan
            när ska skulle eller också efter vid mycket bara hur vad där här mot utan under över detta denna dessa min
            din sin mig dig sig oss något någon alla finns blir blev varit inom mellan några något morgon
            kommer igen mycket bra""",
        "da": """og at det som en et er i på for af med den til ikke har de var om men fra jeg du han hun vi så kan når skal
            skulle eller også efter ved meget kun hvordan hvad der her mod uden under over dette denne disse min din
            sin mig dig sig os noget nogen alle bliver blev været mellem hvor hvis blive""",
        "no": """og å det som en et er i på for av med den til ikke har de var om men fra jeg du han hun vi så kan når skal
            skulle eller også etter ved mye bare hvordan hva der her mot uten under over dette denne disse min din sin
            meg deg seg oss noe noen alle blir ble vært mellom hvor hvis å bli""",
        "fi": """ja on ei se että hän oli ovat mutta kun niin kuin myös jos tai joka mitä mikä olen olet me te he minä sinä
            tämä nämä nyt vain sen hänen ole olla ollut voi sekä kaikki mukaan jälkeen ennen kanssa vielä jo eivät en
            miten missä siitä siinä tässä sitten koska""",
        "pl": """i w na z do nie się jest to że o jak co po za od ale dla czy są tak przez przy był była było być może ma
            tym tego ten ta te jego jej ich już tylko oraz który która które lub ze ja ty on ona my wy gdy kiedy gdzie
            bardzo mnie mi ci nas was pod nad bez także więc ponieważ""",
        "cs": """a je v na se to že s z do o i jako pro ale by za po jsou od ve k tak který která které nebo už byl byla
            bylo být může má jen jeho její jejich také podle při jsem jsi jsme co jak kde když aby tento tato toto
            mezi bez velmi než protože více""",
        "hu": """a az és hogy nem is egy van ez volt de csak meg mint ha már azt vagy még kell ki el lehet minden én te ő mi
            ti ők ezt az így úgy sem nagyon akkor amely aki ami hogyan mert után szerint között fel le be több nincs
            voltak lesz ezek azok""",
        "ro": """și de în la nu este o un cu că pe din a ce se mai pentru sunt care au fost prin dar sau când dacă până sa
            său lui ei eu tu el ea noi voi acest această aceste fi fie le îi îl îmi ai am are al ale cel cea cei unde
            cum foarte după fără între doar""",
        "tr": """ve bir bu da de için ile çok ne gibi daha en o var olarak ama kadar değil mi mı her şey sonra ben sen biz
            siz onlar olan oldu olduğu ise ki veya ya hem nasıl neden nerede bana sana ona bunu şu tüm göre yok diye
            ancak olacak iyi bazı tarafından üzerinde ederim""",
        "id": """yang dan di ini itu dengan untuk tidak dari dalam pada adalah akan ke juga saya kami kita mereka dia anda
            bisa dapat oleh atau karena ada sebagai sudah telah lebih seperti jika hanya para tersebut saat apa
            bagaimana bukan belum kepada antara""",
        "vi": """và của là có không được cho một các những trong với này đó để người khi đã sẽ tôi bạn anh chị chúng ta như
            từ đến ra vào cũng nhưng hay hoặc vì nếu thì mà ở về gì nào rất nhiều trên theo""",
        "ru": """и в не на я что он с как это по но из у к за то же а от о так для все она был была было были быть его ее её
            их мы вы ты они бы только или если еще ещё уже при до когда чтобы где кто может есть нет также который
            которая которые этот эта эти очень мне меня вас нас
            будет будут можно нужно этого него себя даже через после перед между""",
        "uk": """і в не на я що він з як це по але із у до за то ж а від о так для всі вона був була було були бути його її
            їх ми ви ти вони би б тільки або якщо ще вже при коли щоб де хто може є немає також який яка які цей ця ці
            дуже мені мене вас нас та й буде будуть можна
            треба цього нього себе навіть через після перед між""",
        "bg": """и в не на аз че той с как това по но от у към за се да е са а до така всички тя беше бяха бъде му му ѝ им
            ние вие ти те би само или ако още вече при когато къде кой може има няма също който която които този тази
            тези много ми ме ви ни със във съм""",
        "ar": """في من على إلى أن هذا هذه التي الذي عن مع ما لا كان كانت هو هي كل بعد قبل بين أو ثم قد لم لن إن كما لكن أي
            هل كيف أنا نحن أنت هم ذلك تلك عند حيث منذ غير حتى يكون""",
        "fa": """و در به از که این را با است برای آن یک خود تا بر هم نیز شده می ما شما من او آنها باید اگر ولی یا هر چه
            چگونه شد بود بودند کرد کرده دارد دارند هستند نیست پس""",
        "hi": """और का के की है में से को यह पर एक नहीं ने हैं भी कि था थे थी हो कर लिए इस वह जो तो ही या अपने क्या मैं हम
            आप तक कैसे कुछ सकते गया बहुत""",
    }.items()
}
"""By language; words that several languages share stand with each of them."""

LETTERS: Mapping[str, str] = {
    "de": "ßäöü",
    "fr": "çèêëîïœùûàâ",
    "es": "ñ¿¡",
    "pt": "ãõ",
    "it": "ìò",
    "sv": "äö",
    "fi": "äö",
    "da": "æø",
    "no": "æø",
    "pl": "łżśćńźąę",
    "cs": "řěůžčď",
    "hu": "őű",
    "ro": "țășţ",
    "tr": "ğış",
    "vi": "ơưđạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
    "ru": "ыэё",
    "uk": "їєґі",
    "bg": "ъщ",
    "fa": "پچژگیک",
}
"""Letters that speak for a language among those that share its script."""
