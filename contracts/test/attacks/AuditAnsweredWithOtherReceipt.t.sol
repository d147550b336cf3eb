// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IAuditManager} from "../../src/interfaces/IAuditManager.sol";
import {ICaseDocket} from "../../src/interfaces/ICaseDocket.sol";
import {IReceipts} from "../../src/interfaces/IReceipts.sol";
import {AuditBase} from "../AuditBase.t.sol";
import {ReceiptTree} from "../audits/ReceiptTree.sol";

/// @notice Attack: an operator whose wrong receipt is audited shows a right one in its place.
contract AuditAnsweredWithOtherReceiptTest is AuditBase {
    uint256 private _caseId;
    uint256 private _position;

    function setUp() public override {
        super.setUp();
        _caseId = _drawnAudit();
        (_position,) = ReceiptTree.walk(tree, auditManager.audit(_caseId).path);
    }

    function _expectWrongLeaf() private {
        vm.expectRevert(abi.encodeWithSelector(IAuditManager.AuditManager_WrongLeaf.selector, _caseId));
    }

    /// @dev Every other leaf of the tree, with the proof that is its own.
    function test_NoOtherLeafOfTheTreeAnswers() public {
        uint256 shown = 0;
        for (uint256 path = 0; path < 16; ++path) {
            (uint256 position, bytes32[] memory proof) = ReceiptTree.walk(tree, bytes32(path));
            if (position == _position) continue;
            ++shown;
            IReceipts.Receipt memory receipt = receipts[position];
            bytes memory signature = _signReceipt(receipt);
            _expectWrongLeaf();
            auditManager.answer(_caseId, batch, receipt, signature, proof);
        }
        assertGe(shown, RECEIPTS - 1);
    }

    /// @dev The same request with a better output, signed as well, is not what was committed.
    function test_ACorrectedReceiptIsNotTheOneThatWasCommitted() public {
        (IReceipts.Receipt memory receipt,, bytes32[] memory proof) = _leafOf(_caseId);
        receipt.outputHash = "the right output";
        bytes memory signature = _signReceipt(receipt);
        _expectWrongLeaf();
        auditManager.answer(_caseId, batch, receipt, signature, proof);
    }

    /// @dev Nor is the batch another one of the operator's.
    function test_AnotherBatchDoesNotAnswer() public {
        (IReceipts.Receipt memory receipt, bytes memory signature, bytes32[] memory proof) = _leafOf(_caseId);
        uint256 audited = batchId;
        _settleReceipts(RECEIPTS, RISK);
        assertNotEq(batchId, audited);
        vm.expectRevert(abi.encodeWithSelector(IAuditManager.AuditManager_WrongBatch.selector, audited));
        auditManager.answer(_caseId, batch, receipt, signature, proof);
    }

    /// @dev A receipt of another operator in one's own tree passes no judgement for oneself: its signer must be the accused.
    function test_AnotherOperatorsReceiptDoesNotAnswer() public {
        bytes32[] memory leaves = new bytes32[](1);
        IReceipts.Receipt memory receipt = _receipt(1);
        leaves[0] = _leaf(receipt);
        _openBatch(leaves[0], 1, RISK);
        batches.cover(operator, 0, 0);
        _record(batch.settledBlock + DELAY, keccak256("seed"));
        uint256 caseId = auditManager.draw(batchId, batch);
        Account memory key = signingKeyOf[operators[1]];
        bytes memory signature = _signReceipt(receipt, key);
        vm.expectRevert(abi.encodeWithSelector(ICaseDocket.CaseDocket_InvalidReceipt.selector, key.addr, operator));
        auditManager.answer(caseId, batch, receipt, signature, new bytes32[](0));
    }
}
