//! Bindings of the contracts, EIP-712 types, the receipts Merkle tree and the deployments file.
