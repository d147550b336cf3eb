// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title A random walk down a Merkle tree whose pairs are sorted
/// @notice Bit `i` of the path, from the lowest, says where the walk goes at depth `i`: 0 to the smaller of the two hashes, 1
///         to the larger. A proof shows both, so where it went is proved without the position of the leaf.
library LeafPath {
    /// @notice True when the walk down the tree under `root` ends at `leaf`, and at a depth that a complete tree of `count`
    ///         leaves has: the logarithm of `count`, rounded down or up. A tree that hides leaves deeper, or pretends to
    ///         more of them than it has, thus has walks that nobody can show the end of.
    /// @param proof Siblings from the leaf to the root.
    function endsAt(bytes32 root, uint256 count, bytes32 path, bytes32 leaf, bytes32[] calldata proof)
        internal
        pure
        returns (bool)
    {
        uint256 depth = proof.length;
        // The logarithm of zero would be zero.
        if (count == 0 || depth < Math.log2(count) || depth > Math.log2(count, Math.Rounding.Ceil)) return false;
        bytes32 node = leaf;
        for (uint256 i = 0; i < proof.length; ++i) {
            bytes32 sibling = proof[i];
            bool toLarger = (uint256(path) >> (depth - 1 - i)) & 1 == 1;
            // Two equal hashes are both the smaller and the larger.
            if (toLarger ? node < sibling : node > sibling) return false;
            node = Hashes.commutativeKeccak256(node, sibling);
        }
        return node == root;
    }
}
