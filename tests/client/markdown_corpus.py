"""Markdown as models write it: texts of our own, in more than ten scripts, with all there is in it.

For the tests and measurements of what flashes while a text comes.
"""

from typing import Final

__all__ = ["TEXTS"]

TEXTS: Final[dict[str, str]] = {}
"""Every text by a name that says what is in it."""


def _add(name: str, text: str) -> None:
    TEXTS[name] = text.strip("\n") + "\n"


_add(
    "setext headings",
    """
Here is the page that you asked for. It has two parts, and both of them are short, since nobody
reads long pages on the first day.

Getting started
====

This guide takes ten minutes, and it leaves out nothing that you need on the first day.

First steps
----

Install the package, open a terminal and type the name of the command. It prints what it can do.
""",
)
_add(
    "headings of all levels",
    """
# A small handbook

Some words of introduction stand here, before anything happens.

## What you need #

A pan, a spoon and a little patience.

### Why C# and F# are not music

They are languages for programs.

#### Level four

##### Level five

###### Level six

#hashtag is no heading, and # alone in a line of text is none either.
""",
)
_add(
    "a dash list after a line",
    """
You need:
- flour
- two eggs
- a pinch of salt

Then do this:
+ beat the eggs
+ add the flour

And at last:
* bake it for half an hour
* let it cool down
""",
)
_add(
    "numbers after a line",
    """
The order matters:
1. Switch the mains off
2. Wait for a minute
3. Open the lid

In 1986
2. is no list, since a paragraph goes on. Version 3.5 is none either, and 10 people came.

7) Seven begins a list
8) Eight goes on with it
""",
)
_add(
    "lists in lists",
    """
- Fruit
  - apples, which keep for months
  - pears
    1. early ones
    2. late ones
- Vegetables

  with a paragraph of their own that goes on for some words

  - carrots
- The end of it
""",
)
_add(
    "tasks",
    """
The list has become shorter since yesterday, and that is what matters in the end.

What is left to do today:

- [x] write the tests
- [ ] read them again
- [ ] ask Maria about **the budget**
- [x] ~~call the bank~~ wrote to the bank

Everything else can wait until Monday.
""",
)
_add(
    "a quote with a list",
    """
An old book of recipes says it better than anybody has said it since, and in fewer words.

> You need:
> - flour
> - sugar
>
> > A quote within a quote says:
> > 1. one
> > 2. two
>
> And it goes on lazily
over the line.

After the quote the text is plain again.
""",
)
_add(
    "a table",
    """
We asked some people, and not all of them answered, as it was the first warm day of the year.

Here are the people who answered:

| Name | Age |
|------|----:|
| Anna | 34 |
| Bert | 41 |
| Cleo | 29 |

The mean is a little under thirty-five.
""",
)
_add(
    "a table without outer pipes",
    """
Two names come up in every lecture about it, and there are good reasons for either of them.

Name | City
--- | ---
Ada | London
Emmy | Göttingen

Both of them were mathematicians, and both of them were right before others were.
""",
)
_add(
    "marks in a table",
    """
Both ways lead to the same end, and the table shows what either of them costs, in money and in
time. Read it line by line, as the cells say more than the marks around them do.

Compare these two:

| Way | Cost |
|:---|:---:|
| `a \\| b` | **free** |
| [docs](/d) | *5 €* |
| ~~old~~ | a \\| b |

Choose what you like; the first is what most people take.

If none of them suits you, wait for a year and ask again.
""",
)
_add(
    "pipes that are no table",
    """
The vertical bar is on every keyboard, and only a few people ever press the key that it is on.

Run `cat file | sort | uniq` and look at the first lines. In a shell a | b means that b reads
what a writes, and a || b that b runs if a fails. Nothing of this is a table.

The set {x | x > 0} has no table in it either, and it never ends.

That is all there is to say about bars, and most people can forget it again right away, because
they will never need it in their lives.
""",
)
_add(
    "a rule and a rule",
    """
The first part ends here, after some words.

---

The second part is short.

***

The third part has stars above it and underscores below.

___

That was all, and it was not much.
""",
)
_add(
    "code in a fence",
    """
Call it like this:

```python
def f(*args, **kwargs):
    # not a heading
    return [x for x in args if x]  # no [link](here)
```

It returns a list. For the shell:

~~~sh
echo "```" | cat -n
~~~

Both are code.
""",
)
_add(
    "code in a list",
    """
1. Install it:

   ```bash
   pip install example
   ```

2. Run it:
   ```bash
   example --help
   ```
3. Read what it prints, and `Ctrl+C` ends it.
""",
)
_add(
    "a fence in a fence",
    """
A page about Markdown has to show what Markdown looks like, so there is code within code in it.

Write a block of code so:

````markdown
```python
print("hello")
```
````

The outer fence has one more mark than the inner one.
""",
)
_add(
    "indented code",
    """
The old way is to indent it:

    for i in range(3):
        print(i * 2)  # *no* emphasis

After that the text goes on as usual, and it says nothing new.
""",
)
_add(
    "code in a line",
    """
They are short as a rule, and a reader takes them for names.
Small pieces of code stand in the middle of a sentence, and they look different from the words.

Use `git status` first, then `git add -p` and ``a `tick` inside``. The call `f(x, *args)` is code,
and so is `[not](a link)`. Type `` ` `` for a tick; a lone ` in a text means nothing at all.
""",
)
_add(
    "emphasis",
    """
There are a few ways to make words stand out, and a text needs none of them if it is good.

This is *important*, this is **very important**, and this is ***both of them***. An _underscored_
word and a __strong one__ look the same. **Note:** read on. *A whole sentence can be set in
italics.* Half**way**through is bold inside of a word, half_way_through is not.

A reader who skims sees the words that stand out and little else. That is why a careful writer
chooses them last, when the text is done, and why a careless one sets half of the page in bold.
""",
)
_add(
    "emphasis in emphasis",
    """
One kind of emphasis may stand in another, and a careful writer does so once in a year or two.
The rules for it are long, and these are a few examples.

**Bold with *italics* in it** and *italics with **bold** in it* are fine. So is **bold with `code`
and [a link](/x)**. A ~~deleted **bold** word~~ is gone.

Most texts get along without any of this, and nobody has ever missed it. What stands out in a
plain text is what is said in few words, at the right place, and only once.
The rest is decoration, and it is the first thing that an editor takes out again.
""",
)
_add(
    "stars that are none",
    """
Programs are full of stars, and hardly any of them has a meaning for those who only read.

C's *p is a pointer and **q points to one. Pass *args and **kwargs on, list all *.py files, and
remember that 2 * 3 * 4 is 24.

Write 5*6 for thirty, or 5 * 6 if you like it better; a * at the end of a price is a note.
""",
)
_add(
    "underscores that are none",
    """
The names _x and __init__ are special, _private_x is not public, snake_case_name is common, and
the file my_long_file_name.txt is neither. An __all__ at the top helps readers.
""",
)
_add(
    "brackets that are none",
    """
Brackets stand around numbers and around words, and only some of them belong to a link.
A program that reads a text has to guess which, and it guesses wrong now and then.

The interval [0, 1) is half open and (0, 1] is so on the other side. Take arr[i] and arr[i + 1],
swap them [as shown below], and go on. A [note of the editor] is text, and so is an open [ here.
""",
)
_add(
    "prices and maths",
    """
A dollar sign is the sign of a currency for most people, and something else for a few of them.

It costs $5 a month, or $50 a year. With $x$ users that is $5x$ dollars, and $x_1 + x_2 = 7$ is an
equation. Set $PATH and $HOME before you start.

$$
e^{i\\pi} + 1 = 0
$$

Here is \\(a_1 * b_1 * c\\) in a line. That is all for $n \\ge 2$.
""",
)
_add(
    "links",
    """
All that there is to read about it is on the web, and most of it has been there for years. Take
some time for it, as none of the pages is short.

Read [the manual](https://example.org/manual) first, then [the list](/list "of all") and
[this (old) page](/a_(b)). There is [a link with `code`](/c) and [one with **bold**](/d) too.

What they all have in common is that somebody wrote them with care. Come back when you have read
them, and ask what is left to ask.
""",
)
_add(
    "a link to each source",
    """
The bridge was opened in 1932 [1](https://a.example/1), and it was painted grey
[2](https://b.example/2). Its arch is 503 metres long [3](https://c.example/3).
""",
)
_add(
    "reference links",
    """
The addresses of a text may stand in one place, so that the text itself can be read as it is.
They may come first, and that is how this one begins.

[home]: https://example.org/
[two words]: /two "A title"

Go [home], or to [the page][home]. There are [two words], and [neither of them][none] is long.
""",
)
_add(
    "references below",
    """
See [the guide][1] and [the api][2] for more. Both are short, and both are complete.

[1]: https://example.org/guide
[2]: <https://example.org/api> "The API"
""",
)
_add(
    "footnotes",
    """
Tea came to Europe late[^1], and coffee did so even later[^2]. Both were dear at first.

[^1]: At the beginning of the seventeenth century.
[^2]: In the middle of it, by way of Venice.
""",
)
_add(
    "images",
    """
A picture says a lot, and there are three of them here, though two are too small to be seen.

This is the logo:

![The logo](/logo.png)

And here is a small picture ![dot](data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=) in the
line, and [![a badge](/badge.svg)](/status) that leads somewhere.
""",
)
_add(
    "addresses",
    """
An address may stand in the text as it is, and a program finds it there and makes it a link.

Visit https://example.org/a_b or www.example.org today. Write to me@example.org, or see
<https://example.org/x?y=z&a=b> and (https://example.org/wiki/A_(b)). The file README.md has more.
""",
)
_add(
    "bold addresses",
    """
The page is **https://example.org/start** for now. Later it will be *www.example.org* instead.
It says so at https://example.org/news.
""",
)
_add(
    "tags",
    """
Angle brackets stand around tags, and around much else that is no tag at all and must be seen.

Use List<String> or vector<int> here. A <kbd>Ctrl</kbd> key, H<sub>2</sub>O, and a line<br>break.
If a < b and c > d then it is 3 <4. Put <your-name> there <a href="/x" title="two words">so</a>.
""",
)
_add(
    "a block of html",
    """
Some pages fold away what most readers skip, and that takes a few lines of another language.

<details>
<summary>More of it</summary>

The hidden part has **bold** words.

</details>

After it the text goes on. <!-- a comment with words --> Nobody sees the comment.

Pages like that were more common some years ago, when every page was written by hand and nobody
minded the marks in between.
""",
)
_add(
    "entities and escapes",
    """
AT&T and R&D are names; &copy; 2024, &amp; and &#169; are characters.
A \\*star\\* and a \\[bracket\\]
are text, 1\\. is no list, and a path is C:\\temp\\new. The end of a line\\
breaks it.
""",
)
_add(
    "hard line ends",
    """
Roses are red,\x20\x20
violets are blue,\x20\x20
sugar is sweet,\\
and so are you.

That was a poem of four lines.
""",
)
_add(
    "a recipe",
    """
## Pancakes

**Serves:** 4 · **Time:** 20 min

1. Mix **200 g** of flour with a pinch of salt.
2. Beat in *two* eggs and `300 ml` of milk.
3. Fry in butter.

> **Tip:** let the batter rest.

Serve with [maple syrup](/syrup) or jam!
""",
)
_add(
    "an answer with steps",
    """
Sure! Here's how to do it:

### Step 1: Clone

```bash
git clone https://example.org/r.git
cd r
```

### Step 2: Build

Run `make`. If it **fails**, check that:

- the compiler is *new enough*
- `PATH` is set

That's it.
""",
)
_add(
    "definitions as bold items",
    """
The main parts:

- **Buffer**: holds what has come.
- **Pacer**: says *when* it is shown.
- **Guard**: keeps marks together; see [the page](/g).

**In short**: one thing each.
""",
)
_add(
    "numbers in lines",
    """
Since 2019
people have asked. 3.14 is less than
4. That is clear to everyone.

- 5 apples
- 12. is the number of the house
- -5 degrees is cold
- +3 is warmer
""",
)
_add(
    "dialogue with dashes",
    """
- Who is there?
- It is me.

Nothing was said for a while - a long while -- until somebody laughed.

-- And who are you? -- asked the first one.

Nobody knew what to say to that, and so they all went home and came back on the next day.
""",
)
_add(
    "tight text without marks",
    """
A paragraph of plain words has nothing in it that could flash. It goes on for a while, it ends
with a full stop, and another one follows after an empty line.

Like this one. It is short, too, and says nothing that the first one did not say before it.
""",
)
_add(
    "german",
    """
Wer in einer fremden Stadt ankommt, hat es eilig und liest ungern lange Texte, und so ist dieser
hier auch ziemlich kurz geraten.

Kurz gesagt
----

Die **Straßenbahn** fährt alle *zehn* Minuten. Siehe [Fahrplan](/plan) für die Zeiten.

Sie brauchen:
- einen Fahrschein („Einzelfahrt“)
- etwas Zeit
""",
)
_add(
    "french",
    """
La gare n'est pas loin d'ici, mais il faut partir tôt, car les rues sont pleines le matin.

Voici **l'essentiel** : le train part à 8 h 30, et il arrive à *midi*. Voir
[les horaires](/horaires « été ») ou appelez-nous !

Il faut :
- un billet
- une pièce d'identité
""",
)
_add(
    "spanish",
    """
La casa está al final de la calle, y llegar hasta allí no es difícil si uno conoce el camino.

## ¿Qué necesitas?

Necesitas **dos cosas**: tiempo y `paciencia`. ¡Nada más!

1. Abre la *puerta*.
2. Entra en [la casa](/casa).
3. Cierra la puerta otra vez.
""",
)
_add(
    "vietnamese",
    """
Bạn cần **hai thứ**: thời gian và *kiên nhẫn*.

- Mở `cửa sổ` ra
- Đọc [hướng dẫn](/hd)

Cảm ơn bạn đã đọc đến đây, và chúc bạn một ngày vui vẻ.

Nếu bạn còn câu hỏi nào khác, hãy viết cho chúng tôi vào bất cứ lúc nào trong ngày, và chúng tôi
sẽ trả lời sớm.
""",
)
_add(
    "russian",
    """
Это простой рецепт, который знают все, но записывают его немногие, потому что он очень короткий.

### Что нужно

Вам понадобится:
- **мука** и *сахар*
- `соль` по вкусу

Подробнее на [этой странице](/ru). Переменная _имя_ не видна, а файлы *.txt остаются.

Всё остальное можно купить утром на рынке, где продукты свежие, а продавцы знают своё дело.
""",
)
_add(
    "ukrainian table",
    """
Ось відповідь на ваше запитання про великі міста країни, і вона зовсім коротка, бо їх тут лише
два, а решту можна знайти в довіднику.

| Місто | Людей |
|---|---|
| Київ | 3 млн |
| Львів | 0,7 млн |

Це **приблизні** числа за минулий рік, і вони *змінюються*.

Більше про них можна прочитати в будь-якому довіднику, але там числа вже трохи застаріли.
""",
)
_add(
    "greek",
    """
Η ερώτηση είναι παλιά και την έχουν κάνει πολλοί, αλλά λίγοι περίμεναν να ακούσουν το τέλος.

Η **απάντηση** είναι *απλή*: ναι! Δείτε [τον οδηγό](/el) για περισσότερα.

1. Ανοίξτε το `αρχείο`
2. Διαβάστε το

> Το μέτρο είναι το άριστο.
""",
)
_add(
    "arabic",
    """
هذه وصفة بسيطة يعرفها الجميع، ولكن القليل من الناس يكتبونها لأنها قصيرة جدا وسهلة الحفظ.

## مقدمة

هذه **كلمة مهمة** وهذه *كلمة أخرى*. انظر [الصفحة](/ar) لمزيد من التفاصيل.

تحتاج إلى:
- دقيق
- سكر و`ملح`
""",
)
_add(
    "hebrew",
    """
זוהי **מילה חשובה**, וזו *מילה אחרת*. ראו [את הדף](/he) לפרטים נוספים.

- קמח
- שתי ביצים
""",
)
_add(
    "hindi",
    """
### क्या चाहिए

आपको **आटा** और *चीनी* चाहिए। अधिक जानकारी [यहाँ](/hi) है।

1. आटा `मिलाएँ`
2. दस मिनट रुकें
""",
)
_add(
    "bengali",
    """
আপনার **ময়দা** ও *চিনি* লাগবে। আরও জানতে [এখানে](/bn) দেখুন।

- ডিম দুটি
- এক চিমটি `লবণ`
""",
)
_add(
    "tamil",
    """
இது எல்லோருக்கும் தெரிந்த ஒரு எளிய சமையல் குறிப்பு, ஆனால் சிலர் மட்டுமே எழுதி வைக்கிறார்கள்.

உங்களுக்கு **மாவு** மற்றும் *சர்க்கரை* தேவை. மேலும் [இங்கே](/ta) பாருங்கள்.

1. மாவு சேர்க்கவும்
2. பத்து நிமிடம் காத்திருக்கவும்
""",
)
_add(
    "thai",
    """
## สิ่งที่ต้องมี

คุณต้องมี **แป้ง** และ *น้ำตาล* ดู [คู่มือ](/th) เพิ่มเติม

- ไข่สองฟอง
- `เกลือ` เล็กน้อย
""",
)
_add(
    "chinese",
    """
## 你需要什么

你需要**面粉**和*糖*，请看[说明](/zh)。

1. 打两个鸡蛋
2. 加入`盐`

> 提示：慢慢来，不要着急。
""",
)
_add(
    "chinese with stars for good",
    """
很多人在写文章的时候喜欢用星号来强调一些词语，可是有的时候星号并不会消失，而是一直留在文章里面，读者就会觉得很奇怪。

**注意：**请先阅读下面的说明。

请看*(见下)*下面的说明。然后运行`make`，最后访问https://example.org/zh。谢谢！

这里没有别的东西，只有几句普通的话。
""",
)
_add(
    "chinese table",
    """
你问的是今天市场上水果的价格，我查了一下，大部分水果的价格和昨天差不多，只有两种有一点变化。

| 名称 | 价格 |
|---|---|
| 苹果 | **3元** |
| 梨 | 4元 |

以上是今天的价格，明天可能会变。
""",
)
_add(
    "japanese",
    """
### 準備

**小麦粉**と*砂糖*を用意します。[手順](/ja)を見てください。

- 卵を二つ
- `塩`を少し

これで終わりです。
""",
)
_add(
    "japanese quotes",
    """
昨日の会議では長い話し合いがありましたが、最後まで残った人はあまり多くありませんでした。

彼は**「はい」**と言いました。それから「*いいえ*」とも言いました。

必要なもの：
1. 時間
2. 少しの忍耐
""",
)
_add(
    "korean",
    """
## 준비물

**밀가루**와 *설탕*이 필요합니다. [안내서](/ko)를 보세요.

필요한 것:
- 달걀 두 개
- `소금` 조금
""",
)
_add(
    "georgian",
    """
ეს არის მარტივი რეცეპტი, რომელიც ყველამ იცის, მაგრამ ცოტა ადამიანი წერს, რადგან მოკლეა.

თქვენ გჭირდებათ **ფქვილი** და *შაქარი*. იხილეთ [გვერდი](/ka) მეტისთვის.

- ორი კვერცხი
- ცოტა `მარილი`
""",
)
_add(
    "armenian and amharic",
    """
Սա պարզ բաղադրատոմս է, որը բոլորը գիտեն, բայց քչերն են գրի առնում, քանի որ այն շատ կարճ է։

Ձեզ պետք է **ալյուր** և *շաքար*։ Տես [էջը](/hy)։

ያስፈልግዎታል **ዱቄት** እና *ስኳር*። [ገጹን](/am) ይመልከቱ።

ሁሉም ነገር ከተዘጋጀ በኋላ ምግቡን ማብሰል ቀላል ነው፣ ብዙ ጊዜም አይወስድም። ከዚያ በኋላ ሁሉም ሰው አብሮ ይበላል።
""",
)
_add(
    "emoji and marks",
    """
🎉 **Done!** 🎉 All tests are green ✅ and *nobody* is sad 👩‍👩‍👧.

- 🍎 **apples**: 3
- 🍐 *pears*: none 🇫🇷

Thanks 🙏 to [everyone](/all)!
""",
)
_add(
    "a mix of everything",
    """
# Report

Intro with **bold**, *italics*, `code` and [a link](/l).

| Key | Value |
|---|---|
| a | 1 |

1. one
   - inner *item*
2. two

```json
{"a": [1, 2], "b": "*"}
```

> The end.

---
""",
)
