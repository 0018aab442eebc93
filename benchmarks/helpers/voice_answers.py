"""Answers of a chat, as they are spoken: plain, with a long first sentence, lists, numbers."""

from typing import Final, NamedTuple

__all__ = ["ANSWERS", "Answer"]


class Answer(NamedTuple):
    """One answer."""

    language: str
    text: str


ANSWERS: Final[dict[str, list[Answer]]] = {
    "prose": [
        Answer(
            "en",
            "A lighthouse works because of its lens. The lamp itself is not very bright, but rings "
            "of glass around it bend the light into one narrow beam. As the lens turns, the beam "
            "sweeps over the sea, and a ship sees a flash. Every lighthouse has its own rhythm. "
            "Sailors look it up in a book, and so they know which one they are passing.",
        ),
        Answer(
            "en",
            "Yes, you can freeze bread. Slice it first, wrap it well and squeeze the air out. It "
            "keeps for about three months. When you want some, put the slices straight into the "
            "toaster. They taste nearly as good as fresh ones, and nothing goes to waste.",
        ),
        Answer(
            "de",
            "Bienen sprechen miteinander, indem sie tanzen. Findet eine von ihnen eine Wiese mit "
            "vielen Blüten, fliegt sie zum Stock zurück und läuft dort eine Acht. Die Richtung "
            "verrät, wohin die anderen fliegen sollen. Je schneller sie tanzt, desto näher ist das "
            "Futter. Die anderen fühlen im Dunkeln mit und machen sich dann auf den Weg.",
        ),
        Answer(
            "es",
            "El corcho se saca de la corteza de un árbol. Los obreros la cortan con un hacha "
            "pequeña y la separan con mucho cuidado, porque el tronco no debe sufrir. Después el "
            "árbol descansa nueve años y vuelve a crecer su abrigo. Un buen alcornoque da corcho "
            "durante más de un siglo.",
        ),
        Answer(
            "fr",
            "Le sel de mer vient du soleil. On laisse entrer l'eau dans de grands bassins, puis on "
            "attend que la chaleur et le vent la fassent disparaître. Une croûte blanche se forme "
            "au fond. Le soir, les paludiers la ramassent avec un long râteau de bois. La fleur de "
            "sel, plus fine, flotte à la surface.",
        ),
        Answer(
            "zh",
            "潮水每天涨落两次，这主要是月亮的缘故。月亮吸引海水，使靠近它的一面鼓起来。地球的另一面也会鼓起，"
            "因为那里受到的引力比较小。地球转动的时候，海岸就轮流经过这两处。所以渔民出海以前，总要先看一看潮汐表。",
        ),
        Answer(
            "ja",
            "虹は雨上がりの空に見えます。太陽の光が水の粒に入ると、曲がっていろいろな色に分かれます。"
            "そのため、太陽を背にして立つと、色の輪が見えるのです。地面があるので、ふつうは半分しか見えません。"
            "飛行機からは、丸い虹が見えることもあります。",
        ),
    ],
    "long first": [
        Answer(
            "en",
            "The short answer to the question of why old windows in churches are often thicker at "
            "the bottom than at the top is that the people who made them could not roll glass "
            "evenly and usually set the heavier edge below where it stood more safely in its frame "
            "of lead. Glass does not flow. It only looks as if it had.",
        ),
        Answer(
            "en",
            "What most people who move from a small town to a big one find hardest in the first "
            "few weeks is not the noise or the crowds or the price of a room but the fact that "
            "nobody whom they meet on the stairs in the morning says a single word to them. It "
            "passes. Most make friends within the year.",
        ),
        Answer(
            "de",
            "Der wichtigste Grund für den Erfolg der kleinen Bäckerei an der Ecke gegenüber dem "
            "alten Bahnhof ist nach Meinung aller Nachbarn der ungewöhnlich lange Schlaf des "
            "Teigs in einem kühlen Keller unter dem Haus. Der Geschmack kommt mit der Zeit. Eile "
            "schadet.",
        ),
        Answer(
            "es",
            "La razón principal por la que los gatos de las islas pequeñas suelen vivir en grupos "
            "mucho más grandes que los del interior es la abundancia de restos de pescado en los "
            "puertos durante casi todo el año. La comida los reúne. El frío no tanto.",
        ),
        Answer(
            "fr",
            "La raison pour laquelle tant de vieux ponts de pierre ont résisté aux crues pendant "
            "des siècles sans entretien particulier tient surtout à la forme des piles que les "
            "maçons taillaient en pointe face au courant. L'eau glisse. La pierre reste.",
        ),
        Answer(
            "zh",
            "很多人以为沙漠里最危险的事情是白天的炎热但是真正在那里生活过的人会告诉你夜里的寒冷和突然的洪水更加可怕。"
            "要带厚衣服。不要在河床里过夜。",
        ),
    ],
    "list": [
        Answer(
            "en",
            "- two cups of flour\n- one spoon of baking soda\n- a pinch of salt\n- half a cup of "
            "melted butter\n- three ripe bananas\n- a handful of walnuts\n- a little vanilla",
        ),
        Answer(
            "en",
            "# Before you leave\n\n1. close the windows\n2. turn off the water\n3. empty the "
            "fridge\n4. give the keys to the **neighbour**\n5. water the plants\n6. lock the door",
        ),
        Answer(
            "en",
            "Here is what to pack:\n\n* **Clothes** for rain and for sun\n* a [map](https://"
            "maps.example/north_coast) of the coast\n* something to read\n* a warm hat\n"
            "* good shoes",
        ),
        Answer(
            "de",
            "- ein Kilo Kartoffeln\n- zwei große Zwiebeln\n- etwas Muskat\n- ein halber Liter "
            "Sahne\n- geriebener Käse\n- ein wenig Butter für die Form",
        ),
        Answer(
            "es",
            "Lo que falta por hacer:\n\n- pintar la puerta del jardín\n- arreglar el grifo\n- "
            "llamar al carpintero\n- comprar bombillas\n- limpiar el trastero",
        ),
        Answer(
            "fr",
            "## Au marché\n\n- une botte de radis\n- deux fromages de chèvre\n- des abricots bien "
            "mûrs\n- un pain de campagne\n- du miel de lavande",
        ),
        Answer(
            "zh",
            "- 两个鸡蛋\n- 一小块姜\n- 半杯热水\n- 三根小葱\n- 一勺酱油\n- 少许白糖\n- 一碗米饭",
        ),
    ],
    "numbers": [
        Answer(
            "en",
            "The tower is 184.5 m high and was opened on May 5, 1931 at 9 a.m. by Dr. J. K. Hale. "
            "Some 12,400 people, i.e. about 35 % of the town, came to see it. A ticket cost $1.50 "
            "then, as much as a good meal. Today it is $24, or $19.20 for groups of 10 or more.",
        ),
        Answer(
            "en",
            "Mr. Lowell's train leaves at 7:42 p.m. from platform 3. Change at St. Ives, where you "
            "have 14 min. The second one arrives at 10:05 p.m., approx. 2.5 hours later. Call "
            "+44 1632 960 123 if it is late, e.g. because of snow.",
        ),
        Answer(
            "de",
            "Am 3. Oktober 1890 kaufte Dr. A. Brandt das Haus Nr. 17 für 12.500 Mark, d. h. etwa "
            "ein Drittel des üblichen Preises. Es hat ca. 240 m² Fläche, z. B. eine Küche von "
            "32 m². Heute zahlt man dort rund 14,80 € pro Quadratmeter im Monat.",
        ),
        Answer(
            "es",
            "El Sr. Ortega pagó 1.250,75 euros el 14 de marzo de 2019, es decir, un 8 % menos que "
            "la Sra. Vidal. El coche tenía 45.000 km y gastaba unos 5,4 litros. En la pág. 12 del "
            "contrato se habla de 36 meses de garantía.",
        ),
        Answer(
            "fr",
            "Le 21 juin 1905, M. Perrin a parcouru 312,5 km en 4 h 20, soit environ 72 km/h. La "
            "course coûtait 25 francs, c'est-à-dire 3 % d'un bon salaire. Le vainqueur a reçu "
            "10 000 francs et une montre.",
        ),
        Answer(
            "zh",
            "这座桥长1,250.5米，于1968年9月30日上午9:30通车。总投资约2.8亿元，比原计划多了15%。"
            "现在每天有80,000多辆车经过，其中30%是卡车。",
        ),
    ],
}
"""By kind."""
