"""Hostile JSON, YAML and text: configurations, tokenizers, indexes, cards, licences."""

from __future__ import annotations

import json
from collections.abc import Iterator

from model_provenance.domain.facts import Inspection

from .build import index_bytes, json_bytes
from .hostile_case import Case, cut

#: File -> finding of the small configurations, which are read whole.
_CONFIGURATIONS = {
    "config.json": "readers.config", "preprocessor_config.json": "readers.config", "generation_config.json": "readers.config",
    "sentence_bert_config.json": "readers.config", "adapter_config.json": "readers.adapter",
    "tokenizer_config.json": "readers.tokenizer", "special_tokens_map.json": "readers.tokenizer",
    "chat_template.json": "readers.tokenizer",
}  # fmt: skip
_IX, _TK, _CARD = "readers.index", "readers.tokenizer", "readers.card"
_INDEX = "model.safetensors.index.json"


def configuration_cases() -> Iterator[Case]:
    """What the strict parser of small documents refuses, in every file that it reads."""
    for number, (file, code) in enumerate(_CONFIGURATIONS.items()):
        tricks = list(_json_tricks())
        # Each file meets the one that it is most likely to meet, cut short, and three of the others in turn.
        for name, data, says in [
            tricks[0],
            *(tricks[1 + (3 * number + step) % (len(tricks) - 1)] for step in range(3)),
        ]:
            yield Case(f"{file}: {name}", file, data, code, says)
    for name, data, says in _json_tricks():
        yield Case(f"model_index.json: {name}", "model_index.json", data, "readers.config", says)
    modules = json_bytes([{"path": "../../etc", "type": "x"}])
    yield Case(
        "modules.json: a folder that leads out", "modules.json", modules, "readers.config", "leads out of the model"
    )
    parts = json_bytes({f"p{number}": ["a", "b"] for number in range(65)})
    yield Case("model_index.json: 65 parts", "model_index.json", parts, "readers.config", "names 65 components")
    remote = json_bytes({"auto_map": {f"A{number}": f"m.A{number}" for number in range(101)}})
    yield Case(
        "config.json: 101 classes of remote code", "config.json", remote, "readers.config", "101 classes of remote code"
    )
    many = json_bytes({"architectures": [f"A{number}" for number in range(65)]})
    yield Case("config.json: 65 architectures", "config.json", many, "readers.config", "names 65 architectures")
    code = json_bytes({"auto_map": {"AutoModel": "other/repo--m.A"}})
    yield Case(
        "config.json: remote code elsewhere",
        "config.json",
        code,
        "readers.remote_code",
        "to run other/repo--m.A",
        Inspection.READ,
    )
    yield Case(
        "config.json: five megabytes",
        "config.json",
        b'{"a":"' + b"x" * (5 << 20) + b'"}',
        "readers.config",
        "more than the 4194304",
    )


def _json_tricks() -> Iterator[tuple[str, bytes, str]]:
    yield "cut in a value", b'{"a": [1, 2', "not valid JSON|ends early"
    yield "empty", b"", "not valid JSON"
    yield "a key twice", b'{"a": 1, "b": 2, "a": 3}', "the key 'a' stands twice"
    yield "a key twice, once escaped", b'{"a": 1, "\\u0061": 3}', "the key 'a' stands twice"
    yield "a key twice, far inside", b'{"x": [{"y": {"a": 1, "a": 3}}]}', "the key 'a' stands twice"
    yield "100,000 levels", b'{"a":' + b"[" * 100_000, "nested too deeply"
    yield "100 levels", b'{"a":' + b"[" * 100 + b"]" * 100 + b"}", "nested more than 64 levels"
    yield "NaN", b'{"a": NaN}', "NaN is not JSON"
    yield "Infinity", b'{"a": -Infinity}', "Infinity is not JSON"
    yield "a number of 2,000 digits", b'{"a": ' + b"9" * 2000 + b"}", "a thousand digits"
    yield "two documents", b"{}{}", "not valid JSON"
    yield "a text for an object", b'"x"', "not an object|neither an object nor a list"
    yield "null", b"null", "not an object|neither an object nor a list"
    yield "no UTF-8", b'{"a": "\xff"}', "not valid JSON"
    yield "UTF-16", "{}".encode("utf-16"), "not valid JSON"
    yield "a byte order mark", b"\xef\xbb\xbf{}", "not valid JSON"
    yield "a comment", b'{"a": 1 /* x */}', "not valid JSON"
    yield "a single quote", b"{'a': 1}", "not valid JSON"
    yield "a control character", b'{"a": "\x01"}', "not valid JSON"
    yield "half a surrogate for a name", b'{"\\ud800": 1, "\\ud800": 2}', "stands twice"
    yield "310,000 members", b'{"a":[' + b"0," * 310_000 + b"0]}", "members, more than the 300000"


def tokenizer_cases() -> Iterator[Case]:
    """Large JSON that is walked over, not built."""
    for name, data, says in _tokenizers():
        yield Case(f"tokenizer.json: {name}", "tokenizer.json", data, _TK, says)
    whole = json_bytes({"added_tokens": [{"id": 2}], "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}}})
    points = {
        "to nothing": (0, "ends early"), "in the first key": (6, "ends inside a string"),
        "in a list": (18, "ends early"), "in the vocabulary": (whole.index(b"vocab") + 12, "ends early|ends inside"),
        "before the last brace": (len(whole) - 1, "ends early"),
    }  # fmt: skip
    yield from cut("tokenizer.json", "tokenizer.json", whole, _TK, points)
    yield Case("vocab.json: cut", "vocab.json", b'{"a": 0, "b"', _TK, "ends early")
    yield Case("vocab.json: a list", "vocab.json", b'["a"]', _TK, "not one JSON object")
    yield Case("vocab.json: two documents", "vocab.json", b"{}{}", _TK, "not one JSON object")
    yield Case("vocab.txt: 33 MB", "vocab.txt", lambda: b"a\n" * (17 << 20), _TK, "more than the 33554432")
    yield Case(
        "chat_template.jinja: 5 MB", "chat_template.jinja", lambda: b"a" * (5 << 20), _TK, "more than the 4194304"
    )


def _tokenizers() -> Iterator[tuple[str, bytes, str]]:
    yield "a key twice", b'{"model": {}, "model": {}}', "the key 'model' stands twice"
    yield "a key twice, once escaped", b'{"model": {}, "m\\u006fdel": {}}', "the key 'model' stands twice"
    yield "two documents", b'{"a": 1} {"b": 2}', "goes on after its end"
    yield "a list", b"[1]", "not valid JSON at byte 0"
    yield "200 levels", b'{"a":' + b"[" * 200, "nested more than 128 levels"
    yield "a million levels", b'{"a":' + b'{"a":' * 200_000, "nested more than 128 levels"
    yield "brackets that do not match", b'{"a": [1}]', "not valid JSON at byte"
    yield "a key of 2 KB", b'{"' + b"k" * 2000 + b'": 1}', "longer than 1024"
    yield "a control character", b'{"a": "\x01"}', "control character"
    yield "a backslash at the end", b'{"a": "\\', "ends inside a string"
    yield "an escape that is none", b'{"\\x": 1}', "not valid UTF-8 JSON text"
    yield "half a character", b'{"\xc3": 1}', "not valid UTF-8 JSON text"
    yield "noise", b"\x00\x01\x02", "not valid JSON at byte 0"
    yield "10,001 members", json_bytes({str(number): 0 for number in range(10_001)}), "more than the 10000 members"
    added = b'{"added_tokens": [' + b"[]," * 200_000 + b"0]}"
    yield "200,000 added tokens of lists", added, "members, more than the 150000"
    yield "3 MB of added tokens", b'{"added_tokens": ["' + b"x" * (3 << 20) + b'"]}', "more than the 2097152"
    yield "an added token with a key twice", b'{"added_tokens": [{"id": 1, "id": 2}]}', "stands twice"


def index_cases() -> Iterator[Case]:
    """Shard indexes."""
    for name, data, says in _indexes():
        yield Case(f"index: {name}", _INDEX, data, _IX, says)
    whole = index_bytes(5)
    points = {
        "to nothing": (0, "ends early"), "in the metadata": (20, "ends inside a string|ends early"),
        "in a tensor's name": (whole.index(b"layers"), "`weight_map` is not valid"),
        "before the last braces": (len(whole) - 2, "`weight_map` is not valid"),
        "before the last brace": (len(whole) - 1, "ends early|not valid JSON"),
    }  # fmt: skip
    yield from cut("index", _INDEX, whole, _IX, points)
    missing = json_bytes({"weight_map": {"a": "model-00001-of-00002.safetensors"}})
    yield Case(
        "index: a shard that is not there", _INDEX, missing, "readers.shards", "that are not there", Inspection.READ
    )


def _indexes() -> Iterator[tuple[str, bytes, str]]:
    yield "no map", b"{}", "has no `weight_map`"
    yield "an empty map", b'{"weight_map": {}}', "has no `weight_map`"
    yield "a list for a map", b'{"weight_map": []}', "is no object"
    yield "a map that nests", b'{"weight_map": {"a": {"b": "c"}}}', "`weight_map` is not valid"
    yield "a tensor twice", b'{"weight_map": {"a": "x", "a": "y"}}', "the tensor 'a' stands twice"
    yield "a tensor twice, once escaped", b'{"weight_map": {"a": "x", "\\u0061": "y"}}', "the tensor 'a' stands twice"
    yield "two maps", b'{"weight_map": {"a": "x"}, "weight_map": {"b": "y"}}', "the key 'weight_map' stands twice"
    for name, shard in (
        ("above", "../x.bin"),
        ("of the system", "/etc/passwd"),
        ("in a folder", "a/b.bin"),
        ("of dots", ".."),
    ):
        yield f"a shard {name}", json_bytes({"weight_map": {"a": shard}}), "is not a plain file name"
    yield "an escaped way out", b'{"weight_map": {"a": "..\\u002fx"}}', "is not a plain file name"
    yield "a shard's name of 300 bytes", json_bytes({"weight_map": {"a": "x" * 300}}), "by 300 bytes"
    yield (
        "10,001 shards",
        json_bytes({"weight_map": {str(n): str(n) for n in range(10_001)}}),
        "10000 shards that are read",
    )
    yield "metadata of 400,000 members", b'{"metadata": {"a": [' + b"0," * 400_000 + b"0]}}", "members, more than"
    yield "metadata with a key twice", b'{"metadata": {"a": 1, "a": 2}, "weight_map": {"a": "b"}}', "stands twice"
    yield "two documents", b'{"weight_map": {"a": "b"}}{}', "goes on after its end"


def card_cases() -> Iterator[Case]:
    """YAML: aliases, tags, depth, and what PyYAML itself stumbles over."""
    for name, matter, says in _cards():
        data = b"---\n" + (matter if isinstance(matter, bytes) else matter.encode()) + b"\n---\ntext\n"
        yield Case(f"card: {name}", "README.md", data, _CARD, says)
    yield Case("card: front matter without an end", "README.md", b"---\na: b\n", _CARD, "does not end within")
    yield Case(
        "card: front matter that ends after 1 MB",
        "README.md",
        b"---\n" + b"#" * 1_000_000 + b"\n---\n",
        _CARD,
        "does not end within",
    )
    yield Case("card: cut after the fence", "README.md", b"---\n", _CARD, "does not end within")


def _laughs(levels: int, width: int) -> str:
    lines = (f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]" for level in range(1, levels))
    return "\n".join(["a0: &a0 [x]", *lines])


def _cards() -> Iterator[tuple[str, str | bytes, str]]:
    yield "a billion laughs", _laughs(10, 10), "more than 32 aliases"
    many = "- x\n" * 3000
    yield "thirty aliases of 3,000 values", f"a: &a\n{many}b: [{', '.join(['*a'] * 30)}]", "aliases followed"
    yield "aliases of aliases", f"a: &a\n{many}b: &b [*a, *a, *a]\nc: &c [*b, *b]\nd: [*c, *c, *c]", "aliases followed"
    yield "an alias of itself", "a: &a [*a]", "one that is not defined"
    yield "an alias of nothing", "a: *b", "one that is not defined"
    yield "33 aliases", "a: &a x\nb: [" + ", ".join(["*a"] * 33) + "]", "more than 32 aliases"
    yield "a Python object", "a: !!python/object/apply:os.system [x]", "uses the tag"
    yield "a Python name", "a: !!python/name:os.system", "uses the tag"
    yield "a tag of the author's", "a: !mine x", "uses the tag"
    yield "a set", "a: !!set {x, y}", "uses the tag"
    yield "a merge of a binary", "a: !!binary aGk=", "uses the tag"
    yield "a key twice", "a: 1\nb: 2\na: 3", "the key 'a' twice"
    yield "a key twice, once quoted", "a: 1\n'a': 3", "the key 'a' twice"
    yield "a key twice, far inside", "x: [{y: {a: 1, a: 2}}]", "the key 'a' twice"
    yield "a list for a key", "? [a]\n: b", "a key that is no text"
    yield "30 levels", "a: " + "[" * 30 + "]" * 30, "nested more than 20 levels"
    yield "30 levels of blocks", "\n".join(" " * level + "a:" for level in range(30)), "nested more than 20 levels"
    yield "100,000 open brackets", "a: " + "[" * 100_000, "nested more than 20 levels|not valid YAML"
    yield "70,000 values", "- a\n" * 70_000, "more than the 60000 values"
    yield "a list", "- a", "no mapping"
    yield "no UTF-8", b"a: \xff", "not valid UTF-8"
    yield "a NUL", b"a: \x00", "not valid YAML"
    yield "a tab for an indent", "a:\n\t- b", "not valid YAML"
    yield "an unclosed quote", "a: 'b", "not valid YAML"
    yield "a directive that lies", "%YAML 9.9\n--- a", "not valid YAML"
    yield "an escape that is no character", 'a: "\\U00110000"', "not valid YAML|no character"
    yield "65 licences", "license: [" + ", ".join(f"l{n}" for n in range(65)) + "]", "names 65 licences"
    yield "1,001 datasets", "datasets: [" + ", ".join(f"d{n}" for n in range(1001)) + "]", "names 1001 datasets"
    yield "65 base models", "base_model: [" + ", ".join(f"m{n}" for n in range(65)) + "]", "names 65 base models"


def license_cases() -> Iterator[Case]:
    """Licence texts that say too much, or nothing."""
    both = b"Apache License\nVersion 2.0, January 2004\nfree and unencumbered software released into the public domain"
    read = Inspection.READ
    yield Case("licence: two texts", "LICENSE", both, "readers.license", "holds several licence texts", read)
    yield Case(
        "licence: noise", "LICENSE", bytes(range(256)) * 40, "readers.license", "is not one of the texts known", read
    )
    yield Case("licence: empty", "LICENSE", b"", "readers.license", "is not one of the texts known", read)
    late = b"x" * (300 << 10) + b"free and unencumbered software released into the public domain"
    yield Case("licence: after 300 KB", "LICENSE", late, "readers.license", "is not one of the texts known", read)
    yield Case(
        "licence: a title alone",
        "LICENSE",
        json.dumps("MIT").encode(),
        "readers.license",
        "is not one of the texts",
        read,
    )


def merge_cases() -> Iterator[Case]:
    """`mergekit_config.yml`, which is YAML as a card's is, and names models."""
    many = "models:\n" + "".join(f"- model: a/m{number}\n" for number in range(65))
    tricks = {
        "empty": ("", "names no model"),
        "cut in a quote": ("models: ['a", "not valid YAML"),
        "a list": ("- a", "no mapping"),
        "a Python object": ("models: !!python/object/apply:os.system [x]", "uses the tag"),
        "a billion laughs": (_laughs(10, 10), "more than 32 aliases"),
        "a key twice": ("models: []\nmodels: []", "the key 'models' twice"),
        "two documents": ("models: []\n---\nmodels: []", "more than one YAML document"),
        "65 models": (many, "names 65 models"),
        "a megabyte": ("#" * 1_000_001, "more than the 1000000 bytes"),
        "100,000 open brackets": ("models: " + "[" * 100_000, "nested more than 20 levels|not valid YAML"),
    }
    for name, (text, says) in tricks.items():
        yield Case(f"mergekit: {name}", "mergekit_config.yml", text.encode(), "readers.config", says)
    yield Case("mergekit: no UTF-8", "mergekit_config.yml", b"a: \xff", "readers.config", "not valid UTF-8")
