//! Merkle tree over receipts, equal to OpenZeppelin's `StandardMerkleTree`.

use alloy::primitives::{B256, U256, keccak256};
use alloy::sol_types::SolValue;

use crate::typed_data::Receipt;

/// Most receipts of one tree: `settle` takes their number as a `uint32`, and memory is bounded long before.
pub const MAX_RECEIPTS: usize = 1 << 22;

/// The tree that a batch commits to by its root.
#[derive(Debug, Clone)]
pub struct ReceiptTree {
    /// Root first; the children of node `i` are `2i + 1` and `2i + 2`; leaves are the last `n` nodes.
    nodes: Vec<B256>,
    /// Node of each receipt, in the order of the receipts given.
    positions: Vec<usize>,
}

/// Why no tree was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptTreeError {
    #[error("a receipts tree needs at least one receipt")]
    Empty,
    #[error("{0} receipts are too many for one tree, at most {MAX_RECEIPTS}: settle in several batches")]
    TooMany(usize),
}

impl ReceiptTree {
    /// Builds the tree; the order of the receipts does not change the root.
    pub fn new(receipts: &[Receipt]) -> Result<Self, ReceiptTreeError> {
        let count = receipts.len();
        if count == 0 {
            return Err(ReceiptTreeError::Empty);
        }
        if count > MAX_RECEIPTS {
            return Err(ReceiptTreeError::TooMany(count));
        }
        let mut leaves: Vec<(B256, usize)> = receipts.iter().map(leaf_hash).zip(0..).collect();
        leaves.sort_unstable();
        let length = 2 * count - 1;
        let mut nodes = vec![B256::ZERO; length];
        let mut positions = vec![0; count];
        for (rank, (leaf, receipt)) in leaves.into_iter().enumerate() {
            let node = length - 1 - rank;
            nodes[node] = leaf;
            positions[receipt] = node;
        }
        for node in (0..length - count).rev() {
            nodes[node] = hash_pair(nodes[2 * node + 1], nodes[2 * node + 2]);
        }
        Ok(Self { nodes, positions })
    }

    /// What `settle` takes as `receiptsRoot`.
    pub fn root(&self) -> B256 {
        self.nodes[0]
    }

    /// Index of the receipt at which a walk from the root ends: bit `i` of `path`, from the lowest, chooses at depth `i` the
    /// smaller (0) or the larger (1) of two hashes. It is the receipt that an audit with this path asks for.
    pub fn walk(&self, path: B256) -> usize {
        let path = U256::from_be_bytes(path.0);
        let inner = self.nodes.len() / 2;
        let (mut node, mut depth) = (0, 0);
        while node < inner {
            let (left, right) = (2 * node + 1, 2 * node + 2);
            let is_swapped = self.nodes[left] > self.nodes[right];
            node = if path.bit(depth) == is_swapped { left } else { right };
            depth += 1;
        }
        // Every leaf is a receipt's; two equal receipts share a leaf's hash, and either may be shown.
        self.positions
            .iter()
            .position(|position| *position == node)
            .unwrap_or_default()
    }

    /// Siblings from the leaf of receipt `index` up to the root; none when there is no such receipt.
    pub fn proof(&self, index: usize) -> Option<Vec<B256>> {
        let mut node = *self.positions.get(index)?;
        let mut proof = Vec::new();
        while node > 0 {
            let sibling = if node % 2 == 1 { node + 1 } else { node - 1 };
            proof.push(self.nodes[sibling]);
            node = (node - 1) / 2;
        }
        Some(proof)
    }
}

/// True when `proof` leads from the receipt to `root`.
pub fn verify_proof(root: B256, receipt: &Receipt, proof: &[B256]) -> bool {
    proof
        .iter()
        .fold(leaf_hash(receipt), |node, sibling| hash_pair(node, *sibling))
        == root
}

/// Leaf of a receipt: hashed twice, so that no inner node can pass for a leaf.
pub fn leaf_hash(receipt: &Receipt) -> B256 {
    keccak256(keccak256(receipt.abi_encode()))
}

fn hash_pair(a: B256, b: B256) -> B256 {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    keccak256([low.0, high.0].concat())
}
