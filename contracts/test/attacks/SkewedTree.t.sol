// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IAuditManager} from "../../src/interfaces/IAuditManager.sol";
import {ICaseDocket} from "../../src/interfaces/ICaseDocket.sol";
import {IReceipts} from "../../src/interfaces/IReceipts.sol";
import {IVerdicts} from "../../src/interfaces/IVerdicts.sol";
import {AuditBase} from "../AuditBase.t.sol";
import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

/// @notice Attack: commit to a tree in which a random walk all but never meets the wrong receipts: one good leaf beside the
///         root, and the rest at the bottom of a chain.
contract SkewedTreeTest is AuditBase {
    uint256 private constant CHAIN = 5;

    IReceipts.Receipt[] private _leaves;

    /// @dev `root = (leaf 0, (leaf 1, (leaf 2, ...)))`.
    function _skewed() private returns (bytes32 root) {
        for (uint256 i = 0; i <= CHAIN; ++i) {
            _leaves.push(_receipt(i));
        }
        root = _subtree(0);
    }

    function _subtree(uint256 from) private view returns (bytes32 node) {
        node = _leaf(_leaves[CHAIN]);
        for (uint256 i = CHAIN; i > from; --i) {
            node = Hashes.commutativeKeccak256(_leaf(_leaves[i - 1]), node);
        }
    }

    /// @dev Siblings of leaf `i`, from the bottom.
    function _proofOf(uint256 i) private view returns (bytes32[] memory proof) {
        uint256 depth = i == CHAIN ? CHAIN : i + 1;
        proof = new bytes32[](depth);
        uint256 next = 0;
        if (i != CHAIN) proof[next++] = _subtree(i + 1);
        for (uint256 j = i == CHAIN ? CHAIN : i; j > 0; --j) {
            proof[next++] = _leaf(_leaves[j - 1]);
        }
    }

    /// @dev Which leaf the path leads to.
    function _walk(bytes32 path) private view returns (uint256 i) {
        for (; i < CHAIN; ++i) {
            bool toLarger = (uint256(path) >> i) & 1 == 1;
            bool isLarger = _leaf(_leaves[i]) > _subtree(i + 1);
            if (toLarger == isLarger) return i;
        }
    }

    function _drawSkewed(bytes32 seed, uint32 count) private returns (uint256 caseId, uint256 leaf) {
        _openBatch(_skewed(), count, RISK);
        batches.cover(operator, 0, 0);
        _record(batch.settledBlock + DELAY, seed);
        caseId = auditManager.draw(batchId, batch);
        leaf = _walk(auditManager.audit(caseId).path);
    }

    /// @dev Six leaves lie at depths two and three. Whatever was hidden elsewhere cannot be shown, and is withheld.
    function testFuzz_OnlyLeavesAtTheDepthOfACompleteTreeAnswer(bytes32 seed) public {
        vm.assume(seed != 0);
        (uint256 caseId, uint256 leaf) = _drawSkewed(seed, uint32(CHAIN + 1));
        bytes32[] memory proof = _proofOf(leaf);
        IReceipts.Receipt memory receipt = _leaves[leaf];
        if (proof.length == 2 || proof.length == 3) {
            auditManager.answer(caseId, batch, receipt, _signReceipt(receipt), proof);
            _assertStage(caseId, ICaseDocket.Stage.Judging, IVerdicts.Verdict.None);
            return;
        }
        bytes memory signature = _signReceipt(receipt);
        vm.expectRevert(abi.encodeWithSelector(IAuditManager.AuditManager_WrongLeaf.selector, caseId));
        auditManager.answer(caseId, batch, receipt, signature, proof);
        _warpTo(docket.caseOf(caseId).deadline + GRACE);
        auditManager.withhold(caseId, batch);
        assertEq(_punishment().operator, operator);
    }

    /// @dev The easy leaf, half of all walks, is the one that the attacker would show.
    function test_TheEasyLeafIsNoAnswer() public {
        (uint256 caseId, uint256 leaf) = (0, 1);
        for (uint256 i = 0; leaf != 0; ++i) {
            uint256 snapshot = vm.snapshotState();
            (caseId, leaf) = _drawSkewed(keccak256(abi.encode(i)), uint32(CHAIN + 1));
            if (leaf != 0) vm.revertToState(snapshot);
        }
        IReceipts.Receipt memory receipt = _leaves[0];
        bytes memory signature = _signReceipt(receipt);
        bytes32[] memory proof = _proofOf(0);
        vm.expectRevert(abi.encodeWithSelector(IAuditManager.AuditManager_WrongLeaf.selector, caseId));
        auditManager.answer(caseId, batch, receipt, signature, proof);
    }
}
