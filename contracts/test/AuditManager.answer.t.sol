// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IAuditManager} from "../src/interfaces/IAuditManager.sol";
import {IBatches} from "../src/interfaces/IBatches.sol";
import {ICaseDocket} from "../src/interfaces/ICaseDocket.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {IReceipts} from "../src/interfaces/IReceipts.sol";
import {IVerdicts} from "../src/interfaces/IVerdicts.sol";
import {AuditBase} from "./AuditBase.t.sol";
import {ReceiptTree} from "./audits/ReceiptTree.sol";

contract AuditManagerAnswerTest is AuditBase {
    function _reject(
        bytes memory reason,
        uint256 caseId,
        IReceipts.Receipt memory receipt,
        bytes memory signature,
        bytes32[] memory proof
    ) private {
        vm.expectRevert(reason);
        auditManager.answer(caseId, batch, receipt, signature, proof);
    }

    function test_AnybodyShowsTheLeaf() public {
        uint256 caseId = _drawnAudit();
        (IReceipts.Receipt memory receipt, bytes memory signature, bytes32[] memory proof) = _leafOf(caseId);
        bytes32 offence = docket.offenceOf(operator, _structHash(receipt));
        vm.expectEmit(address(auditManager));
        emit IAuditManager.LeafAnswered(operator, caseId, bob);
        vm.expectEmit(address(docket));
        emit ICaseDocket.JudgementBegun(
            operator,
            caseId,
            offence,
            ICaseDocket.Stage.Judging,
            address(0),
            docket.caseOf(caseId).deadline,
            signingKeyOf[operator].addr,
            receipt
        );
        vm.prank(bob);
        auditManager.answer(caseId, batch, receipt, signature, proof);

        ICaseDocket.Case memory case_ = docket.caseOf(caseId);
        assertEq(case_.receiptHash, _structHash(receipt));
        assertEq(case_.offence, offence);
        assertEq(case_.payer, receipt.payer);
        assertEq(case_.fee, receipt.fee);
        assertEq(case_.modelId, receipt.modelId);
        assertEq(case_.signer, signingKeyOf[operator].addr);
        assertEq(docket.docketOf(offence), caseId);
        _assertStage(caseId, ICaseDocket.Stage.Judging, IVerdicts.Verdict.None);
    }

    function test_AKeyThatWasRotatedAwaySinceStillAnswers() public {
        uint256 caseId = _drawnAudit();
        (IReceipts.Receipt memory receipt, bytes memory signature, bytes32[] memory proof) = _leafOf(caseId);
        Account memory next = makeAccount("next key");
        bytes memory binding = _signKeyBinding(operator, next);
        vm.prank(operator);
        operatorRegistry.rotateKey(next.addr, binding);
        auditManager.answer(caseId, batch, receipt, signature, proof);
        _assertStage(caseId, ICaseDocket.Stage.Judging, IVerdicts.Verdict.None);
    }

    /// @dev A leaf of every tree from one receipt on, wherever the path leads.
    function testFuzz_EveryPathOfATreeCanBeAnswered(uint32 count, bytes32 seed) public {
        count = uint32(bound(count, 1, 40));
        _settleReceipts(count, RISK);
        batches.cover(operator, 0, 0);
        vm.assume(seed != 0);
        _record(batch.settledBlock + DELAY, seed);
        uint256 caseId = auditManager.draw(batchId, batch);
        _answer(caseId);
        _assertStage(caseId, ICaseDocket.Stage.Judging, IVerdicts.Verdict.None);
    }

    function test_RevertWhen_TheLeafIsAnother() public {
        uint256 caseId = _drawnAudit();
        (IReceipts.Receipt memory receipt, bytes memory signature, bytes32[] memory proof) = _leafOf(caseId);
        bytes memory reason = abi.encodeWithSelector(IAuditManager.AuditManager_WrongLeaf.selector, caseId);
        for (uint256 i = 0; i < receipts.length; ++i) {
            if (receipts[i].requestId == receipt.requestId) continue;
            _reject(reason, caseId, receipts[i], _signReceipt(receipts[i]), proof);
        }
        proof[0] = ~proof[0];
        _reject(reason, caseId, receipt, signature, proof);
        _reject(reason, caseId, receipt, signature, new bytes32[](0));
    }

    function test_RevertWhen_TheBatchIsAnother() public {
        uint256 caseId = _drawnAudit();
        (IReceipts.Receipt memory receipt, bytes memory signature, bytes32[] memory proof) = _leafOf(caseId);
        batch.receiptCount = 1;
        _reject(
            abi.encodeWithSelector(IAuditManager.AuditManager_WrongBatch.selector, batchId),
            caseId,
            receipt,
            signature,
            proof
        );
    }

    function test_RevertWhen_TheSignatureIsNotTheOperators() public {
        uint256 caseId = _drawnAudit();
        (IReceipts.Receipt memory receipt,, bytes32[] memory proof) = _leafOf(caseId);
        Account memory other = signingKeyOf[operators[1]];
        Account memory stranger = makeAccount("stranger");
        Account[2] memory keys = [other, stranger];
        for (uint256 i = 0; i < keys.length; ++i) {
            _reject(
                abi.encodeWithSelector(ICaseDocket.CaseDocket_InvalidReceipt.selector, keys[i].addr, operator),
                caseId,
                receipt,
                _signReceipt(receipt, keys[i]),
                proof
            );
        }
        _reject(
            abi.encodeWithSelector(ICaseDocket.CaseDocket_InvalidReceipt.selector, address(0), operator),
            caseId,
            receipt,
            "not a signature",
            proof
        );
    }

    function test_RevertWhen_TheKeyWasNotBoundWhenItServed() public {
        uint256 caseId = _drawnAudit();
        Account memory next = makeAccount("next key");
        bytes memory binding = _signKeyBinding(operator, next);
        vm.prank(operator);
        operatorRegistry.rotateKey(next.addr, binding);
        (IReceipts.Receipt memory receipt,, bytes32[] memory proof) = _leafOf(caseId);
        _reject(
            abi.encodeWithSelector(ICaseDocket.CaseDocket_InvalidReceipt.selector, next.addr, operator),
            caseId,
            receipt,
            _signReceipt(receipt, next),
            proof
        );
    }

    /// @dev After its rotation, a key signs nothing more.
    function test_RevertWhen_TheKeyWasRotatedAwayBeforeItServed() public {
        Account memory next = makeAccount("next key");
        bytes memory binding = _signKeyBinding(operator, next);
        vm.prank(operator);
        operatorRegistry.rotateKey(next.addr, binding);
        uint64 until = _now();
        _skip(1 hours + 1);
        bytes32[] memory leaves = new bytes32[](1);
        IReceipts.Receipt memory receipt = _receipt(1);
        assertEq(receipt.servedAt, until + 1);
        leaves[0] = _leaf(receipt);
        uint256 caseId = _audit(leaves);
        _reject(
            abi.encodeWithSelector(
                ICaseDocket.CaseDocket_InvalidReceipt.selector, signingKeyOf[operator].addr, operator
            ),
            caseId,
            receipt,
            _signReceipt(receipt),
            new bytes32[](0)
        );
    }

    /// @dev What names no version cannot be judged, and is as good as not shown.
    function test_RevertWhen_TheVersionDoesNotExist() public {
        bytes32[] memory leaves = new bytes32[](1);
        IReceipts.Receipt memory receipt = _receipt(1);
        receipt.version = 2;
        leaves[0] = _leaf(receipt);
        uint256 caseId = _audit(leaves);
        _reject(
            abi.encodeWithSelector(IModelRegistry.ModelRegistry_VersionUnknown.selector, modelId, 2),
            caseId,
            receipt,
            _signReceipt(receipt),
            new bytes32[](0)
        );
    }

    function test_RevertWhen_TheDeadlineHasPassed() public {
        uint256 caseId = _drawnAudit();
        uint64 deadline = docket.caseOf(caseId).deadline;
        (IReceipts.Receipt memory receipt, bytes memory signature, bytes32[] memory proof) = _leafOf(caseId);
        _warpTo(deadline);
        _reject(
            abi.encodeWithSelector(ICaseDocket.CaseDocket_DeadlinePassed.selector, caseId, deadline),
            caseId,
            receipt,
            signature,
            proof
        );
        vm.warp(deadline - 1);
        auditManager.answer(caseId, batch, receipt, signature, proof);
    }

    function test_RevertWhen_ItIsAnswered() public {
        uint256 caseId = _drawnAudit();
        (IReceipts.Receipt memory receipt, bytes memory signature, bytes32[] memory proof) = _leafOf(caseId);
        auditManager.answer(caseId, batch, receipt, signature, proof);
        _reject(
            abi.encodeWithSelector(ICaseDocket.CaseDocket_WrongStage.selector, caseId, ICaseDocket.Stage.Judging),
            caseId,
            receipt,
            signature,
            proof
        );
    }

    /// @dev Has a batch of these leaves drawn for certain.
    function _audit(bytes32[] memory leaves) private returns (uint256 caseId) {
        tree = ReceiptTree.build(leaves);
        _openBatch(tree[0], uint32(leaves.length), RISK);
        batches.cover(operator, 0, 0);
        _record(batch.settledBlock + DELAY, keccak256("seed"));
        caseId = auditManager.draw(batchId, batch);
    }
}
