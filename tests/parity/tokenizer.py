"""Token ids and cleaned reports against Hugging Face's slow BertTokenizer and the rules of the reference.

usage: tokenizer.py DRIVER FOLDER VOCABULARY...   (DRIVER: build/bin/parity_tokenizer_ids; FOLDER: for files between the two)
       tokenizer.py golden OUT.json                (writes tests/text/characters.json)
Every code point assigned in Python's version of Unicode, alone and in contexts, and random texts; for each vocabulary given and
for one that holds every character, so that no difference hides behind [UNK]; lower-case and cased.
"""

import json
import random
import re
import struct
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

import transformers
from transformers import BertTokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
NONCHARACTERS = [chr(p) for p in range(0x110000) if p & 0xFFFE == 0xFFFE or 0xFDD0 <= p <= 0xFDEF]
# Without the code points that a later version of Unicode than Python's may assign: Python 3.11 knows Unicode 14, utf8proc 2.8 knows 15.
KNOWN = [chr(p) for p in range(0x110000) if unicodedata.category(chr(p)) not in ("Cn", "Cs")]
POINTS = KNOWN + NONCHARACTERS
ASSIGNED = [c for c in KNOWN if unicodedata.category(c) != "Co"]
MARKS = [c for c in ASSIGNED if unicodedata.category(c)[0] == "M"]
DECOMPOSING = [c for c in ASSIGNED if unicodedata.normalize("NFD", c) != c and not "\uac00" <= c <= "\ud7a3"]
CASED = [c for c in ASSIGNED if c.lower() != c or c.upper() != c]
PUNCTUATION = [c for c in ASSIGNED if unicodedata.category(c)[0] == "P"]
INVISIBLE = [c for c in ASSIGNED if unicodedata.category(c) in ("Cc", "Cf")] + list("\ue000\ufffd\ufffe\U000ffffd")
BLANKS = [c for c in ASSIGNED if c.isspace()]
WORDS = "no acute cardiopulmonary process pleural effusion Pneumothorax edema ΟΔΟΣ ΣΑΣ İstanbul STRASSE ẞ ǅ café naïve Ångström 你好 한국어".split()


def random_text(rng):
    kinds = [
        lambda: rng.choice(ASSIGNED), lambda: rng.choice(POINTS), lambda: rng.choice(MARKS), lambda: rng.choice(DECOMPOSING),
        lambda: rng.choice(CASED), lambda: rng.choice(PUNCTUATION), lambda: rng.choice(INVISIBLE), lambda: rng.choice(BLANKS),
        lambda: rng.choice("abcdefgXYZ019"), lambda: rng.choice("abcdefgXYZ019"), lambda: rng.choice(WORDS), lambda: " ",
        lambda: rng.choice("ΣσςİiIıſKÅΩ\u0345\u0307\u00ad'.:\u2019"), lambda: chr(rng.randrange(128)), lambda: rng.choice(SPECIAL),
        lambda: rng.choice(SPECIAL).lower(), lambda: rng.choice(["[", "]", "[SE", "P]", "[C", "LS]", "[MA", "SK]", "##", "##a", "[unused1]"]),
        lambda: rng.choice("abé中Σ") * rng.choice([49, 50, 51, 98, 99, 100, 101, 150]),
        lambda: chr(rng.randrange(0x1100, 0x1200)), lambda: chr(rng.randrange(0xAC00, 0xD7A4)),
        lambda: rng.choice(SPECIAL)[:3] + rng.choice(INVISIBLE) + rng.choice(SPECIAL)[3:],
    ]
    some = rng.sample(kinds, rng.randint(1, 6))
    return "".join(rng.choice(some)() for _ in range(rng.randint(0, 24)))


def texts(every):
    rng = random.Random(20260101)
    yield from ["", " ", "\n", "\u0301", "\u0301\u0316 \u0316\u0301"]
    yield from ASSIGNED + NONCHARACTERS + POINTS[::50]
    for c in ASSIGNED[:: 1 if every else 20]:
        yield f"ab{c}cd A{c}\u0301 {c}\u0316\u0301Σ{c}"
        yield f"{c}B[SEP]{c}[MA{c}SK]"
    for _ in range(100_000 if every else 50_000):
        yield random_text(rng)


def write_blocks(path, items):
    with open(path, "wb") as out:
        for item in items:
            data = item.encode()
            out.write(struct.pack("<I", len(data)) + data)


def read_blocks(path, width):
    data, at = Path(path).read_bytes(), 0
    while at < len(data):
        (count,) = struct.unpack_from("<I", data, at)
        yield data[at + 4 : at + 4 + width * count]
        at += 4 + width * count


def compare(name, texts, expected, actual):
    actual = list(actual)
    assert len(actual) == len(texts), (len(actual), len(texts))
    wrong = [i for i, (want, got) in enumerate(zip(expected, actual)) if want != got]
    print(f"{name}: {len(texts)} texts, {len(wrong)} differ", flush=True)
    for i in wrong[:10]:
        print(f"  {ascii(texts[i])[:200]}\n    want {expected[i]}\n    got  {actual[i]}")
    return not wrong


def full_vocabulary(path):
    """Every character that can be left in a word, plain and continued."""
    tokens = list(SPECIAL)
    for c in ASSIGNED:
        if unicodedata.category(c)[0] in "LMNPS":
            tokens += [c, "##" + c]
    path.write_text("\n".join(tokens) + "\n", encoding="utf-8")
    return path


def tokens_agree(driver, folder, vocabulary, lower):
    mode = "lower" if lower else "cased"
    tokenizer = BertTokenizer(str(vocabulary), do_lower_case=lower)
    items = list(texts(every=vocabulary.stem == "every-character"))
    write_blocks(folder / "texts", items)
    ok = True
    for kind in ["pieces", "rows=16"]:
        subprocess.run([driver, kind, vocabulary, mode, folder / "texts", folder / "ids"], check=True)
        actual = [list(struct.unpack(f"<{len(block) // 4}i", block)) for block in read_blocks(folder / "ids", 4)]
        if kind == "pieces":
            pieces = expected = [tokenizer.convert_tokens_to_ids(tokenizer.tokenize(text)) for text in items]
        else:  # what `tokenizer(text)` does after `tokenize`; checked on a part against the call itself
            expected = [tokenizer.prepare_for_model(ids, truncation=True, max_length=16)["input_ids"] for ids in pieces]
            for i in range(0, len(items), 97):
                assert tokenizer(items[i], truncation=True, max_length=16)["input_ids"] == expected[i]
        ok &= compare(f"{vocabulary.name}, {mode}, {kind}", items, expected, actual)
    return ok


def clean(impression, findings):
    """The rules of report cleaning: sentences, words, ASCII."""
    text = (impression + " " + findings).replace("\n", " ")
    sentences = []
    for part in re.split(r"[0-9]+\.", text):
        for piece in part.split("."):
            if not piece:
                continue
            words = re.findall(r"\w+", piece.replace("\ufffd\ufffd", " ").lower())
            if len(words) <= 1:
                continue
            words = [word.encode("ascii", "ignore").decode() for word in words]
            words = [word for word in words if word]
            if words:
                sentences.append(" ".join(words))
    return sentences


def captions_agree(driver, folder):
    rng = random.Random(20260102)
    items = []
    for c in ASSIGNED + NONCHARACTERS + POINTS[::50]:
        items += [f"ab{c}cd e1{c}2.5{c}. {c}", c]

    def report():
        parts = [random_text(rng) if rng.random() < 0.3 else rng.choice(WORDS + ["1.", "2.5", ".", "12", "___", "\n", "\ufffd\ufffd", "\ufffd", "²", "½", "é", "٣."])
                 for _ in range(rng.randint(0, 20))]
        return rng.choice(["", " "]).join(parts)

    for _ in range(100_000):
        items += [report(), report()]
    write_blocks(folder / "texts", items)
    subprocess.run([driver, "captions", folder / "texts", folder / "ids"], check=True)
    actual = [block.decode().split("\n")[:-1] for block in read_blocks(folder / "ids", 1)]
    pairs = list(zip(items[::2], items[1::2]))
    return compare("report cleaning", pairs, [clean(*pair) for pair in pairs], actual)


CLASSES = {
    "empty": "", "blanks only": " \t\n\u3000", "marks only": "\u0301\u0316 \u0307",
    "special tokens": "a[SEP]b [MASK]. [mask] [ CLS ] [UNK][PAD][[CLS]]", "special tokens of capital and small letters": "[Sep][sEP]SEP]",
    "special token with invisible characters": "[SE\u200bP] [\u0001CLS] a[MA\u00adSK]", "special token with a mark": "[SEP\u0301] [SEP]\u0301",
    "composed and decomposed": "é e\u0301 É E\u0301 Å A\u030a \u212b ạ\u0301 a\u0301\u0323",
    "order of marks": "q\u0307\u0323 q\u0323\u0307 a\u0301\u0316\u0315", "spacing marks with an order": "a\U0001d16d\U0001d165 a\u302f\u302e\u0301\u302a",
    "no composition": "\u0958 \ufb1d \u2adc \u0915\u093c", "Hangul": "한 \u1112\u1161\u11ab \u1112\u1161 하\u11ab",
    "sigma": "ΟΔΟΣ ΣΑΣ Σ ς σ AΣ\u0301", "dotted and dotless i": "İ I\u0307 ı I i\u0307 İİ", "other case": "ẞ ǅ \u1c90 \u13a0 \uab70 \u2c00 \u1f88 Ωω\u2126 K\u212a",
    "punctuation by decomposition": "a\u037ea a\u0387a a\u1fefa a\u2329a", "punctuation": "a-b_c\u201ca\u201d\u2013\u2026\u00bf^`~$+\u20ac\u00ac",
    "blanks": "a\u00a0a\u2003a\u2028a\u2029a\u202fa\u1680a", "no blanks": "a\u0085a\u000ba\u001ca\u200ba\ufeffa\u00ada\u180ea\u007fa\u0000a",
    "private and never assigned": "a\ue000a\ufffea\ufdd0a\ufffda\U0010ffffa", "ideographs": "a中a\u3400a\uf900a\U00020000a\U0002f800a",
    "ideographs that are not split off": "a\U00030000a カタ々〇", "long words": "a" * 100 + " " + "a" * 101 + " " + "é" * 100 + " " + "e\u0301" * 101,
    "unknown": "a\U0001f600a \u0e01", "truncation": "a b c d e",
}


def golden(path):
    letters = sorted({c for text in CLASSES.values() for form in ("NFC", "NFD") for c in unicodedata.normalize(form, text) + unicodedata.normalize(form, text.lower())})
    unknown = "\U0001f600\u0e01"
    letters = [c for c in letters if unicodedata.category(c)[0] not in "CZ" and c not in unknown]
    vocabulary = SPECIAL + [token for c in letters for token in (c, "##" + c)]
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write("\n".join(vocabulary) + "\n")
        file.flush()
        tokenizers = {"lower": BertTokenizer(file.name), "cased": BertTokenizer(file.name, do_lower_case=False)}
    cases = []
    for name, text in CLASSES.items():
        case = {"name": name, "text": text}
        for mode, tokenizer in tokenizers.items():
            case[mode] = tokenizer(text, add_special_tokens=False)["input_ids"]
            case[mode + "_5"] = tokenizer(text, truncation=True, max_length=5)["input_ids"]
        cases.append(case)
    lines = ",\n".join(json.dumps(case) for case in cases)
    note = f"ids of BertTokenizer, transformers {transformers.__version__}; made by tests/parity/tokenizer.py golden"
    Path(path).write_text(f'{{"note": {json.dumps(note)},\n"vocabulary": {json.dumps(vocabulary)},\n"cases": [\n{lines}\n]}}\n')


def main():
    if sys.argv[1] == "golden":
        return golden(sys.argv[2])
    driver, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    print(f"transformers {transformers.__version__}, Python {sys.version.split()[0]}, Unicode {unicodedata.unidata_version}")
    ok = captions_agree(driver, folder)
    for vocabulary in [full_vocabulary(folder / "every-character.txt")] + [Path(path) for path in sys.argv[3:]]:
        for lower in [True, False]:
            ok &= tokens_agree(driver, folder, vocabulary, lower)
    sys.exit(not ok)


if __name__ == "__main__":
    main()
