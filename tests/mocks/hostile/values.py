"""What somebody may put into a request who means no good, or does not know better: as JSON, and as text."""

from __future__ import annotations

import json

from hypothesis import strategies as st

TEXTS = [
    *("", " ", "\0", "a\0b", "a\nb", "a\r\nX-Injected: y", "\x1b[2J", "\u2028", "😀", "é", "Ω" * 300, "a" * 5000),
    *(
        "/",
        "..",
        "../../etc/passwd",
        "/dev/zero",
        "/dev/stdin",
        "/proc/self/mem",
        "/etc/passwd",
        "~nobody-there/x",
        "~",
    ),
    *("a..b", ".", "-", "--help", "-o", "a" * 64 + ".b", "localhost", "::1", "[", "http://[", "http://x:99999", "%00"),
    *("'; DROP TABLE beehives; --", "$(id)", "`id`", "{}", "[]", "null", "true", "NaN", "0", "-1", "1e400", "٣", "²"),
    *("hf:", ":", "hf:a/b", "hf:../b", "hf:a/b/../c", "hf:a/\0", "hf:a/b:c", "x:a/b", "hf:" + "r" * 300 + "/b"),
]
NUMBERS = [
    *(
        "0",
        "-1",
        "-0",
        "1",
        "65535",
        "65536",
        "4294967295",
        "4294967296",
        "18446744073709551616",
        "-9223372036854775809",
    ),
    *("9" * 5000, "-" + "9" * 5000, "1e400", "-1e400", "1e38", "1e39", "5.0", "0.1", "1e-400", "1E5", "00", "+1", ".5"),
    *("NaN", "Infinity", "-Infinity", "0x10", "1_000"),
]
JSON = [
    *('"\\ud800"', '"\\udc00x"', '"\\ud83d\\ude00"', '"\\uD800\\u0041"', '"\\x"', '"\\u12"', '"a\nb"', '"', "nul"),
    *("[" * 10_000 + "]" * 10_000, "[" * 200_000, '{"a":' * 500 + "1" + "}" * 500, "[[[]]]", "{}", "[]", "[null]"),
    *("null", "true", "false", "[1,2", '{"a"', ""),
]

texts = st.sampled_from(TEXTS) | st.text(max_size=40)
values = (
    st.sampled_from(JSON)
    | st.sampled_from(NUMBERS)
    | st.integers().map(str)
    | st.floats().map(json.dumps)
    | st.builds(json.dumps, texts)
    | st.builds(json.dumps, st.lists(texts, max_size=6))
)
"""JSON, or what is nearly JSON."""
