"""Prose in many languages, and how many words ICU finds in it.

A scene on a market, an explanation of sleep, and for some a recipe: what a chat answers with,
from plain to learned words. The words were counted by ICU 78.2 (`Intl.Segmenter` of Node
20.20, "isWordLike"), which knows where words end in scripts that set no space between them;
`test_prose.py` counts again where there is a Node with that ICU.
"""

from typing import NamedTuple

__all__ = ["ICU", "PROSE", "Prose"]

ICU = "78.2"


class Prose(NamedTuple):
    """A text of some paragraphs."""

    words: int
    """As ICU counts them."""
    text: str


PROSE = {
    "en": Prose(
        220,
        "On Saturday morning the old market opens at seven. Farmers from the villages put up "
        "their tables, and soon the square is full of people, baskets and voices. An old woman "
        "sells apples and honey. She knows most of her customers by name and asks how their "
        "children are. Next to her a young man bakes bread in a small oven, and the smell of "
        "it reaches the church. When it rains, everybody moves closer together under the big "
        "roof and waits. At noon the bells ring, the last carrots are given away, and the "
        "tables are carried back to the cars. An hour later nothing is left but a few leaves "
        "on the stones, and the square belongs to the pigeons again.\n\n"
        "Sleep is more than a pause. While we are resting, the brain sorts the impressions of "
        "the day, keeps what is important and forgets the rest. The body repairs damaged cells "
        "and strengthens its defences against infections. People who regularly sleep less than "
        "six hours have difficulty concentrating, make more mistakes and become ill more "
        "frequently. Doctors therefore recommend going to bed at the same time every evening, "
        "avoiding bright screens during the last hour and keeping the bedroom dark and quiet. "
        "A short walk in the afternoon also helps, because natural light regulates the "
        "internal clock.",
    ),
    "de": Prose(
        211,
        "Am Samstag öffnet der alte Markt um sieben Uhr. Bauern aus den Dörfern stellen ihre "
        "Tische auf, und bald ist der Platz voll von Menschen, Körben und Stimmen. Eine alte "
        "Frau verkauft Äpfel und Honig. Sie kennt die meisten Kunden beim Namen und fragt, wie "
        "es den Kindern geht. Neben ihr backt ein junger Mann Brot in einem kleinen Ofen, und "
        "der Duft zieht bis zur Kirche. Wenn es regnet, rücken alle unter dem großen Dach "
        "näher zusammen und warten. Mittags läuten die Glocken, die letzten Möhren werden "
        "verschenkt, und die Tische wandern zurück in die Wagen. Eine Stunde später liegen nur "
        "noch ein paar Blätter auf den Steinen, und der Platz gehört wieder den Tauben.\n\n"
        "Schlaf ist mehr als eine Pause. Während wir ruhen, ordnet das Gehirn die Eindrücke "
        "des Tages, behält das Wichtige und vergisst den Rest. Der Körper repariert "
        "beschädigte Zellen und stärkt seine Abwehr gegen Infektionen. Menschen, die "
        "regelmäßig weniger als sechs Stunden schlafen, können sich schlechter konzentrieren, "
        "machen mehr Fehler und werden häufiger krank. Ärzte empfehlen deshalb, jeden Abend "
        "zur gleichen Zeit ins Bett zu gehen, in der letzten Stunde helle Bildschirme zu "
        "vermeiden und das Schlafzimmer dunkel und ruhig zu halten. Auch ein kurzer "
        "Spaziergang am Nachmittag hilft, weil natürliches Licht die innere Uhr steuert.",
    ),
    "es": Prose(
        219,
        "El sábado por la mañana el viejo mercado abre a las siete. Los campesinos de los "
        "pueblos montan sus mesas y pronto la plaza se llena de gente, cestas y voces. Una "
        "mujer mayor vende manzanas y miel. Conoce por su nombre a casi todos sus clientes y "
        "pregunta cómo están los niños. A su lado un joven hornea pan en un pequeño horno, y "
        "el olor llega hasta la iglesia. Cuando llueve, todos se juntan bajo el gran techo y "
        "esperan. A mediodía suenan las campanas, se regalan las últimas zanahorias y las "
        "mesas vuelven a los coches. Una hora más tarde solo quedan unas hojas sobre las "
        "piedras, y la plaza pertenece otra vez a las palomas.\n\n"
        "Dormir es más que una pausa. Mientras descansamos, el cerebro ordena las impresiones "
        "del día, conserva lo importante y olvida lo demás. El cuerpo repara las células "
        "dañadas y refuerza sus defensas contra las infecciones. Las personas que duermen "
        "regularmente menos de seis horas tienen dificultades para concentrarse, cometen más "
        "errores y enferman con más frecuencia. Por eso los médicos recomiendan acostarse "
        "todas las noches a la misma hora, evitar las pantallas brillantes durante la última "
        "hora y mantener el dormitorio oscuro y tranquilo. También ayuda un breve paseo por la "
        "tarde, porque la luz natural regula el reloj interno.",
    ),
    "fr": Prose(
        229,
        "Le samedi matin, le vieux marché ouvre à sept heures. Les paysans des villages "
        "installent leurs tables, et bientôt la place est pleine de gens, de paniers et de "
        "voix. Une vieille femme vend des pommes et du miel. Elle connaît presque tous ses "
        "clients par leur nom et demande comment vont les enfants. À côté d'elle, un jeune "
        "homme cuit du pain dans un petit four, et son odeur monte jusqu'à l'église. Quand il "
        "pleut, tout le monde se serre sous le grand toit et attend. À midi, les cloches "
        "sonnent, on donne les dernières carottes, et les tables retournent dans les voitures. "
        "Une heure plus tard, il ne reste que quelques feuilles sur les pierres, et la place "
        "est de nouveau aux pigeons.\n\n"
        "Le sommeil est plus qu'une pause. Pendant que nous nous reposons, le cerveau trie les "
        "impressions de la journée, garde l'essentiel et oublie le reste. Le corps répare les "
        "cellules abîmées et renforce ses défenses contre les infections. Les personnes qui "
        "dorment régulièrement moins de six heures ont des difficultés à se concentrer, "
        "commettent davantage d'erreurs et tombent plus souvent malades. Les médecins "
        "recommandent donc de se coucher chaque soir à la même heure, d'éviter les écrans "
        "lumineux pendant la dernière heure et de garder la chambre sombre et silencieuse. Une "
        "courte promenade l'après-midi aide aussi, car la lumière naturelle règle l'horloge "
        "interne.",
    ),
    "it": Prose(
        216,
        "Il sabato mattina il vecchio mercato apre alle sette. I contadini dei villaggi "
        "montano i loro tavoli e presto la piazza è piena di gente, di ceste e di voci. Una "
        "donna anziana vende mele e miele. Conosce per nome quasi tutti i suoi clienti e "
        "chiede come stanno i bambini. Accanto a lei un giovane cuoce il pane in un piccolo "
        "forno, e il profumo arriva fino alla chiesa. Quando piove, tutti si stringono sotto "
        "il grande tetto e aspettano. A mezzogiorno suonano le campane, si regalano le ultime "
        "carote e i tavoli tornano nelle macchine. Un'ora dopo restano solo poche foglie sulle "
        "pietre, e la piazza appartiene di nuovo ai piccioni.\n\n"
        "Il sonno è più di una pausa. Mentre riposiamo, il cervello riordina le impressioni "
        "della giornata, conserva ciò che è importante e dimentica il resto. Il corpo ripara "
        "le cellule danneggiate e rafforza le difese contro le infezioni. Le persone che "
        "dormono regolarmente meno di sei ore hanno difficoltà a concentrarsi, commettono più "
        "errori e si ammalano più frequentemente. Per questo i medici consigliano di andare a "
        "letto ogni sera alla stessa ora, di evitare gli schermi luminosi durante l'ultima ora "
        "e di tenere la camera buia e silenziosa. Anche una breve passeggiata nel pomeriggio "
        "aiuta, perché la luce naturale regola l'orologio interno.",
    ),
    "ru": Prose(
        184,
        "В субботу утром старый рынок открывается в семь часов. Крестьяне из деревень ставят "
        "свои столы, и скоро площадь полна людей, корзин и голосов. Старая женщина продаёт "
        "яблоки и мёд. Она знает почти всех покупателей по имени и спрашивает, как живут их "
        "дети. Рядом с ней молодой человек печёт хлеб в маленькой печи, и запах доходит до "
        "самой церкви. Когда идёт дождь, все собираются под большой крышей и ждут. В полдень "
        "звонят колокола, последнюю морковь отдают даром, и столы снова уезжают в машинах. "
        "Через час на камнях лежат только листья, и площадь опять принадлежит голубям. Вечером "
        "здесь тихо, и лишь дети играют в мяч у старого колодца.\n\n"
        "Сон — это больше, чем отдых. Пока мы спим, мозг разбирает впечатления дня, сохраняет "
        "важное и забывает остальное. Организм восстанавливает повреждённые клетки и укрепляет "
        "защиту от инфекций. Люди, которые регулярно спят меньше шести часов, хуже "
        "сосредотачиваются, делают больше ошибок и чаще болеют. Поэтому врачи советуют "
        "ложиться каждый вечер в одно и то же время, избегать ярких экранов в последний час и "
        "держать спальню тёмной и тихой. Помогает и короткая прогулка после обеда, потому что "
        "естественный свет управляет внутренними часами.",
    ),
    "uk": Prose(
        178,
        "У суботу вранці старий ринок відкривається о сьомій годині. Селяни з сіл ставлять "
        "свої столи, і скоро площа повна людей, кошиків і голосів. Стара жінка продає яблука і "
        "мед. Вона знає майже всіх покупців на ім'я і питає, як живуть їхні діти. Поруч з нею "
        "молодий чоловік пече хліб у маленькій печі, і запах доходить до самої церкви. Коли "
        "йде дощ, усі збираються під великим дахом і чекають. Опівдні дзвонять дзвони, останню "
        "моркву віддають даром, і столи знову їдуть додому. Через годину на камінні лежить "
        "тільки листя, і площа знову належить голубам. Увечері тут тихо, і лише діти грають у "
        "м'яча біля старої криниці.\n\n"
        "Сон — це більше, ніж відпочинок. Поки ми спимо, мозок упорядковує враження дня, "
        "зберігає важливе і забуває решту. Організм відновлює пошкоджені клітини та зміцнює "
        "захист від інфекцій. Люди, які регулярно сплять менше шести годин, гірше "
        "зосереджуються, роблять більше помилок і частіше хворіють. Тому лікарі радять лягати "
        "щовечора в той самий час, уникати яскравих екранів протягом останньої години та "
        "тримати спальню темною і тихою. Допомагає також коротка прогулянка після обіду, бо "
        "природне світло керує внутрішнім годинником.",
    ),
    "el": Prose(
        212,
        "Το Σάββατο το πρωί η παλιά αγορά ανοίγει στις επτά. Οι αγρότες από τα χωριά στήνουν "
        "τα τραπέζια τους και σε λίγο η πλατεία γεμίζει με κόσμο, καλάθια και φωνές. Μια γριά "
        "γυναίκα πουλάει μήλα και μέλι. Ξέρει τους πιο πολλούς πελάτες με το όνομά τους και "
        "ρωτάει πώς είναι τα παιδιά. Δίπλα της ένας νέος ψήνει ψωμί σε έναν μικρό φούρνο και η "
        "μυρωδιά φτάνει ως την εκκλησία. Όταν βρέχει, όλοι μαζεύονται κάτω από τη μεγάλη στέγη "
        "και περιμένουν. Το μεσημέρι χτυπούν οι καμπάνες, τα τελευταία καρότα χαρίζονται και "
        "τα τραπέζια γυρίζουν στα αυτοκίνητα. Μια ώρα αργότερα μένουν μόνο λίγα φύλλα πάνω "
        "στις πέτρες και η πλατεία ανήκει πάλι στα περιστέρια.\n\n"
        "Ο ύπνος είναι κάτι περισσότερο από ένα διάλειμμα. Όσο ξεκουραζόμαστε, ο εγκέφαλος "
        "ταξινομεί τις εντυπώσεις της ημέρας, κρατάει τα σημαντικά και ξεχνάει τα υπόλοιπα. Το "
        "σώμα επιδιορθώνει τα κύτταρα και ενισχύει την άμυνά του απέναντι στις λοιμώξεις. Οι "
        "άνθρωποι που κοιμούνται τακτικά λιγότερο από έξι ώρες δυσκολεύονται να συγκεντρωθούν, "
        "κάνουν περισσότερα λάθη και αρρωσταίνουν συχνότερα. Γι' αυτό οι γιατροί συνιστούν να "
        "πηγαίνουμε για ύπνο κάθε βράδυ την ίδια ώρα, να αποφεύγουμε τις φωτεινές οθόνες την "
        "τελευταία ώρα και να κρατάμε το δωμάτιο σκοτεινό και ήσυχο. Βοηθάει επίσης ένας "
        "σύντομος περίπατος το απόγευμα, γιατί το φυσικό φως ρυθμίζει το εσωτερικό ρολόι.",
    ),
    "tr": Prose(
        190,
        "Cumartesi sabahı eski pazar saat yedide açılır. Köylerden gelen çiftçiler "
        "tezgâhlarını kurar ve meydan kısa sürede insanlarla, sepetlerle ve seslerle dolar. "
        "Yaşlı bir kadın elma ve bal satar. Müşterilerinin çoğunu adıyla tanır ve onlara "
        "çocuklarını sorar. Yanında genç bir adam küçük bir fırında ekmek pişirir ve ekmeğin "
        "kokusu camiye kadar gider. Yağmur yağınca herkes büyük çatının altında birbirine "
        "yaklaşır ve bekler. Öğlen olunca son havuçlar hediye edilir ve masalar arabalara geri "
        "taşınır. Bir saat sonra taşların üstünde yalnızca birkaç yaprak kalır ve meydan yine "
        "güvercinlerin olur. Akşam burada çocuklar eski çeşmenin yanında top oynar, büyükler "
        "de çay içip onlara bakar. Sonra ışıklar söner ve herkes evine döner.\n\n"
        "Uyku bir moladan daha fazlasıdır. Biz dinlenirken beyin günün izlenimlerini düzenler, "
        "önemli olanı saklar ve gerisini unutur. Vücut zarar görmüş hücreleri onarır ve "
        "enfeksiyonlara karşı savunmasını güçlendirir. Düzenli olarak altı saatten az uyuyan "
        "insanlar dikkatlerini toplamakta zorlanır, daha fazla hata yapar ve daha sık "
        "hastalanır. Bu nedenle doktorlar her akşam aynı saatte yatmayı, son bir saatte parlak "
        "ekranlardan uzak durmayı ve yatak odasını karanlık ve sessiz tutmayı öneriyor. "
        "Öğleden sonra yapılan kısa bir yürüyüş de yardımcı olur, çünkü doğal ışık iç saati "
        "düzenler.",
    ),
    "ar": Prose(
        264,
        "في صباح السبت يفتح السوق القديم أبوابه في الساعة السابعة. يضع الفلاحون القادمون من "
        "القرى موائدهم، وبعد قليل تمتلئ الساحة بالناس والسلال والأصوات. تبيع امرأة عجوز التفاح "
        "والعسل، وهي تعرف أسماء كثير من زبائنها وتسألهم عن أحوال أولادهم. وإلى جانبها يخبز شاب "
        "الخبز في فرن صغير، وتصل رائحته إلى المسجد الكبير. وعندما ينزل المطر يجتمع الناس كلهم "
        "تحت السقف الكبير وينتظرون. وفي الظهر يوزع الباعة آخر ما بقي من الجزر، ثم تعود الموائد "
        "إلى السيارات. وبعد ساعة لا يبقى شيء غير أوراق قليلة على الحجارة، وتصبح الساحة من جديد "
        "ملكا للحمام. وفي المساء يلعب الأولاد بالكرة قرب البئر القديمة، ويجلس الكبار على "
        "المقاعد ويشربون الشاي.\n\n"
        "النوم أكثر من مجرد استراحة. فبينما نستريح يرتب الدماغ انطباعات اليوم، ويحتفظ بالمهم "
        "وينسى الباقي. ويصلح الجسم الخلايا المتضررة ويقوي دفاعاته ضد العدوى. أما الأشخاص الذين "
        "ينامون بانتظام أقل من ست ساعات فيصعب عليهم التركيز، ويرتكبون أخطاء أكثر ويمرضون "
        "كثيرا. ولذلك ينصح الأطباء بالذهاب إلى الفراش كل مساء في الوقت نفسه، وتجنب الشاشات "
        "المضيئة في الساعة الأخيرة، والحفاظ على غرفة النوم مظلمة وهادئة. ويساعد أيضا المشي "
        "القصير بعد الظهر، لأن الضوء الطبيعي ينظم الساعة الداخلية.\n\n"
        "طبخ الأرز الجيد ليس صعبا. خذ أولا كوبا من الأرز واغسله بماء نظيف مرتين أو ثلاث مرات "
        "حتى يصفو الماء. ثم ضع الأرز في القدر وأضف كوبا ونصف كوب من الماء، واتركه ربع ساعة. "
        "أشعل نارا قوية حتى يغلي الماء، ثم اجعل النار هادئة وغط القدر. اتركه على النار نحو عشر "
        "دقائق ولا ترفع الغطاء. وإذا جف الماء فأطفئ النار واترك الأرز قليلا. ثم حرك الأرز "
        "بملعقة حتى يخرج البخار. كل الأرز وهو ساخن، وإذا بقي منه شيء فضعه في البرد وكله في "
        "يومين.",
    ),
    "hi": Prose(
        236,
        "शनिवार की सुबह पुराना बाज़ार सात बजे खुलता है। गाँवों से आए किसान अपनी मेज़ें लगाते "
        "हैं और जल्दी ही चौक लोगों, टोकरियों और आवाज़ों से भर जाता है। एक बूढ़ी औरत सेब और शहद "
        "बेचती है। वह अपने बहुत से ग्राहकों को नाम से जानती है और पूछती है कि उनके बच्चे कैसे "
        "हैं। उसके पास एक जवान आदमी छोटे तंदूर में रोटी पकाता है और उसकी महक मंदिर तक पहुँचती "
        "है। जब बारिश होती है, तब सब लोग बड़ी छत के नीचे पास आ जाते हैं और इंतज़ार करते हैं। "
        "दोपहर में घंटियाँ बजती हैं, बची हुई गाजरें बाँट दी जाती हैं और मेज़ें फिर गाड़ियों "
        "में रख दी जाती हैं। एक घंटे बाद पत्थरों पर कुछ पत्तों के सिवा कुछ नहीं बचता और चौक "
        "फिर से कबूतरों का हो जाता है।\n\n"
        "नींद केवल विश्राम नहीं है। जब हम आराम करते हैं, तब मस्तिष्क दिन भर के अनुभवों को "
        "व्यवस्थित करता है, महत्वपूर्ण बातों को संभालता है और बाकी भूल जाता है। शरीर "
        "क्षतिग्रस्त कोशिकाओं की मरम्मत करता है और संक्रमण के विरुद्ध अपनी सुरक्षा मज़बूत करता "
        "है। जो लोग नियमित रूप से छह घंटे से कम सोते हैं, उन्हें ध्यान लगाने में कठिनाई होती "
        "है, वे अधिक गलतियाँ करते हैं और अक्सर बीमार पड़ते हैं। इसलिए चिकित्सक सलाह देते हैं "
        "कि हर शाम एक ही समय पर सोने जाएँ, आखिरी घंटे में चमकीली स्क्रीन से बचें और शयनकक्ष को "
        "अँधेरा और शांत रखें।",
    ),
    "ko": Prose(
        176,
        "토요일 아침 오래된 시장은 일곱 시에 문을 연다. 마을에서 온 농부들이 탁자를 펴면 "
        "광장은 곧 사람들과 바구니와 목소리로 가득 찬다. 한 할머니가 사과와 꿀을 판다. "
        "할머니는 손님들의 이름을 거의 다 알고 아이들이 잘 지내는지 물어본다. 그 옆에서는 젊은 "
        "남자가 작은 화덕에 빵을 굽고 그 냄새는 교회까지 퍼진다. 비가 오면 모두 큰 지붕 아래로 "
        "모여서 함께 기다린다. 정오가 되면 종이 울리고 남은 당근은 그냥 나누어 주고 탁자는 "
        "다시 차에 실린다. 한 시간 뒤에는 돌 위에 나뭇잎 몇 장만 남고 광장은 다시 비둘기들의 "
        "것이 된다. 저녁에는 아이들이 오래된 우물 옆에서 공을 차고 어른들은 긴 의자에 앉아 "
        "차를 마신다. 밤이 되면 불이 하나씩 꺼지고 사람들은 집으로 돌아간다.\n\n"
        "잠은 단순한 휴식 이상이다. 우리가 쉬는 동안 뇌는 하루의 인상을 정리하고 중요한 것은 "
        "간직하고 나머지는 잊어버린다. 몸은 손상된 세포를 고치고 감염에 대한 방어력을 높인다. "
        "규칙적으로 여섯 시간보다 적게 자는 사람들은 집중하기 어렵고 실수를 더 많이 하며 더 "
        "자주 병에 걸린다. 그래서 의사들은 매일 저녁 같은 시간에 잠자리에 들고 마지막 한 시간 "
        "동안 밝은 화면을 피하며 침실을 어둡고 조용하게 유지하라고 권한다. 오후에 짧게 "
        "산책하는 것도 도움이 된다. 자연의 빛이 몸속의 시계를 조절하기 때문이다.",
    ),
    "zh": Prose(
        330,
        "星期六早上，老市场七点开门。从村子里来的农民摆好桌子，不久广场上就到处是人、篮子和说话"
        "的声音。一位老太太卖苹果和蜂蜜。她知道很多客人的名字，常常问他们的孩子好不好。在她旁边"
        "，一个年轻人用小炉子烤面包，香味一直飘到教堂门口。下雨的时候，大家都站到大屋顶下面，一"
        "起等雨停。到了中午，钟声响起来，最后的胡萝卜送给别人，桌子又搬回车上。一个小时以后，石"
        "头上只剩下几片树叶，广场又是鸽子的了。晚上这里很安静，孩子们在老井旁边踢球，大人坐在长"
        "椅上喝茶，谈今天的生意。天黑了，灯一盏一盏地灭了，人们慢慢走回家。\n\n"
        "睡眠不只是休息。我们休息的时候，大脑整理一天的印象，保留重要的内容，忘记其余的部分。身"
        "体修复受损的细胞，增强对感染的抵抗力。经常睡眠不足六个小时的人很难集中注意力，会犯更多"
        "的错误，也更容易生病。因此医生建议每天晚上在同一时间上床，最后一个小时避免看明亮的屏幕"
        "，保持卧室黑暗和安静。下午短时间散步也有帮助，因为自然光能够调节体内的时钟。\n\n"
        "煮好米饭并不难。先量一杯米，用清水洗两三遍，洗到水清为止。然后把米放进锅里，加一杯半水"
        "，泡十五分钟。开大火，等水开了，把火关小，盖上锅盖，再煮十二分钟左右，中间不要打开锅盖"
        "。水干了以后，关火，让米饭再等十分钟。最后用勺子轻轻地拌一拌，让热气出来。煮好的米饭要"
        "趁热吃。吃不完的话，放在冰箱里，两天之内吃完。老米要的水比新米多，所以每次多加一点水，"
        "找到你喜欢的口感。",
    ),
    "ja": Prose(
        389,
        "土曜日の朝、古い市場は七時に開きます。村から来た農家の人たちが机を並べると、広場はすぐ"
        "に人と籠と声でいっぱいになります。一人のおばあさんが林檎と蜂蜜を売っています。おばあさ"
        "んは客の名前をよく知っていて、子供たちは元気かと聞きます。その隣では若い男の人が小さな"
        "窯でパンを焼き、その匂いは教会まで届きます。雨が降ると、みんな大きな屋根の下に集まって"
        "待ちます。昼になると鐘が鳴り、最後の人参はただで配られ、机はまた車に運ばれます。一時間"
        "後には石の上に木の葉が少し残るだけで、広場はまた鳩のものになります。夕方になると、子供"
        "たちは古い井戸のそばでボールを蹴り、大人は長い椅子に座ってお茶を飲みます。\n\n"
        "睡眠は単なる休憩ではありません。私たちが休んでいる間に、脳は一日の印象を整理し、重要な"
        "ことを残して、残りを忘れます。体は傷ついた細胞を修復し、感染に対する抵抗力を高めます。"
        "普段から六時間より短い睡眠しか取らない人は、集中することが難しく、間違いが増え、病気に"
        "なりやすくなります。そのため医師は、毎晩同じ時刻に寝ること、最後の一時間は明るい画面を"
        "避けること、寝室を暗く静かに保つことを勧めています。\n\n"
        "おいしいご飯を炊くのは難しくありません。まず米を一杯量り、水が澄むまで二三回洗います。"
        "次に米を鍋に入れ、水を一杯半ほど加えて、十五分間つけておきます。強火にかけ、沸騰したら"
        "火を弱めて蓋をします。蓋を開けずに十二分ほど炊きます。水がなくなったら火を止め、さらに"
        "十分間蒸らします。最後にしゃもじで軽く混ぜて、湯気を逃がします。",
    ),
    "th": Prose(
        403,
        "เช้าวันเสาร์ตลาดเก่าเปิดตอนเจ็ดโมง ชาวนาจากหมู่บ้านมาตั้งโต๊ะ ไม่นานลานกว้างก็เต็มไปด้"
        "วยผู้คน ตะกร้า และเสียงพูดคุย หญิงชราคนหนึ่งขายแอปเปิลกับน้ำผึ้ง เธอรู้จักชื่อลูกค้าเกื"
        "อบทุกคน และถามว่าลูกของเขาสบายดีไหม ข้างๆ เธอชายหนุ่มคนหนึ่งอบขนมปังในเตาเล็ก กลิ่นหอม"
        "ลอยไปถึงวัด เมื่อฝนตกทุกคนเข้ามายืนใกล้กันใต้หลังคาใหญ่ แล้วรอ ตอนเที่ยงระฆังดังขึ้น แ"
        "ครอทที่เหลือถูกแจกให้คนอื่น แล้วโต๊ะก็ถูกยกกลับไปที่รถ หนึ่งชั่วโมงต่อมา บนพื้นหินเหลื"
        "อแต่ใบไม้ไม่กี่ใบ และลานกว้างก็เป็นของนกพิราบอีกครั้ง ตอนเย็นเด็กๆ เล่นฟุตบอลใกล้บ่อน้"
        "ำเก่า ผู้ใหญ่นั่งดื่มชาและคุยกันเรื่องงานของวันนี้\n\n"
        "การนอนหลับเป็นมากกว่าการหยุดพัก ในขณะที่เราพักผ่อน สมองจะจัดระเบียบความประทับใจของวัน "
        "เก็บสิ่งสำคัญไว้และลืมส่วนที่เหลือ ร่างกายซ่อมแซมเซลล์ที่เสียหายและเสริมสร้างภูมิคุ้มกั"
        "นต่อการติดเชื้อ ผู้ที่นอนน้อยกว่าหกชั่วโมงเป็นประจำจะมีสมาธิยากขึ้น ทำผิดพลาดมากขึ้น แ"
        "ละเจ็บป่วยบ่อยขึ้น แพทย์จึงแนะนำให้เข้านอนเวลาเดียวกันทุกคืน หลีกเลี่ยงหน้าจอที่สว่างใ"
        "นชั่วโมงสุดท้าย และทำให้ห้องนอนมืดและเงียบ การเดินเล่นสั้นๆ ในช่วงบ่ายก็ช่วยได้เช่นกัน"
        " เพราะแสงธรรมชาติควบคุมนาฬิกาภายในร่างกาย\n\n"
        "วิธีหุงข้าวให้อร่อยไม่ยากเลย ก่อนอื่นตวงข้าวหนึ่งถ้วยแล้วล้างด้วยน้ำสะอาดสองหรือสามครั้"
        "งจนน้ำใส จากนั้นใส่ข้าวลงในหม้อ เติมน้ำประมาณหนึ่งถ้วยครึ่ง แล้วแช่ไว้สิบห้านาที เปิดไ"
        "ฟแรงจนน้ำเดือด แล้วลดไฟให้อ่อนและปิดฝา หุงต่ออีกประมาณสิบสองนาทีโดยไม่เปิดฝา เมื่อน้ำแ"
        "ห้งแล้วให้ปิดไฟและพักข้าวไว้อีกสิบนาที สุดท้ายใช้ช้อนคนข้าวเบาๆ เพื่อให้ไอน้ำออก ข้าวที่"
        "หุงเสร็จแล้วควรกินตอนร้อน ถ้าเหลือให้เก็บในตู้เย็นและกินภายในสองวัน ข้าวเก่าต้องการน้ำ"
        "มากกว่าข้าวใหม่ ดังนั้นลองเพิ่มน้ำทีละน้อยจนได้ความนุ่มที่คุณชอบ",
    ),
    "lo": Prose(
        333,
        "ເຊົ້າວັນເສົາ ຕະຫຼາດເກົ່າເປີດເວລາເຈັດໂມງ ຊາວນາຈາກບ້ານມາຕັ້ງໂຕະ "
        "ບໍ່ດົນເດີ່ນກໍເຕັມໄປດ້ວຍຄົນ ກະຕ່າ ແລະ ສຽງເວົ້າ ແມ່ເຖົ້າຄົນໜຶ່ງຂາຍໝາກໄມ້ແລະນໍ້າເຜິ້ງ "
        "ລາວຮູ້ຈັກຊື່ລູກຄ້າຫຼາຍຄົນ ແລະ ຖາມວ່າລູກຂອງເຂົາສະບາຍດີບໍ ຢູ່ຂ້າງລາວ "
        "ຊາຍໜຸ່ມຄົນໜຶ່ງອົບເຂົ້າຈີ່ໃນເຕົານ້ອຍ ກິ່ນຫອມໄປຮອດວັດ ເມື່ອຝົນຕົກ "
        "ທຸກຄົນມາຢືນໃກ້ກັນຢູ່ກ້ອງຫຼັງຄາໃຫຍ່ແລ້ວລໍຖ້າ ຕອນທ່ຽງລະຄັງດັງຂຶ້ນ "
        "ຜັກທີ່ເຫຼືອແຈກໃຫ້ຄົນອື່ນ ແລະ ໂຕະກໍຍົກກັບໄປໃສ່ລົດ ໜຶ່ງຊົ່ວໂມງຕໍ່ມາ "
        "ເທິງຫີນເຫຼືອແຕ່ໃບໄມ້ສອງສາມໃບ ເດີ່ນກໍເປັນຂອງນົກອີກ "
        "ຕອນແລງເດັກນ້ອຍຫຼິ້ນບານຢູ່ໃກ້ນໍ້າສ້າງເກົ່າ "
        "ຜູ້ໃຫຍ່ນັ່ງດື່ມຊາແລະເວົ້າກັນເລື່ອງວຽກຂອງມື້ນີ້\n\n"
        "ການນອນຫຼັບເປັນຫຼາຍກວ່າການພັກຜ່ອນ ໃນຂະນະທີ່ພວກເຮົາພັກຜ່ອນ "
        "ສະໝອງຈະຈັດລະບຽບຄວາມຊົງຈຳຂອງມື້ ຮັກສາສິ່ງທີ່ສຳຄັນໄວ້ ແລະ ລືມສ່ວນທີ່ເຫຼືອ "
        "ຮ່າງກາຍສ້ອມແປງຈຸລັງທີ່ເສຍຫາຍ ແລະ ເສີມສ້າງການປ້ອງກັນຕໍ່ການຕິດເຊື້ອ "
        "ຜູ້ທີ່ນອນໜ້ອຍກວ່າຫົກຊົ່ວໂມງເປັນປະຈຳຈະມີຄວາມຫຍຸ້ງຍາກໃນການຕັ້ງໃຈ ເຮັດຜິດພາດຫຼາຍຂຶ້ນ ແລະ "
        "ເຈັບປ່ວຍເລື້ອຍໆ ດັ່ງນັ້ນທ່ານໝໍຈຶ່ງແນະນຳໃຫ້ເຂົ້ານອນໃນເວລາດຽວກັນທຸກຄືນ "
        "ຫຼີກລ່ຽງໜ້າຈໍທີ່ສະຫວ່າງໃນຊົ່ວໂມງສຸດທ້າຍ ແລະ ເຮັດໃຫ້ຫ້ອງນອນມືດ ແລະ ງຽບ\n\n"
        "ວິທີຫຸງເຂົ້າໃຫ້ແຊບບໍ່ຍາກເລີຍ ກ່ອນອື່ນຕວງເຂົ້າໜຶ່ງຈອກ "
        "ແລ້ວລ້າງດ້ວຍນໍ້າສະອາດສອງຫຼືສາມຄັ້ງຈົນນໍ້າໃສ ຈາກນັ້ນໃສ່ເຂົ້າລົງໃນໝໍ້ "
        "ເຕີມນໍ້າປະມານໜຶ່ງຈອກເຄິ່ງ ແລ້ວແຊ່ໄວ້ສິບຫ້ານາທີ ເປີດໄຟແຮງຈົນນໍ້າຟົດ ແລ້ວຫຼຸດໄຟໃຫ້ອ່ອນ "
        "ແລະ ປິດຝາ ຫຸງຕໍ່ອີກປະມານສິບສອງນາທີໂດຍບໍ່ເປີດຝາ ເມື່ອນໍ້າແຫ້ງແລ້ວໃຫ້ປິດໄຟ ແລະ "
        "ພັກເຂົ້າໄວ້ອີກສິບນາທີ ສຸດທ້າຍໃຊ້ບ່ວງຄົນເຂົ້າເບົາໆເພື່ອໃຫ້ອາຍນໍ້າອອກ "
        "ເຂົ້າທີ່ຫຸງແລ້ວຄວນກິນຕອນຮ້ອນ ຖ້າເຫຼືອໃຫ້ເກັບໃນຕູ້ເຢັນ ແລະ ກິນພາຍໃນສອງມື້ "
        "ເຂົ້າເກົ່າຕ້ອງການນໍ້າຫຼາຍກວ່າເຂົ້າໃໝ່ ດັ່ງນັ້ນລອງເພີ່ມນໍ້າເທື່ອລະໜ້ອຍ",
    ),
    "km": Prose(
        326,
        "ព្រឹកថ្ងៃសៅរ៍ ផ្សារចាស់បើកនៅម៉ោងប្រាំពីរ។ កសិករមកពីភូមិនានារៀបចំតុរបស់ពួកគេ "
        "ហើយមិនយូរប៉ុន្មាន ទីធ្លាក៏ពេញទៅដោយមនុស្ស កន្ត្រក និងសំឡេង។ ស្ត្រីចាស់ម្នាក់លក់ផ្លែឈើ "
        "និងទឹកឃ្មុំ។ គាត់ស្គាល់ឈ្មោះអតិថិជនជាច្រើន ហើយសួរថាកូនរបស់ពួកគេសុខសប្បាយឬទេ។ "
        "នៅក្បែរគាត់ យុវជនម្នាក់ដុតនំប៉័ងក្នុងឡតូចមួយ ក្លិនរបស់វាទៅដល់វត្ត។ ពេលភ្លៀងធ្លាក់ "
        "មនុស្សទាំងអស់មកឈរជិតគ្នានៅក្រោមដំបូលធំ ហើយរង់ចាំ។ នៅពេលថ្ងៃត្រង់ "
        "បន្លែដែលនៅសល់ត្រូវបានចែកឱ្យអ្នកដទៃ ហើយតុត្រូវបានយកត្រឡប់ទៅឡានវិញ។ មួយម៉ោងក្រោយមក "
        "នៅលើថ្មមានតែស្លឹកឈើពីរបី ហើយទីធ្លាជារបស់សត្វព្រាបម្តងទៀត។ នៅពេលល្ងាច "
        "ក្មេងៗលេងបាល់នៅក្បែរអណ្តូងចាស់ ហើយមនុស្សធំអង្គុយផឹកតែ និងនិយាយគ្នាអំពីការងារថ្ងៃនេះ។\n\n"
        "ការគេងគឺលើសពីការសម្រាក។ ពេលយើងសម្រាក ខួរក្បាលរៀបចំបទពិសោធន៍ប្រចាំថ្ងៃ រក្សាទុកអ្វីដែលសំ"
        "ខាន់ ហើយបំភ្លេចអ្វីដែលនៅសល់។ រាងកាយជួសជុលកោសិកាដែលខូចខាត និងពង្រឹងការការពារប្រឆាំងនឹងកា"
        "រឆ្លងរោគ។ មនុស្សដែលគេងតិចជាងប្រាំមួយម៉ោងជាប្រចាំ មានការលំបាកក្នុងការផ្តោតអារម្មណ៍ ធ្វើ"
        "កំហុសច្រើន និងឈឺញឹកញាប់។ ដូច្នេះគ្រូពេទ្យណែនាំឱ្យចូលគេងនៅពេលតែមួយរៀងរាល់យប់ ជៀសវាងអេក្"
        "រង់ភ្លឺក្នុងម៉ោងចុងក្រោយ និងរក្សាបន្ទប់គេងឱ្យងងឹត និងស្ងប់ស្ងាត់។\n\n"
        "ការដាំបាយឱ្យឆ្ងាញ់មិនពិបាកទេ។ មុនដំបូង វាល់អង្ករមួយកែវ "
        "រួចលាងជាមួយទឹកស្អាតពីរឬបីដងរហូតដល់ទឹកថ្លា។ បន្ទាប់មកដាក់អង្ករក្នុងឆ្នាំង "
        "ចាក់ទឹកប្រហែលមួយកែវកន្លះ ហើយត្រាំទុកដប់ប្រាំនាទី។ បើកភ្លើងខ្លាំងរហូតដល់ទឹកពុះ "
        "រួចបន្ថយភ្លើង ហើយបិទគម្រប។ ដាំបន្តប្រហែលដប់ពីរនាទីដោយមិនបើកគម្រប។ ពេលទឹករីងអស់ "
        "សូមបិទភ្លើង ហើយទុកបាយដប់នាទីទៀត។ ចុងក្រោយ ប្រើស្លាបព្រាកូរបាយថ្នមៗ "
        "ដើម្បីឱ្យចំហាយទឹកចេញ។ បាយដែលឆ្អិនហើយគួរញ៉ាំពេលនៅក្តៅ។ បើនៅសល់ សូមទុកក្នុងទូទឹកកក "
        "ហើយញ៉ាំក្នុងរយៈពេលពីរថ្ងៃ។ អង្ករចាស់ត្រូវការទឹកច្រើនជាងអង្ករថ្មី "
        "ដូច្នេះសូមបន្ថែមទឹកបន្តិចម្តងៗ។",
    ),
    "my": Prose(
        373,
        "စနေနေ့မနက်မှာ ဈေးဟောင်းကို ခုနစ်နာရီမှာ ဖွင့်တယ်။ ရွာတွေက လယ်သမားတွေ စားပွဲတွေ ချပြီး "
        "ခဏအကြာမှာ ကွင်းပြင်ဟာ လူတွေ၊ ခြင်းတောင်းတွေ၊ အသံတွေနဲ့ ပြည့်သွားတယ်။ "
        "အဘွားအိုတစ်ယောက်က ပန်းသီးနဲ့ ပျားရည် ရောင်းတယ်။ သူက ဖောက်သည်တွေရဲ့ နာမည်ကို သိပြီး "
        "ကလေးတွေ နေကောင်းလား မေးတတ်တယ်။ သူ့ဘေးမှာ လူငယ်တစ်ယောက်က မီးဖိုအသေးမှာ ပေါင်မုန့် "
        "ဖုတ်တယ်။ အနံ့က ဘုရားကျောင်းအထိ ရောက်တယ်။ မိုးရွာတဲ့အခါ လူတိုင်း အမိုးကြီးအောက်မှာ "
        "စုပြီး စောင့်ကြတယ်။ နေ့လယ်မှာ ကျန်တဲ့ ဟင်းသီးဟင်းရွက်တွေကို ဝေပေးပြီး စားပွဲတွေကို "
        "ကားပေါ် ပြန်တင်တယ်။ တစ်နာရီကြာတော့ ကျောက်ခဲတွေပေါ်မှာ သစ်ရွက်နည်းနည်းပဲ ကျန်ပြီး "
        "ကွင်းပြင်ဟာ ခိုတွေရဲ့နေရာ ပြန်ဖြစ်သွားတယ်။\n\n"
        "အိပ်စက်ခြင်းဟာ အနားယူခြင်းထက် ပိုပါတယ်။ ကျွန်တော်တို့ အနားယူနေချိန်မှာ ဦးနှောက်က "
        "တစ်နေ့တာ အတွေ့အကြုံတွေကို စီစဉ်ပြီး အရေးကြီးတာတွေကို သိမ်းဆည်းကာ ကျန်တာတွေကို "
        "မေ့ပစ်ပါတယ်။ ခန္ဓာကိုယ်က ပျက်စီးနေတဲ့ ဆဲလ်တွေကို ပြုပြင်ပြီး ရောဂါပိုးဝင်ခြင်းကို "
        "ကာကွယ်တဲ့ စွမ်းအားကို တိုးမြှင့်ပေးပါတယ်။ ခြောက်နာရီထက်နည်းပြီး ပုံမှန် "
        "အိပ်တဲ့သူတွေဟာ အာရုံစူးစိုက်ဖို့ ခက်ခဲပြီး အမှားတွေ ပိုလုပ်မိကာ မကြာခဏ "
        "ဖျားနာတတ်ပါတယ်။ ဒါကြောင့် ဆရာဝန်တွေက ညတိုင်း တစ်ချိန်တည်း အိပ်ရာဝင်ဖို့ "
        "အကြံပေးကြပါတယ်။\n\n"
        "ထမင်းကောင်းကောင်းချက်ဖို့ မခက်ပါဘူး။ ပထမဆုံး ဆန်တစ်ခွက်ကို ချိန်ပြီး ရေသန့်နဲ့ "
        "နှစ်ကြိမ် သုံးကြိမ် ဆေးပါ။ ပြီးရင် ဆန်ကို အိုးထဲထည့်ပြီး ရေတစ်ခွက်ခွဲလောက် ထည့်ကာ "
        "ဆယ့်ငါးမိနစ် စိမ်ထားပါ။ ရေဆူတဲ့အထိ မီးပြင်းပြင်းထားပြီး နောက်မှ မီးလျှော့ကာ "
        "အဖုံးဖုံးပါ။ အဖုံးမဖွင့်ဘဲ ဆယ့်နှစ်မိနစ်လောက် ဆက်ချက်ပါ။ ရေခန်းသွားရင် မီးပိတ်ပြီး "
        "ဆယ်မိနစ် ထပ်ထားပါ။ နောက်ဆုံးမှာ ဇွန်းနဲ့ ညင်ညင်သာသာ မွှေပေးပါ။ ကျက်ပြီးသား ထမင်းကို "
        "ပူနေတုန်း စားသင့်ပါတယ်။ ကျန်ရင် ရေခဲသေတ္တာထဲမှာ သိမ်းပြီး နှစ်ရက်အတွင်း စားပါ။ "
        "ဆန်ဟောင်းဟာ ဆန်သစ်ထက် ရေပိုလိုပါတယ်။",
    ),
    "vi": Prose(
        243,
        "Sáng thứ bảy, khu chợ cũ mở cửa lúc bảy giờ. Những người nông dân từ các làng đến bày "
        "bàn của họ, và chẳng mấy chốc quảng trường đầy người, đầy giỏ và tiếng nói. Một bà cụ "
        "bán táo và mật ong. Bà biết tên của hầu hết khách hàng và hỏi thăm con cái của họ. "
        "Bên cạnh bà, một chàng trai nướng bánh mì trong cái lò nhỏ, và mùi thơm bay đến tận "
        "nhà thờ. Khi trời mưa, mọi người đứng sát vào nhau dưới mái nhà lớn và chờ đợi. Đến "
        "trưa, chuông reo, những củ cà rốt cuối cùng được cho đi, và những cái bàn được mang "
        "trở lại xe. Một giờ sau, trên đá chỉ còn vài chiếc lá, và quảng trường lại là của "
        "chim bồ câu.\n\n"
        "Giấc ngủ không chỉ là sự nghỉ ngơi. Trong khi chúng ta nghỉ, bộ não sắp xếp những ấn "
        "tượng trong ngày, giữ lại điều quan trọng và quên đi phần còn lại. Cơ thể sửa chữa "
        "các tế bào bị tổn thương và tăng cường khả năng chống lại bệnh nhiễm trùng. Những "
        "người thường xuyên ngủ ít hơn sáu tiếng khó tập trung, mắc nhiều lỗi hơn và hay bị "
        "bệnh hơn. Vì vậy các bác sĩ khuyên nên đi ngủ vào cùng một giờ mỗi tối, tránh màn "
        "hình sáng trong giờ cuối cùng và giữ cho phòng ngủ tối và yên tĩnh.",
    ),
    "id": Prose(
        193,
        "Pada hari Sabtu pagi pasar lama dibuka pukul tujuh. Para petani dari desa memasang "
        "meja mereka, dan tidak lama kemudian lapangan penuh dengan orang, keranjang dan "
        "suara. Seorang wanita tua menjual apel dan madu. Dia kenal nama sebagian besar "
        "pelanggannya dan bertanya bagaimana kabar anak mereka. Di sebelahnya seorang pemuda "
        "memanggang roti dalam oven kecil, dan baunya sampai ke masjid. Kalau hujan turun, "
        "semua orang berdiri lebih dekat di bawah atap besar dan menunggu. Pada siang hari "
        "wortel yang terakhir dibagikan, dan meja dibawa kembali ke mobil. Satu jam kemudian "
        "hanya ada beberapa daun di atas batu, dan lapangan itu menjadi milik burung merpati "
        "lagi. Pada sore hari anak kecil bermain bola di dekat sumur tua.\n\n"
        "Tidur lebih dari sekadar istirahat. Sementara kita beristirahat, otak mengatur kesan "
        "sepanjang hari, menyimpan hal yang penting dan melupakan sisanya. Tubuh memperbaiki "
        "sel yang rusak dan memperkuat pertahanannya terhadap infeksi. Orang yang secara "
        "teratur tidur kurang dari enam jam sulit berkonsentrasi, membuat lebih banyak "
        "kesalahan dan lebih sering sakit. Karena itu dokter menyarankan untuk tidur pada "
        "waktu yang sama setiap malam, menghindari layar yang terang pada jam terakhir dan "
        "menjaga agar kamar tidur tetap gelap dan tenang.",
    ),
    "bo": Prose(
        134,
        "གཟའ་སྤེན་པའི་ཞོགས་པར་ཁྲོམ་རྙིང་པ་ཆུ་ཚོད་བདུན་པར་སྒོ་འབྱེད་ཀྱི་ཡོད། གྲོང་གསེབ་ནས་ཡོང་བའི"
        "་ཞིང་པ་ཚོས་ཅོག་ཙེ་བཤམས་ནས་ཡུན་མ་རིང་བར་ཐང་ཆེན་དེ་མི་དང་སྐད་ཀྱིས་གང་གི་ཡོད། རྒན་མོ་ཞིག་"
        "གིས་ཀུ་ཤུ་དང་སྦྲང་རྩི་བཙོང་གི་ཡོད། ཁོ་མོས་ཉོ་མཁན་མང་པོའི་མིང་ཤེས་ཀྱི་ཡོད་པ་དང་ཕྲུ་གུ་ཚོ"
        "་བདེ་པོ་ཡིན་ནམ་ཞེས་དྲི་བ་གཏོང་གི་ཡོད། ཆར་པ་བབས་དུས་མི་ཚང་མ་ཐོག་ཁང་ཆེན་པོའི་འོག་ཏུ་འཛོམ"
        "ས་ནས་སྒུག་གི་ཡོད། ཉིན་གུང་ལ་ལྷག་པའི་ཚལ་རྣམས་གཞན་ལ་སྤྲོད་ནས་ཅོག་ཙེ་རྣམས་མོ་ཊར་ནང་དུ་འཁྱེ"
        "ར་གྱི་ཡོད། ཆུ་ཚོད་གཅིག་གི་རྗེས་སུ་རྡོའི་སྟེང་དུ་ལོ་མ་ཉུང་ཤས་མ་གཏོགས་མེད།",
    ),
}
