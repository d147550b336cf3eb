// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @notice Trees of hashes with the shape of OpenZeppelin's standard Merkle tree: node `i` has the children `2i + 1` and
///         `2i + 2`, and the leaves are the last nodes.
library ReceiptTree {
    /// @notice The tree over leaves, in the order given: a standard tree sorts them first, which changes nothing that is
    ///         tested here.
    function build(bytes32[] memory leaves) internal pure returns (bytes32[] memory tree) {
        uint256 size = 2 * leaves.length - 1;
        tree = new bytes32[](size);
        for (uint256 i = 0; i < leaves.length; ++i) {
            tree[size - 1 - i] = leaves[i];
        }
        for (uint256 i = leaves.length - 1; i != 0; --i) {
            (bytes32 left, bytes32 right) = (tree[2 * i - 1], tree[2 * i]);
            tree[i - 1] = keccak256(left < right ? abi.encode(left, right) : abi.encode(right, left));
        }
    }

    /// @notice Walks down: which leaf a path ends at, by its position among the leaves, and the siblings from there up.
    function walk(bytes32[] memory tree, bytes32 path)
        internal
        pure
        returns (uint256 position, bytes32[] memory proof)
    {
        uint256 node = 0;
        bytes32[] memory siblings = new bytes32[](256);
        uint256 depth = 0;
        for (; 2 * node + 1 < tree.length; ++depth) {
            (uint256 smaller, uint256 larger) = (2 * node + 1, 2 * node + 2);
            if (tree[smaller] > tree[larger]) (smaller, larger) = (larger, smaller);
            bool toLarger = (uint256(path) >> depth) & 1 == 1;
            node = toLarger ? larger : smaller;
            siblings[depth] = tree[toLarger ? smaller : larger];
        }
        proof = new bytes32[](depth);
        for (uint256 i = 0; i < depth; ++i) {
            proof[i] = siblings[depth - 1 - i];
        }
        position = tree.length - 1 - node;
    }
}
