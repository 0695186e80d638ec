"""The Merkle tree against RFC 6962: reference values, and proofs that an independent verifier accepts."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_provenance.testing.merkle import MerkleTree, leaf_hash, node_hash

#: Leaves and roots of the certificate-transparency reference tree.
LEAVES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def tree_of(bodies: list[bytes]) -> MerkleTree:
    """A tree over these entries."""
    tree = MerkleTree()
    for body in bodies:
        tree.append(leaf_hash(body))
    return tree


def root_by_definition(bodies: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if not bodies:
        return hashlib.sha256(b"").digest()
    if len(bodies) == 1:
        return leaf_hash(bodies[0])
    split = 1
    while split * 2 < len(bodies):
        split *= 2
    return node_hash(root_by_definition(bodies[:split]), root_by_definition(bodies[split:]))


def root_from_proof(index: int, size: int, leaf: bytes, proof: list[bytes]) -> bytes:
    """RFC 9162, 2.1.3.2: the root that an inclusion proof leads to."""
    node, last, result = index, size - 1, leaf
    for sibling in proof:
        assert last > 0, "the proof is too long"
        if node % 2 or node == last:
            result = node_hash(sibling, result)
            while node % 2 == 0 and node:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    assert last == 0, "the proof is too short"
    return result


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    """RFC 6962, 2.1: MTH({}) = SHA-256()."""
    assert MerkleTree().root() == hashlib.sha256(b"").digest()


def test_the_reference_tree_has_its_published_roots() -> None:
    """Each prefix of the eight reference leaves has the root that every implementation gives."""
    tree = tree_of([bytes.fromhex(leaf) for leaf in LEAVES])
    assert [tree.root(size).hex() for size in range(1, 9)] == list(ROOTS)


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_the_root_is_the_one_of_the_definition(bodies: list[bytes]) -> None:
    """The kept hashes of subtrees give the same root as the recursive definition."""
    assert tree_of(bodies).root() == root_by_definition(bodies)


@settings(max_examples=60)
@given(st.integers(1, 260).flatmap(lambda size: st.tuples(st.just(size), st.integers(1, size))))
def test_every_inclusion_proof_verifies(sizes: tuple[int, int]) -> None:
    """Each leaf's proof leads to the root, in the whole tree and in the tree that it once was."""
    total, size = sizes
    bodies = [index.to_bytes(2, "big") for index in range(total)]
    tree = tree_of(bodies)
    for index in range(0, size, max(1, size // 16)):
        proof = tree.inclusion_proof(index, size)
        assert root_from_proof(index, size, leaf_hash(bodies[index]), proof) == tree.root(size)


@pytest.mark.parametrize(("index", "size"), [(-1, 2), (2, 2), (0, 0), (0, 4)])
def test_there_is_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    """A leaf outside the tree, or a tree larger than the log, is an IndexError."""
    with pytest.raises(IndexError):
        tree_of([b"a", b"b"]).inclusion_proof(index, size)
