// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {LeafPath} from "../../src/libraries/LeafPath.sol";
import {ReceiptTree} from "../audits/ReceiptTree.sol";
import {Test} from "forge-std/Test.sol";

contract LeafPathTest is Test {
    uint256 private constant MAX_LEAVES = 70;

    /// @dev From calldata, as contracts take it.
    function endsAt(bytes32 root, uint256 count, bytes32 path, bytes32 leaf, bytes32[] calldata proof)
        external
        pure
        returns (bool)
    {
        return LeafPath.endsAt(root, count, path, leaf, proof);
    }

    function _leaves(uint256 count, bytes32 seed) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            leaves[i] = keccak256(abi.encode(seed, i));
        }
    }

    /// @dev A walk down an array says where the walk up a proof must have come from.
    function testFuzz_EveryPathEndsAtOneLeaf(uint256 count, bytes32 path, bytes32 seed) public view {
        count = bound(count, 1, MAX_LEAVES);
        bytes32[] memory leaves = _leaves(count, seed);
        bytes32[] memory tree = ReceiptTree.build(leaves);
        (uint256 position, bytes32[] memory proof) = ReceiptTree.walk(tree, path);
        assertTrue(this.endsAt(tree[0], count, path, leaves[position], proof));
        // No other path of as many steps ends there.
        if (proof.length == 0) return;
        for (uint256 i = 0; i < proof.length; ++i) {
            assertFalse(this.endsAt(tree[0], count, path ^ bytes32(uint256(1) << i), leaves[position], proof));
        }
    }

    function testFuzz_AnyOtherLeafIsRefused(uint256 count, bytes32 path, bytes32 other) public view {
        count = bound(count, 1, MAX_LEAVES);
        bytes32[] memory leaves = _leaves(count, path);
        bytes32[] memory tree = ReceiptTree.build(leaves);
        (uint256 position, bytes32[] memory proof) = ReceiptTree.walk(tree, path);
        vm.assume(other != leaves[position]);
        assertFalse(this.endsAt(tree[0], count, path, other, proof));
    }

    /// @dev What is true of the tree's size must be true of its depth.
    function testFuzz_AnotherCountIsRefusedWhenTheDepthDiffers(uint256 count, uint256 claimed, bytes32 path)
        public
        view
    {
        count = bound(count, 1, MAX_LEAVES);
        claimed = bound(claimed, 0, type(uint32).max);
        bytes32[] memory leaves = _leaves(count, path);
        bytes32[] memory tree = ReceiptTree.build(leaves);
        (uint256 position, bytes32[] memory proof) = ReceiptTree.walk(tree, path);
        uint256 depth = proof.length;
        bool fits = claimed != 0 && 2 ** depth < 2 * claimed && claimed < 2 ** (depth + 1);
        assertEq(this.endsAt(tree[0], claimed, path, leaves[position], proof), fits);
    }

    /// @dev Copies of one leaf are beside each other: either direction is right.
    function test_TwinsAreBothTheSmallerAndTheLarger() public view {
        bytes32[] memory leaves = new bytes32[](2);
        (leaves[0], leaves[1]) = (keccak256("twin"), keccak256("twin"));
        bytes32[] memory tree = ReceiptTree.build(leaves);
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = leaves[0];
        assertTrue(this.endsAt(tree[0], 2, bytes32(uint256(0)), leaves[1], proof));
        assertTrue(this.endsAt(tree[0], 2, bytes32(uint256(1)), leaves[1], proof));
    }
}
