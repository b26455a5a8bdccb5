import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiaochu_domainkit.sealing import Algorithm, Keyring, SealError, load_keyring

KEYS = {"k1": bytes(range(32)), "k2": bytes(range(1, 33))}
INDEX = bytes(range(2, 34))
PLACE = {"table": "cases", "row": "0190b3f0", "field": "id_number"}
OLD = Keyring(KEYS, "k1", INDEX)
SM4 = Keyring(KEYS, "k2", INDEX, Algorithm.SM4)


def broken(ring: Keyring, token: str, **place: str) -> str:
    with pytest.raises(SealError) as caught:
        ring.unseal(token, **{**PLACE, **place})
    return caught.value.reason


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), st.sampled_from([OLD, SM4]))
def test_there_and_back(value: str, ring: Keyring) -> None:
    token = ring.seal(value, **PLACE)
    assert ring.unseal(token, **PLACE) == value
    assert ring.seal(value, **PLACE) != token


@pytest.mark.parametrize("ring", [OLD, SM4])
def test_a_token_opens_only_where_it_was_stored(ring: Keyring) -> None:
    token = ring.seal("11010519491231002X", **PLACE)
    for key in PLACE:
        assert broken(ring, token, **{key: "other"}) == "SEAL_BROKEN"
    assert broken(ring, token, table="cases0190", row="b3f0") == "SEAL_BROKEN"


@pytest.mark.parametrize("ring", [OLD, SM4])
def test_every_altered_byte_is_noticed(ring: Keyring) -> None:
    token = ring.seal("13800001234", **PLACE)
    head = len("s1.") + len(ring.algorithm.value) + 1 + len(ring.current) + 1
    for place in range(head, len(token) - 1):
        other = "A" if token[place] != "A" else "B"
        assert broken(ring, token[:place] + other + token[place + 1 :]) in ("SEAL_BROKEN", "SEAL_FORMAT")


def test_another_key_or_algorithm_does_not_open() -> None:
    token = OLD.seal("x", **PLACE)
    assert broken(Keyring({"k2": KEYS["k2"]}, "k2", INDEX), token) == "SEAL_KEY_UNKNOWN"
    assert broken(Keyring({"k1": KEYS["k2"]}, "k1", INDEX), token) == "SEAL_BROKEN"
    assert broken(OLD, token.replace(".k1.", ".k2.")) == "SEAL_BROKEN"
    assert broken(OLD, token.replace("aes256gcm", "sm4gcm")) == "SEAL_BROKEN"


@pytest.mark.parametrize(
    "token",
    ["", "s1", "s1.aes256gcm.k1.AAAA.AAAA", "s2.aes256gcm.k1.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAA", "s1.des.k1..", "13800001234"],
)
def test_what_is_not_a_token(token: str) -> None:
    assert broken(OLD, token) == "SEAL_FORMAT"


def test_rotation_keeps_value_mask_and_index() -> None:
    before = OLD.seal_phone("13800001234", **PLACE)
    after = SM4.reseal(before.token, **PLACE)
    assert SM4.is_current(after)
    assert not SM4.is_current(before.token)
    assert SM4.reseal(after, **PLACE) == after
    assert SM4.unseal(after, **PLACE) == "13800001234"
    assert SM4.seal_phone("13800001234", **PLACE).index == before.index


def test_the_index_tells_equality_only_within_a_kind() -> None:
    assert OLD.blind_index("110", "phone") == OLD.blind_index("110", "phone")
    assert OLD.blind_index("110", "phone") != OLD.blind_index("110", "id_number")
    assert OLD.blind_index("110", "phone") != Keyring(KEYS, "k1", bytes(32)).blind_index("110", "phone")


def test_nothing_plain_is_shown() -> None:
    sealed = OLD.seal_id_number("11010519491231002X", **PLACE)
    assert sealed.masked == "110105********002X"
    assert "19491231" not in repr(sealed) + str(dataclasses.asdict(sealed))
    assert KEYS["k1"].hex() not in repr(OLD)
    assert repr(KEYS["k1"]) not in repr(OLD)
    with pytest.raises(SealError) as caught:
        OLD.unseal(sealed.token, table="t", row="r", field="f")
    assert "19491231" not in str(caught.value)


def test_keyrings_refused() -> None:
    for keys, current, index in [
        ({}, "k1", INDEX),
        (KEYS, "k3", INDEX),
        ({"k1": b"short"}, "k1", INDEX),
        ({"k.1": KEYS["k1"]}, "k.1", INDEX),
        (KEYS, "k1", KEYS["k1"]),
        (KEYS, "k1", b""),
    ]:
        with pytest.raises(ValueError, match="key"):
            Keyring(keys, current, index)


def test_keys_from_a_folder(tmp_path: Path) -> None:
    for name, key in {**KEYS, "index": INDEX}.items():
        (tmp_path / f"{name}.key").write_text(key.hex() + "\n")
    with pytest.raises(ValueError, match="current"):
        load_keyring(tmp_path)
    (tmp_path / "current").write_text("k1\n")
    assert load_keyring(tmp_path) == OLD
    (tmp_path / "k1.key").write_text("no key")
    with pytest.raises(ValueError, match=r"k1\.key"):
        load_keyring(tmp_path)
