"""Trees, notes and proofs of inclusion: pure, and as the standards have them."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sync_core.checkpoints.checkpoint import (
    NO_CHECKPOINT,
    AccountHead,
    Checkpoint,
    parse_checkpoint,
)
from services.sync_core.checkpoints.inclusion import Inclusion, verify_inclusion
from services.sync_core.checkpoints.merkle import Tree, leaf_hash, root_of_path
from services.sync_core.checkpoints.note import (
    KeyTextError,
    NoteError,
    Signer,
    Verifier,
    checked_text,
    seeds_of,
    text_of,
)

# The vectors of Certificate Transparency's own tests.
CT_LEAVES = [
    bytes.fromhex(each) for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")
] + [bytes.fromhex("606162636465666768696a6b6c6d6e6f")]
CT_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
# The example of Go's package golang.org/x/mod/sumdb/note.
GO_VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpR"
    "Zb6KE6RyyBwJnAM=\n"
)
SIGNER = Signer("example.com/sync", bytes(range(32)))


def recursive_root(leaves: Sequence[bytes]) -> bytes:
    """The definition of RFC 6962, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    both = recursive_root(leaves[:k]) + recursive_root(leaves[k:])
    return hashlib.sha256(b"\x01" + both).digest()


def flipped(text: bytes, bit: int) -> bytes:
    changed = bytearray(text)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize("size", CT_ROOTS)
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert Tree(CT_LEAVES[:size]).root.hex() == CT_ROOTS[size]


@pytest.mark.parametrize("size", range(41))
def test_every_leaf_of_every_size_is_proved_in_its_place_only(size: int) -> None:
    leaves = [f"leaf {at}".encode() for at in range(size)]
    tree = Tree(leaves)

    assert tree.root == recursive_root(leaves)
    for index, leaf in enumerate(leaves):
        path = tree.path(index)
        assert root_of_path(leaf, index, size, path) == tree.root
        for other in range(-1, size + 1):
            if other != index:
                assert root_of_path(leaf, other, size, path) != tree.root
        assert root_of_path(leaf, index, size, [*path, path[-1] if path else leaf]) is None
        assert root_of_path(leaf, index, size, path[:-1]) != tree.root or not path


@given(
    st.lists(st.binary(max_size=3), min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(0, 39), st.binary(max_size=3)), max_size=10),
)
def test_a_tree_with_replaced_leaves_is_the_tree_of_those_leaves(
    leaves: list[bytes], changes: list[tuple[int, bytes]]
) -> None:
    tree = Tree(leaves)
    for at, leaf in changes:
        index = at % len(leaves)
        leaves[index] = leaf
        tree.replace(index, leaf)

    assert tree.root == recursive_root(leaves)


def test_a_note_of_another_implementation_is_read() -> None:
    verifier = Verifier.parse(GO_VERIFIER)

    assert verifier.line == GO_VERIFIER
    assert checked_text(GO_NOTE, [verifier]) == text_of(GO_NOTE)
    with pytest.raises(NoteError):
        checked_text(GO_NOTE, [SIGNER.verifier])


@given(st.data())
def test_any_flipped_bit_of_a_note_is_noticed(data: st.DataObject) -> None:
    note = SIGNER.sign("example.com/sync\n3\nroot\n").encode()
    bit = data.draw(st.integers(0, len(note) * 8 - 1))

    with pytest.raises((NoteError, UnicodeDecodeError)):
        checked_text(flipped(note, bit).decode(), [SIGNER.verifier])


@pytest.mark.parametrize(
    "line",
    [
        "",
        "name",
        "name+00000000+AAAA",
        GO_VERIFIER.replace("c74f", "c74e"),
        GO_VERIFIER.replace("PeterNeumann", "Somebody"),
        GO_VERIFIER.replace("+ARpc", "+AhpC"),
    ],
)
def test_what_is_no_verifier_line_is_refused(line: str) -> None:
    with pytest.raises(KeyTextError):
        Verifier.parse(line)


@pytest.mark.parametrize("text", ["", "x", base64.b64encode(bytes(31)).decode(), "AAAA,"])
def test_what_is_no_seed_is_refused(text: str) -> None:
    with pytest.raises(KeyTextError):
        seeds_of(text)


def made(heads: Sequence[AccountHead]) -> Checkpoint:
    return Checkpoint(
        origin="example.com/sync",
        size=len(heads),
        root=Tree([head.leaf for head in heads]).root,
        number=7,
        at=datetime(2026, 11, 24, 4, 10, 0, 250, tzinfo=UTC),
        events=sum(head.position for head in heads),
        previous=NO_CHECKPOINT,
    )


HEADS = [AccountHead(UUID(int=at), at + 1, hashlib.sha256(bytes([at])).digest()) for at in range(5)]
HEAD = HEADS[3]
INCLUSION = Inclusion(
    account_id=HEAD.account_id,
    position=HEAD.position,
    hash=HEAD.hash.hex(),
    index=3,
    path=tuple(each.hex() for each in Tree([head.leaf for head in HEADS]).path(3)),
    checkpoint=SIGNER.sign(made(HEADS).text),
)


def test_a_checkpoint_is_read_back_as_it_was_written() -> None:
    assert parse_checkpoint(made(HEADS).text) == made(HEADS)


@pytest.mark.parametrize("changed", ["number 07", "number 7 ", "number -7", "number 7\n"])
def test_a_checkpoint_has_one_spelling(changed: str) -> None:
    with pytest.raises(NoteError):
        parse_checkpoint(made(HEADS).text.replace("number 7", changed))


def test_an_account_is_proved_to_have_ended_there() -> None:
    assert verify_inclusion(INCLUSION, [SIGNER.verifier]) == made(HEADS)


@pytest.mark.parametrize(
    "change",
    [
        {"account_id": UUID(int=9)},
        {"position": HEAD.position + 1},
        {"position": -1},
        {"hash": HEADS[2].hash.hex()},
        {"hash": "zz"},
        {"index": 2},
        {"index": 5},
        {"path": INCLUSION.path[:-1]},
        {"path": (*INCLUSION.path, INCLUSION.path[0])},
        {"path": INCLUSION.path[::-1]},
        {"checkpoint": Signer("example.com/sync", bytes(32)).sign(made(HEADS).text)},
        {"checkpoint": SIGNER.sign(made(HEADS[:4]).text)},
        {"checkpoint": made(HEADS).text},
    ],
)
def test_a_proof_that_was_changed_fails(change: dict[str, object]) -> None:
    with pytest.raises(NoteError):
        verify_inclusion(INCLUSION.model_copy(update=change), [SIGNER.verifier])
