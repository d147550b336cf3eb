// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IAuditManager} from "../src/interfaces/IAuditManager.sol";
import {IBatches} from "../src/interfaces/IBatches.sol";
import {ICaseDocket} from "../src/interfaces/ICaseDocket.sol";
import {IVerdicts} from "../src/interfaces/IVerdicts.sol";
import {AuditBase} from "./AuditBase.t.sol";
import {Vm} from "forge-std/Vm.sol";

contract AuditManagerDrawTest is AuditBase {
    /// @dev `√` of the least probability: the batch's risk is small, and the seed can be biased.
    uint256 private constant LEAST = 0.1e18;

    function test_ABatchThatIsSparedIsReleasedAtOnce() public {
        _settleReceipts(RECEIPTS, 0);
        bytes32 seed = _seedFor(batchId, LEAST, false);
        _record(batch.settledBlock + DELAY, seed);
        vm.expectEmit(address(auditManager));
        emit IAuditManager.BatchDrawn(operator, batchId, 0, batch.settledBlock + DELAY, seed, LEAST);
        vm.expectEmit(address(batches));
        emit IBatches.BatchReleased(operator, batchId, 0, 0);
        vm.prank(bob);
        assertEq(auditManager.draw(batchId, batch), 0);
        assertTrue(_isReleased());
        assertEq(auditManager.auditOf(batchId), 0);
        assertEq(docket.caseCount(), 0);
    }

    function test_ABatchThatIsDrawnStaysOpenUntilItsLeafIsShown() public {
        _settleReceipts(RECEIPTS, 0);
        bytes32 seed = _seedFor(batchId, LEAST, true);
        _record(batch.settledBlock + DELAY, seed);
        bytes32 path = keccak256(abi.encode(seed, batchId, bytes32("leaf")));
        vm.expectEmit(address(auditManager));
        emit IAuditManager.BatchDrawn(operator, batchId, 1, batch.settledBlock + DELAY, seed, LEAST);
        vm.expectEmit(address(auditManager));
        emit IAuditManager.AuditOpened(operator, 1, batchId, 0, OWN_STAKE, 1);
        vm.expectEmit(address(auditManager));
        emit IAuditManager.LeafRequested(operator, 1, path, _now() + ANSWER_WINDOW);
        assertEq(auditManager.draw(batchId, batch), 1);

        ICaseDocket.Case memory case_ = docket.caseOf(1);
        assertEq(case_.operator, operator);
        assertEq(auditManager.audit(1).batchId, batchId);
        assertEq(auditManager.audit(1).path, path);
        assertEq(case_.deadline, _now() + ANSWER_WINDOW);
        assertEq(case_.principalCap, OWN_STAKE);
        assertEq(case_.parametersVersion, 1);
        assertEq(auditManager.auditOf(batchId), 1);
        assertEq(gauge.openCases(), 1);
        assertFalse(_isReleased());
        _assertStage(1, ICaseDocket.Stage.Answering, IVerdicts.Verdict.None);
    }

    /// @dev `√(β g / (D K))`, by plain arithmetic: β = 3, g = 10, D = 0.8444, K = 1000.
    function test_TheOddsAreThoseOfWhatIsAtRisk() public {
        _settleReceipts(RECEIPTS, RISK);
        _record(batch.settledBlock + DELAY, _seedFor(batchId, 0.18e18, false));
        uint256 probability = _probability();
        assertApproxEqAbs(probability, 0.188489219e18, 1e9);
        assertGe(probability * probability * 8444 * COLLATERAL, 30_000 * uint256(RISK) * 1e36);
    }

    function testFuzz_TheOddsRiseWhenCoverFalls(uint128 risk, uint256 cover, uint256 less) public {
        cover = bound(cover, 1, 1e30);
        less = bound(less, 0, cover);
        _settleReceipts(1, risk);
        _record(batch.settledBlock + DELAY, keccak256("seed"));
        batches.cover(operator, cover, 0);
        uint256 before = _probability();
        batches.cover(operator, less, 0);
        assertGe(_probability(), before);
    }

    function test_NothingToLoseMakesAnAuditCertain() public {
        _settleReceipts(RECEIPTS, 0);
        _record(batch.settledBlock + DELAY, _seedFor(batchId, 0.99e18, false));
        batches.cover(operator, 0, 0);
        assertEq(auditManager.draw(batchId, batch), 1);
    }

    function test_StressMultipliesTheOdds() public {
        _settleReceipts(RECEIPTS, 0);
        _record(batch.settledBlock + DELAY, _seedFor(batchId, 0.3e18, false));
        measures.measure(1 ether, 1 ether, 0);
        _skip(STEP);
        gauge.updateMultiplier();
        // Five times the least, under the root.
        assertApproxEqAbs(_probability(), 0.2236067977e18, 1e9);
    }

    function test_WhatOperatorsUseOfTheirCoverIsMeasured() public {
        _settleReceipts(RECEIPTS, RISK);
        _record(batch.settledBlock + DELAY, _seedFor(batchId, 0.99e18, false));
        // Of 800 that 1,000 admit.
        batches.cover(operator, COLLATERAL, 600 ether);
        auditManager.draw(batchId, batch);
        assertEq(gauge.signs().utilisation, 7500);
    }

    function test_RevertWhen_TheSeedIsNotKnown() public {
        _settleReceipts(RECEIPTS, RISK);
        uint64 round = batch.settledBlock + DELAY;
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAuditManager.AuditManager_SeedPending.selector, round));
            auditManager.draw(batchId, batch);
            vm.roll(i == 0 ? round + 1 : round + WINDOW);
        }
    }

    function test_RevertWhen_TheBatchIsNotThatOne() public {
        _settleReceipts(RECEIPTS, RISK);
        _record(batch.settledBlock + DELAY, keccak256("seed"));
        IBatches.Batch memory other = batch;
        other.risk = 1;
        vm.expectRevert(abi.encodeWithSelector(IAuditManager.AuditManager_WrongBatch.selector, batchId));
        auditManager.draw(batchId, other);
        vm.expectRevert(abi.encodeWithSelector(IAuditManager.AuditManager_WrongBatch.selector, batchId + 1));
        auditManager.draw(batchId + 1, batch);
    }

    function test_RevertWhen_TheBatchIsReleased() public {
        _settleReceipts(RECEIPTS, RISK);
        _record(batch.settledBlock + DELAY, _seedFor(batchId, 0.99e18, false));
        auditManager.draw(batchId, batch);
        vm.expectRevert(abi.encodeWithSelector(IAuditManager.AuditManager_WrongBatch.selector, batchId));
        auditManager.draw(batchId, batch);
    }

    function test_RevertWhen_TheBatchIsBeingAudited() public {
        uint256 caseId = _drawnAudit();
        vm.expectRevert(abi.encodeWithSelector(IAuditManager.AuditManager_AlreadyDrawn.selector, batchId, caseId));
        auditManager.draw(batchId, batch);
    }

    /// @dev What `draw` says, without drawing.
    function _probability() private returns (uint256 probability) {
        uint256 snapshot = vm.snapshotState();
        vm.recordLogs();
        auditManager.draw(batchId, batch);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IAuditManager.BatchDrawn.selector) continue;
            (,, probability) = abi.decode(logs[i].data, (uint64, bytes32, uint256));
        }
        vm.revertToState(snapshot);
    }
}
