"""What symbols, units and short forms are read as, by language.

Each line is a symbol and the words that are said for it. A language without a list of its own
has the English one: what counts is how long the words are.
"""

import functools
from collections.abc import Mapping
from typing import Final

from andes_client.languages import language

__all__ = ["short_forms", "signs", "units"]

# Between digits: "point" in "3.5", "comma" in "3,5", "colon" in "12:30", "minus" in "10-15". In an
# address: "dot", "dash", "www".
_SIGNS: Final = {
    "en": "% percent|‰ per mille|° degrees|& and|+ plus|= equals|@ at|$ dollars|€ euros|£ pounds|"
    "¥ yen|₹ rupees|# number|§ section|× times|÷ divided by|± plus minus|< less than|"
    "> greater than|point point|comma|colon|minus dash|/ slash|dot dot|dash dash|"
    "www doubleudoubleudoubleu",
    "de": "% Prozent|‰ Promille|° Grad|& und|+ plus|= gleich|@ ät|$ Dollar|€ Euro|£ Pfund|¥ Yen|"
    "₹ Rupien|# Nummer|§ Paragraf|× mal|÷ geteilt durch|± plus minus|< kleiner als|"
    "> größer als|point Punkt|comma Komma|colon Uhr|minus Strich|/|dot Punkt|dash Strich|"
    "www wehwehweh",
    "fr": "% pour cent|‰ pour mille|° degrés|& et|+ plus|= égale|@ arobase|$ dollars|€ euros|"
    "£ livres|¥ yens|₹ roupies|# dièse|§ paragraphe|× fois|÷ divisé par|± plus ou moins|"
    "< inférieur à|> supérieur à|point point|comma virgule|colon heures|minus|/|dot point|"
    "dash tiret|www doublevédoublevédoublevé",
    "es": "% por ciento|‰ por mil|° grados|& y|+ más|= igual a|@ arroba|$ dólares|€ euros|"
    "£ libras|¥ yenes|₹ rupias|# número|§ párrafo|× por|÷ entre|± más menos|< menor que|"
    "> mayor que|point punto|comma coma|colon|minus|/ barra|dot punto|dash guion|"
    "www uvedobleuvedobleuvedoble",
    "it": "% per cento|‰ per mille|° gradi|& e|+ più|= uguale|@ chiocciola|$ dollari|€ euro|"
    "£ sterline|¥ yen|₹ rupie|# numero|§ paragrafo|× per|÷ diviso|± più o meno|< minore di|"
    "> maggiore di|point punto|comma virgola|colon e|minus|/ barra|dot punto|dash trattino|"
    "www vuvuvu",
    "pt": "% por cento|‰ por mil|° graus|& e|+ mais|= igual a|@ arroba|$ dólares|€ euros|"
    "£ libras|¥ ienes|₹ rupias|# número|§ parágrafo|× vezes|÷ dividido por|± mais ou menos|"
    "< menor que|> maior que|point|comma vírgula|colon|minus|/ barra|dot ponto|dash hífen|"
    "www dabliudabliudabliu",
    "nl": "% procent|‰ promille|° graden|& en|+ plus|= is gelijk aan|@ apenstaartje|$ dollar|"
    "€ euro|£ pond|¥ yen|₹ roepie|# nummer|§ paragraaf|× keer|÷ gedeeld door|± plus min|"
    "< kleiner dan|> groter dan|point punt|comma komma|colon uur|minus|/ schuine streep|"
    "dot punt|dash streepje|www weeweewee",
    "pl": "% procent|‰ promil|° stopni|& i|+ plus|= równa się|@ małpa|$ dolarów|€ euro|£ funtów|"
    "¥ jenów|₹ rupii|# numer|§ paragraf|× razy|÷ podzielić przez|± plus minus|"
    "< mniejsze niż|> większe niż|point|comma przecinek|colon|minus|/ ukośnik|dot kropka|"
    "dash myślnik|www wuwuwu",
    "ru": "% процентов|‰ промилле|° градусов|& и|+ плюс|= равно|@ собака|$ долларов|€ евро|"
    "£ фунтов|¥ иен|₹ рупий|₽ рублей|# номер|№ номер|§ параграф|× умножить на|÷ делить на|"
    "± плюс минус|< меньше|> больше|point точка|comma и десятых|colon|minus|/|dot точка|"
    "dash дефис|www вевеве",
    "uk": "% відсотків|‰ проміле|° градусів|& і|+ плюс|= дорівнює|@ равлик|$ доларів|€ євро|"
    "£ фунтів|¥ єн|₴ гривень|# номер|№ номер|§ параграф|× помножити на|÷ поділити на|"
    "± плюс мінус|< менше|> більше|point крапка|comma і десятих|colon|minus|/|dot крапка|"
    "dash дефіс|www вевеве",
    "tr": "% yüzde|‰ binde|° derece|& ve|+ artı|= eşittir|@ et|$ dolar|€ avro|£ sterlin|¥ yen|"
    "₹ rupi|₺ lira|# numara|§ paragraf|× çarpı|÷ bölü|± artı eksi|< küçüktür|> büyüktür|"
    "point nokta|comma virgül|colon|minus|/ bölü|dot nokta|dash tire|www veveve",
    "hi": "% प्रतिशत|° डिग्री|& और|+ प्लस|= बराबर|@ ऐट|$ डॉलर|€ यूरो|£ पाउंड|¥ येन|₹ रुपये|"
    "# नंबर|× गुणा|÷ भाग|± प्लस माइनस|< से कम|> से ज़्यादा|point दशमलव|comma|colon|minus|"
    "/ बटा|dot डॉट|dash डैश|www डब्ल्यू डब्ल्यू डब्ल्यू",
    "zh": "% 百分之|‰ 千分之|° 度|℃ 摄氏度|& 和|+ 加|= 等于|@ 艾特|$ 美元|€ 欧元|£ 英镑|¥ 元|"
    "￥ 元|# 井号|× 乘以|÷ 除以|± 正负|< 小于|> 大于|point 点|comma|colon 点|minus 到|"
    "/ 斜杠|dot 点|dash 横杠|www 三达不溜",
    "ja": "% パーセント|° 度|℃ 度|& アンド|+ プラス|= イコール|@ アット|$ ドル|€ ユーロ|£ ポンド|"
    "¥ 円|￥ 円|# シャープ|× かける|÷ わる|± プラスマイナス|point 点|comma|colon 時|"
    "minus から|/ スラッシュ|dot ドット|dash ハイフン|www ダブリュダブリュダブリュ",
    "ko": "% 퍼센트|° 도|℃ 도|& 그리고|+ 더하기|= 는|@ 골뱅이|$ 달러|€ 유로|£ 파운드|¥ 엔|₩ 원|"
    "# 번호|× 곱하기|÷ 나누기|± 플러스마이너스|point 점|comma|colon 시|minus 에서|/ 슬래시|"
    "dot 점|dash 대시|www 더블유더블유더블유",
    "ar": "% بالمئة|٪ بالمئة|° درجة|& و|+ زائد|= يساوي|@ آت|$ دولار|€ يورو|£ جنيه|¥ ين|# رقم|"
    "× ضرب|÷ على|± زائد ناقص|point فاصلة|comma فاصلة|colon و|minus إلى|/ على|dot نقطة|"
    "dash شرطة|www دبليودبليودبليو",
}

_UNITS: Final = {
    "en": "km kilometres|m metres|cm centimetres|mm millimetres|kg kilograms|g grams|"
    "mg milligrams|t tons|l litres|ml millilitres|h hours|min minutes|s seconds|"
    "ms milliseconds|C Celsius|F Fahrenheit|GB gigabytes|MB megabytes|KB kilobytes|"
    "TB terabytes|kWh kilowatt hours|kW kilowatts|W watts|Hz hertz|GHz gigahertz|"
    "MHz megahertz|mph miles per hour|ft feet|lb pounds|lbs pounds|oz ounces|h hours|"
    "m² square metres|km² square kilometres|m³ cubic metres|per per",
    "de": "km Kilometer|m Meter|cm Zentimeter|mm Millimeter|kg Kilogramm|g Gramm|mg Milligramm|"
    "t Tonnen|l Liter|ml Milliliter|h Stunde|min Minuten|s Sekunden|C Celsius|GB Gigabyte|"
    "MB Megabyte|TB Terabyte|kWh Kilowattstunden|kW Kilowatt|W Watt|m² Quadratmeter|"
    "km² Quadratkilometer|per pro",
    "fr": "km kilomètres|m mètres|cm centimètres|mm millimètres|kg kilogrammes|g grammes|"
    "mg milligrammes|t tonnes|l litres|ml millilitres|h heures|min minutes|s secondes|"
    "C Celsius|Go gigaoctets|Mo mégaoctets|kWh kilowattheures|m² mètres carrés|"
    "km² kilomètres carrés|per par",
    "es": "km kilómetros|m metros|cm centímetros|mm milímetros|kg kilogramos|g gramos|"
    "mg miligramos|t toneladas|l litros|ml mililitros|h horas|min minutos|s segundos|"
    "C Celsius|GB gigabytes|MB megabytes|kWh kilovatios hora|m² metros cuadrados|"
    "km² kilómetros cuadrados|per por",
    "it": "km chilometri|m metri|cm centimetri|mm millimetri|kg chilogrammi|g grammi|"
    "mg milligrammi|t tonnellate|l litri|ml millilitri|h ore|min minuti|s secondi|"
    "C Celsius|GB gigabyte|MB megabyte|kWh chilowattora|m² metri quadrati|"
    "km² chilometri quadrati|per all",
    "pt": "km quilômetros|m metros|cm centímetros|mm milímetros|kg quilogramas|g gramas|"
    "mg miligramas|t toneladas|l litros|ml mililitros|h horas|min minutos|s segundos|"
    "C Celsius|GB gigabytes|MB megabytes|kWh quilowatts hora|m² metros quadrados|per por",
    "nl": "km kilometer|m meter|cm centimeter|mm millimeter|kg kilogram|g gram|l liter|"
    "ml milliliter|h uur|min minuten|C Celsius|GB gigabyte|MB megabyte|kWh kilowattuur|"
    "m² vierkante meter|per per",
    "pl": "km kilometrów|m metrów|cm centymetrów|mm milimetrów|kg kilogramów|g gramów|l litrów|"
    "ml mililitrów|h godzin|min minut|C Celsjusza|GB gigabajtów|MB megabajtów|"
    "kWh kilowatogodzin|m² metrów kwadratowych|per na",
    "ru": "км километров|м метров|см сантиметров|мм миллиметров|кг килограммов|г граммов|"
    "л литров|мл миллилитров|ч часов|мин минут|C Цельсия|ГБ гигабайт|МБ мегабайт|per в",
    "uk": "км кілометрів|м метрів|см сантиметрів|мм міліметрів|кг кілограмів|г грамів|л літрів|"
    "мл мілілітрів|год годин|хв хвилин|C Цельсія|per на",
    "tr": "km kilometre|m metre|cm santimetre|mm milimetre|kg kilogram|g gram|l litre|"
    "ml mililitre|C santigrat|GB gigabayt|MB megabayt|m² metrekare|per bölü",
    "zh": "km 公里|m 米|cm 厘米|mm 毫米|kg 公斤|g 克|l 升|ml 毫升|C 摄氏度|h 小时|per 每",
    "ja": "km キロメートル|m メートル|cm センチメートル|mm ミリ|kg キログラム|g グラム|"
    "ml ミリリットル|C 度|per 毎",
    "ko": "km 킬로미터|m 미터|cm 센티미터|mm 밀리미터|kg 킬로그램|g 그램|ml 밀리리터|C 도|per 퍼",
    "hi": "km किलोमीटर|kg किलोग्राम|m मीटर|cm सेंटीमीटर|g ग्राम|C सेल्सियस|किमी किलोमीटर|"
    "किग्रा किलोग्राम|per प्रति",
}

_SHORT: Final = {
    "en": "dr doctor|mr mister|mrs missis|ms miz|prof professor|st saint|vs versus|etc et cetera|"
    "e.g for example|i.e that is|fig figure|vol volume|approx approximately|"
    "jan january|feb february|mar march|apr april|aug august|sep september|sept september|"
    "oct october|nov november|dec december|a.m ay em|p.m pee em",
    "de": "dr doktor|hr herr|fr frau|prof professor|nr nummer|str straße|z.b zum beispiel|"
    "d.h das heißt|u.a unter anderem|usw und so weiter|bzw beziehungsweise|ca circa|"
    "vgl vergleiche|evtl eventuell|ggf gegebenenfalls|inkl inklusive|abb abbildung|s seite|"
    "tel telefon|v.chr vor christus|n.chr nach christus|mio millionen|mrd milliarden",
    "fr": "m monsieur|mme madame|mlle mademoiselle|dr docteur|etc et cetera|p.ex par exemple|"
    "c.-à-d c'est à dire|env environ|av avant|n° numéro|mm messieurs|st saint|ste sainte|"
    "tél téléphone",
    "es": "sr señor|sra señora|srta señorita|dr doctor|dra doctora|ud usted|uds ustedes|"
    "etc etcétera|p.ej por ejemplo|núm número|pág página|tel teléfono|"
    "aprox aproximadamente|av avenida",
    "it": "sig signor|dott dottor|prof professor|ecc eccetera|es esempio|ad.es ad esempio|"
    "n numero|pag pagina|tel telefono|ca circa|art articolo",
    "pt": "sr senhor|sra senhora|dr doutor|dra doutora|etc et cetera|p.ex por exemplo|pág página|"
    "núm número|tel telefone|av avenida|aprox aproximadamente",
    "nl": "dhr de heer|mevr mevrouw|dr dokter|bijv bijvoorbeeld|enz enzovoort|nr nummer|"
    "blz bladzijde|ca circa|d.w.z dat wil zeggen|o.a onder andere|m.a.w met andere woorden",
    "pl": "dr doktor|np na przykład|itd i tak dalej|itp i tym podobne|tzn to znaczy|"
    "tzw tak zwany|ul ulica|ok około|r roku|godz godzina|nr numer|prof profesor|"
    "inż inżynier|str strona|tys tysięcy|mln milionów|mld miliardów|zł złotych",
    "ru": "г года|гг годов|ул улица|т.е то есть|т.д так далее|т.п тому подобное|др другие|и.о ио|"
    "тыс тысяч|млн миллионов|млрд миллиардов|руб рублей|стр страница|см смотри|им имени|"
    "напр например|тел телефон|проф профессор|д-р доктор",
    "uk": "р року|рр років|вул вулиця|тис тисяч|млн мільйонів|млрд мільярдів|грн гривень|"
    "напр наприклад|тел телефон|проф професор|див дивись|с сторінка",
    "tr": "dr doktor|prof profesör|vb ve benzeri|vs vesaire|örn örneğin|bkz bakınız|no numara|"
    "cad cadde|sok sokak|tl lira|yy yüzyıl",
    "hi": "डॉ डॉक्टर|श्री श्री|प्रो प्रोफ़ेसर|रु रुपये",
}


def _table(lists: Mapping[str, str], code: str) -> Mapping[str, str]:
    short = language(code).code
    text = lists.get(short, lists["en"])
    return dict(line.partition(" ")[::2] for line in text.split("|"))


@functools.cache
def signs(code: str) -> Mapping[str, str]:
    """Symbols, and what is said for them; the empty string if nothing is."""
    return _table(_SIGNS, code)


@functools.cache
def units(code: str) -> Mapping[str, str]:
    """Units of measurement as they are written after a number, and their words."""
    return _table(_UNITS, code)


@functools.cache
def short_forms(code: str) -> Mapping[str, str]:
    """Words that are written short, in small letters and without their last point."""
    return _table(_SHORT, code) if language(code).code in _SHORT else {}
