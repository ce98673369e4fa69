"""Planted quotes: cut from real texts, spoilt in a known way, so that the right place is known. Seeded."""

import datetime as dt
import random
import unicodedata

QUOTES = ("exact", "case and space", "two typos", "word dropped", "word replaced", "Unicode form")
INVENTED = ("from another text", "words shuffled", "spliced")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def quotes(texts, kind, n, seed=0, words=(5, 15)):
    """``n`` cases (quote, text, start, end); the span stands once in its text and has 5 to 15 words."""
    rng, cases = random.Random(f"{seed}:{kind}"), []
    while len(cases) < n:
        text = rng.choice(texts)
        start, end = cut(text, rng, words)
        if start is not None:
            cases.append((spoil(text[start:end], kind, rng, texts), text, start, end))
    return cases


def invented(texts, kind, n, seed=0):
    """``n`` cases (quote, text) of a quote that is not in the text: no four of its words in a row are."""
    rng, cases = random.Random(f"{seed}:{kind}"), []
    while len(cases) < n:
        text, other = rng.sample(texts, 2)
        own, foreign = (cut(source, rng, (6, 15)) for source in (text, other))
        if own[0] is None or foreign[0] is None:
            continue
        quote = {"from another text": lambda: other[slice(*foreign)],
                 "words shuffled": lambda: shuffled(text[slice(*own)], rng),
                 "spliced": lambda: halves(text[slice(*own)], other[slice(*foreign)])}[kind]()
        if kind == "spliced" or absent(quote, text):
            cases.append((quote, text))
    return cases


def cut(text, rng, words):
    """Start and end of a random run of whole words, or (None, None) when it does not stand once."""
    bounds = word_bounds(text)
    size = rng.randint(*words)
    if len(bounds) < size:
        return None, None
    first = rng.randrange(len(bounds) - size + 1)
    start, end = bounds[first][0], bounds[first + size - 1][1]
    once = plain(text).count(plain(text[start:end])) == 1
    return (start, end) if once else (None, None)


def word_bounds(text):
    """(start, end) of the stretches between white space."""
    bounds, start = [], None
    for i, char in enumerate(text + " "):
        if char.isspace() and start is not None:
            bounds.append((start, i))
            start = None
        elif not char.isspace() and start is None:
            start = i
    return bounds


def plain(text):
    return " ".join("".join(char if char.isalnum() else " " for char in text.casefold()).split())


def absent(quote, text):
    said, runs = f" {plain(text)} ", plain(quote).split()
    return not any(f" {' '.join(runs[i:i + 4])} " in said for i in range(len(runs) - 3))


def spoil(quote, kind, rng, texts):
    """The quote with one kind of noise."""
    words = quote.split(" ")
    if kind == "case and space":
        cased = rng.choice([quote.upper(), quote.lower(), quote.title(), quote.swapcase()])
        spaces = [" ", "  ", "\n", "\t", "\u00a0"]
        return "".join(rng.choice(spaces) if char == " " else char for char in cased)
    if kind == "two typos":
        return typo(typo(quote, rng), rng)
    if kind == "word dropped":
        at = rng.randrange(1, len(words) - 1)
        return " ".join(words[:at] + words[at + 1:])
    if kind == "word replaced":
        at = rng.randrange(len(words))
        others = [word for word in rng.choice(texts).split() if plain(word) != plain(words[at])]
        return " ".join(words[:at] + [rng.choice(others)] + words[at + 1:])
    if kind == "Unicode form":
        return unicode_form(quote, rng)
    return quote


def typo(quote, rng):
    """One letter inserted, lost, changed, or swapped with its neighbour."""
    at = rng.choice([i for i, char in enumerate(quote[:-1]) if char.isalnum()])
    letter = rng.choice(LETTERS)
    return rng.choice([quote[:at] + letter + quote[at:], quote[:at] + quote[at + 1:],
                       quote[:at] + letter + quote[at + 1:],
                       quote[:at] + quote[at + 1] + quote[at] + quote[at + 2:]])


def unicode_form(quote, rng):
    """Another spelling of the same characters."""
    wide = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
    forms = [lambda: quote.translate(wide), lambda: unicodedata.normalize("NFKD", quote),
             lambda: unicodedata.normalize("NFKC", quote), lambda: "\u00ad".join(quote),
             lambda: "".join(c + "\u0301" if c in "aeiou" else c for c in quote),
             lambda: quote.replace("'", "\u2019").replace('"', "\u201c").replace("-", "\u2011")]
    return rng.choice(forms)()


def shuffled(quote, rng):
    words = quote.split()
    return " ".join(rng.sample(words, len(words)))


def halves(own, foreign):
    """The beginning of one and the end of the other: half of it is there."""
    mine, theirs = own.split(), foreign.split()
    return " ".join(mine[:len(mine) // 2] + theirs[-((len(mine) + 1) // 2):])


def iou(found, start, end):
    """Intersection over union, in characters, of the best of the found spans with the true one."""
    def share(span):
        shared = max(0, min(end, span.end) - max(start, span.start))
        return shared / (max(end, span.end) - min(start, span.start))

    return max(map(share, found), default=0.0)


# ---- values, for ``supports``


NUMBERS = ("plain", "separators", "words", "thousands", "decimal")
DATES = ("iso", "day month year", "month day year", "figures", "short year", "no year", "ordinal")
SYNONYMS = {
    "Laptop": ["laptop computer", "notebook"], "Paper/Films": ["paper records", "mailing", "x-ray film"],
    "Network Server": ["server", "shared drive"], "Email": ["e-mail", "electronic mail"],
    "Other Portable Electronic Device": ["thumb drive", "USB stick", "backup tape"], "Theft": ["stolen", "burglary"],
    "GULLS": ["seagull", "herring gull"], "WINDSHIELD": ["windscreen", "windshld"], "WING": ["wings", "left wing"],
    "vacuum_bag": ["vacuum bag", "hoover bag", "dust bag"], "vacuum": ["hoover", "vacuum cleaner"],
}
UNITS = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
         "seventeen eighteen nineteen").split()
TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()
MONTHS = ("January February March April May June July August September October November December").split()


def spell(n):
    """A whole number below a million in English words."""
    if n < 20:
        return UNITS[n]
    if n < 100:
        return TENS[n // 10] + (f"-{UNITS[n % 10]}" if n % 10 else "")
    if n < 1000:
        return f"{UNITS[n // 100]} hundred" + (f" and {spell(n % 100)}" if n % 100 else "")
    rest = n % 1000
    return f"{spell(n // 1000)} thousand" + (f"{' and' if rest < 100 else ''} {spell(rest)}" if rest else "")


def number(form, rng):
    """(value, how it is written)."""
    n = rng.choice([rng.randint(1, 99), rng.randint(100, 9999), rng.randint(10_000, 900_000)])
    if form == "thousands":
        n = rng.randint(1, 900)
        return n * 1000, rng.choice([f"{n}k", f"{n} thousand", f"{spell(n)} thousand"])
    if form == "decimal":
        return n + 0.25, rng.choice([f"{n}.25", f"{n:,}.25"])
    if form == "words":
        return n, rng.choice([spell(n), spell(n).capitalize()])
    separated = f"{n:,}".replace(",", rng.choice([",", " ", "'", "\u00a0"]))
    return n, str(n) if form == "plain" else separated


def other_number(value, rng):
    """A wrong number that looks like the right one."""
    digits = str(int(value))
    at = rng.randrange(len(digits))
    wrong = [value + 1, value * 10, value + 1000,
             float(digits[:at] + str((int(digits[at]) + rng.randint(1, 8)) % 10) + digits[at + 1:]) + value % 1]
    return rng.choice(wrong)


def date(form, rng):
    """(date, how it is written)."""
    day = dt.date(2009, 1, 1) + dt.timedelta(rng.randrange(6000))
    name = rng.choice([MONTHS[day.month - 1], MONTHS[day.month - 1][:3], MONTHS[day.month - 1].upper()])
    end = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}.get(day.day, "th")
    mark = rng.choice("/.-")
    return day, {
        "iso": day.isoformat(), "day month year": f"{day.day} {name} {day.year}",
        "month day year": f"{name} {day.day}, {day.year}", "no year": f"{day.day} {name}",
        "figures": f"{day.month}{mark}{day.day}{mark}{day.year}",
        "short year": f"{day.month:02}/{day.day:02}/{day.year % 100:02}",
        "ordinal": rng.choice([f"the {day.day}{end} of {name} {day.year}",
                               f"{name} {day.day}{end}, {day.year}"])}[form]


def other_date(day, form, rng):
    """A wrong date near the right one; where no year is written, not in the year alone."""
    shifts = [1, -1, 7, 31, -28] + ([365, -366] if form != "no year" else [])
    return day + dt.timedelta(rng.choice(shifts))


def values(what, n, texts, seed=0):
    """``n`` cases (right value, wrong value, span): the value written one way between words of real texts."""
    rng, cases = random.Random(f"{seed}:{what}"), []
    while len(cases) < n:
        if what == "synonyms":
            right, wrong = rng.sample(list(SYNONYMS), 2)
            written = rng.choice([str.lower, str.upper, str.title])(rng.choice(SYNONYMS[right]))
        elif what in NUMBERS:
            right, written = number(what, rng)
            wrong = other_number(right, rng)
        else:
            right, written = date(what, rng)
            wrong = other_date(right, what, rng)
        before, after = ([word for word in rng.choice(texts).split() if word.isalpha()][:4] for _ in "ab")
        span = " ".join([*before, written, *after])
        if not (isinstance(wrong, str) and any(plain(word) in plain(" ".join(before + after)) for word in
                                               [wrong, *SYNONYMS[wrong]])):
            cases.append((right, wrong, span))
    return cases


def near_codes(value, field):
    """Wrong codes or names one character away: one lost in front, at the end, or changed in the middle."""
    at = len(value) // 2 - (not value[len(value) // 2].isalnum())
    old = value[at]
    new = LETTERS[(LETTERS.find(old.lower()) + 7) % 26] if old.isalpha() else str((int(old) + 3) % 10)
    changed = value[:at] + new + value[at + 1:]
    return [changed, value[:-1], *([value[1:]] if field != "name" else [])]


# ---- other scripts, our own sentences: a laptop was stolen, letters were sent


SPACED = {
    "Greek": "Το απόγευμα της Τρίτης κλάπηκε ένας φορητός υπολογιστής από το γραφείο μας, και την επόμενη μέρα "
             "στείλαμε γράμματα σε όλους τους ασθενείς με οδηγίες για την ασφάλειά τους.",
    "Russian": "Во вторник вечером из нашего кабинета украли ноутбук, и на следующий день мы отправили письма всем "
               "пациентам с советами о том, как защитить свои данные.",
    "Hebrew": "ביום שלישי בערב נגנב מחשב נייד מהמשרד שלנו, ולמחרת שלחנו מכתבים לכל המטופלים עם הסבר קצר על מה "
              "שקרה ועל הצעדים הבאים.",
    "Arabic": "في مساء الثلاثاء سُرق حاسوب محمول من مكتبنا، وفي اليوم التالي أرسلنا رسائل إلى جميع المرضى مع شرح "
              "قصير لما حدث وللخطوات القادمة.",
    "Hindi": "मंगलवार की शाम को हमारे दफ़्तर से एक लैपटॉप चोरी हो गया और अगले दिन हमने सभी मरीज़ों को पत्र भेजे "
             "जिनमें सुरक्षा के बारे में सलाह थी।",
    "Korean": "화요일 저녁에 우리 사무실에서 노트북이 도난당했고 다음 날 우리는 모든 환자에게 무슨 일이 있었는지 설명하는 "
              "편지를 보냈습니다.",
    "Vietnamese": "Tối thứ Ba một máy tính xách tay bị lấy cắp khỏi văn phòng của chúng tôi, và hôm sau chúng tôi đã "
                  "gửi thư cho tất cả bệnh nhân để giải thích sự việc.",
    "Czech": "V úterý večer byl z naší kanceláře odcizen přenosný počítač a následující den jsme všem pacientům "
             "poslali dopis s vysvětlením, co se stalo.",
    "Turkish": "Salı akşamı ofisimizden bir dizüstü bilgisayar çalındı ve ertesi gün bütün hastalara neler olduğunu "
               "açıklayan birer mektup gönderdik.",
}
UNSPACED = {
    "Chinese": "星期二晚上我们办公室的一台笔记本电脑被偷了，第二天我们给所有病人寄了信，说明发生了什么事以及今后怎样保护资料。",
    "Japanese": "火曜日の夕方に事務所からノートパソコンが盗まれ、翌日すべての患者に何が起きたかを説明する手紙を送りました。",
    "Thai": "เย็นวันอังคารมีคอมพิวเตอร์โน้ตบุ๊กถูกขโมยจากสำนักงานของเรา "
            "และวันรุ่งขึ้นเราส่งจดหมายถึงผู้ป่วยทุกคนเพื่ออธิบายเรื่องที่เกิดขึ้น",
}


def scripts(kind, n, seed=0):
    """``n`` cases (quote, text, start, end) in nine spaced and three unspaced scripts."""
    rng, cases, every = random.Random(f"{seed}:{kind}"), [], [*SPACED.values(), *UNSPACED.values()]
    while len(cases) < n:
        text = rng.choice(every)
        start, end = cut(text, rng, (5, 10)) if text in SPACED.values() else cut_letters(text, rng)
        if start is None:
            continue
        quote = text[start:end]
        if kind == "two typos":
            quote = foreign_typo(foreign_typo(quote, text, rng), text, rng)
        elif kind == "Unicode form":
            quote = unicodedata.normalize(rng.choice(["NFD", "NFC", "NFKD"]), quote)
        elif kind == "case and space" and text in SPACED.values():
            quote = rng.choice(["  ", "\n"]).join(quote.lower().split(" "))
        cases.append((quote, text, start, end))
    return cases


def cut_letters(text, rng):
    """A run of 12 to 25 characters that ends between letters, not before a mark."""
    size = rng.randint(12, 25)
    start = rng.randrange(len(text) - size)
    marks = [unicodedata.category(char)[0] == "M" for char in (text[start], text[(start + size) % len(text)])]
    once = text.count(text[start:start + size]) == 1
    return (start, start + size) if once and not any(marks) else (None, None)


def foreign_typo(quote, text, rng):
    at = rng.choice([i for i, char in enumerate(quote) if char.isalnum()])
    return quote[:at] + rng.choice([char for char in text if char.isalnum()]) + quote[at + 1:]
