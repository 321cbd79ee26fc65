"""A few sentences in many languages, none of which the costs of the estimate were fitted to."""

PROSE = {
    "english": "The ferry leaves at half past six, so we should pack tonight. Bring a warm coat, because "
    "the wind on deck is cold even in August, and leave the heavy books at home. If the crossing is "
    "rough, sit near the middle of the ship and look at the horizon.",
    "german": "Die Fähre legt um halb sieben ab, deshalb sollten wir schon heute Abend packen. Nimm eine "
    "warme Jacke mit, denn der Wind an Deck ist selbst im August kalt, und lass die schweren Bücher zu Hause.",
    "french": "Le bateau part à six heures et demie, il vaut donc mieux faire les valises ce soir. Prends un "
    "manteau chaud, car le vent est froid sur le pont, même au mois d'août, et laisse les gros livres à la maison.",
    "spanish": "El barco sale a las seis y media, así que conviene hacer las maletas esta noche. Lleva un abrigo, "
    "porque el viento en cubierta es frío incluso en agosto, y deja en casa los libros que pesan tanto.",
    "polish": "Prom odpływa o wpół do siódmej, więc powinniśmy spakować się już dziś wieczorem. Weź ciepłą kurtkę, "
    "bo wiatr na pokładzie jest zimny nawet w sierpniu, a ciężkie książki zostaw w domu.",
    "russian": "Паром отходит в половине седьмого, поэтому собрать вещи лучше сегодня вечером. Возьми тёплую "
    "куртку, потому что ветер на палубе холодный даже в августе, а тяжёлые книги оставь дома.",
    "arabic": "تغادر العبارة في السادسة والنصف، لذلك يجب أن نحزم الحقائب هذا المساء. خذ معك معطفا دافئا لأن "
    "الرياح باردة على سطح السفينة حتى في شهر أغسطس، واترك الكتب الثقيلة في البيت.",
    "hindi": "जहाज़ साढ़े छह बजे निकलता है, इसलिए हमें आज रात ही सामान बाँध लेना चाहिए। एक गरम कोट साथ ले लो, क्योंकि "
    "अगस्त में भी छत पर हवा ठंडी होती है, और भारी किताबें घर पर छोड़ दो।",
    "chinese": "渡轮六点半出发，所以我们今晚就应该收拾行李。带一件暖和的外套，因为即使在八月，甲板上的风也很冷。"
    "把重的书留在家里。如果风浪大，就坐在船的中间，看着远处的地平线。",
    "japanese": "フェリーは六時半に出るので、今夜のうちに荷造りをしておいたほうがいいです。八月でも甲板の風は冷たいので、"
    "暖かい上着を持ってきてください。重い本は家に置いていきましょう。",
    "korean": "배는 여섯 시 반에 떠나니까 오늘 밤에 짐을 싸는 것이 좋겠습니다. 팔월에도 갑판 위의 바람은 차가우니 "
    "따뜻한 외투를 가져오고, 무거운 책은 집에 두고 오세요.",
    "thai": "เรือออกตอนหกโมงครึ่ง ดังนั้นเราควรเก็บกระเป๋าคืนนี้ เอาเสื้อกันหนาวไปด้วย เพราะลมบนดาดฟ้าเย็นแม้ในเดือนสิงหาคม",
    "code": "def crossing(tickets: list[Ticket], *, limit: int = 40) -> dict[str, int]:\n    taken: dict[str, int] = {}\n"
    "    for ticket in tickets:\n        if ticket.deck == 'upper' and taken.get(ticket.name, 0) < limit:\n"
    "            taken[ticket.name] = taken.get(ticket.name, 0) + 1\n    return taken\n",
    "json": '{"ferry": {"name": "Halcyon", "leaves": "06:30", "decks": [{"id": 1, "seats": 120}, {"id": 2, "seats": 84}]}, '
    '"weather": {"wind_ms": 11.5, "waves_m": 1.8}, "open": true}',
}
