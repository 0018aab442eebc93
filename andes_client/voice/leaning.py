"""Words that lean on the next one: nobody pauses behind them."""

from typing import Final

__all__ = ["LEANING"]

LEANING: Final = {
    code: frozenset(words.split())
    for code, words in {
        "en": "a an the this that these those my your his her its our their some any each every no "
        "not very more most so too as than of to in on at by for from with without about into over "
        "under between through during before after and or but nor if because while when where "
        "which who whose is are was were be been being am has have had do does did will would can "
        "could shall should may might must i you he she it we they there what how also just only "
        "mr mrs ms dr",
        "de": "der die das den dem des ein eine einen einem einer eines kein keine mein dein sein "
        "ihr unser euer dieser diese dieses diesen diesem jeder jede jedes zu zum zur in im an am "
        "auf aus bei beim mit nach seit von vom vor für durch gegen ohne um über unter zwischen "
        "hinter neben und oder aber denn dass weil wenn als ob wie wo ist sind war waren wird "
        "werden wurde hat haben hatte kann können muss soll will nicht sehr so ich du er sie es "
        "wir man",
        "fr": "le la les un une des du de d' l' au aux ce cet cette ces mon ma mes ton ta tes son "
        "sa ses notre nos votre vos leur leurs à en dans sur sous par pour avec sans chez vers "
        "entre et ou mais donc car que qui quand si comme est sont était a ont avait ne pas très "
        "plus je tu il elle on nous vous ils elles se",
        "es": "el la los las un una unos unas lo al del de a en con sin por para sobre entre desde "
        "hasta hacia según y e o u pero que si como cuando donde porque mi tu su sus nuestro este "
        "esta estos estas ese esa es son era fue está están ha han había no muy más se me te le",
        "it": "il lo la i gli le un uno una di a da in con su per tra fra del dello della dei "
        "degli delle al allo alla ai agli alle dal dalla nel nella nei sul sulla e ed o ma che se "
        "come quando dove perché è sono era ha hanno non molto più si mi ti ci questo questa",
        "pt": "o a os as um uma uns umas de do da dos das em no na nos nas por pelo pela para com "
        "sem sobre entre até e ou mas que se como quando onde porque é são era foi está ao à não "
        "muito mais meu minha seu sua este esta",
        "nl": "de het een dit dat deze die mijn jouw zijn haar ons onze hun in op aan bij met van "
        "voor naar uit over onder door tussen zonder om te en of maar want dat als omdat wanneer "
        "is was waren wordt heeft had kan moet niet zeer ik je hij zij we",
        "sv": "en ett den det de min din sin vår er denna detta i på av till från med för om under "
        "över mellan utan vid och eller men att som när är var har hade kan ska inte mycket jag du "
        "han hon vi",
        "pl": "w we z ze na do od po o u za przez dla bez pod nad przed między i a lub ale że czy "
        "gdy jeśli bo jest są był nie bardzo się ten ta to te",
        "ru": "в во на с со к ко по о об от до из за у для без под над перед между через и а но "
        "или что чтобы если когда как не ни очень это этот эта эти мой твой его её их",
        "tr": "bir bu şu o ve ile veya ama çok en her",
        "fi": "ja tai mutta että jos kun kuin on ei hyvin se tämä",
        "ar": "في من إلى على عن مع بين و أو ثم لكن أن إن ما لا لم هذا هذه",
        "hi": "और या लेकिन कि यह वह एक इस उस बहुत",
    }.items()
}
"""By language: articles, prepositions, conjunctions, pronouns before their verb."""
