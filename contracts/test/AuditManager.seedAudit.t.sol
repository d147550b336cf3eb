// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IAuditManager} from "../src/interfaces/IAuditManager.sol";
import {ICaseDocket} from "../src/interfaces/ICaseDocket.sol";
import {IVerdicts} from "../src/interfaces/IVerdicts.sol";
import {AuditBase} from "./AuditBase.t.sol";

contract AuditManagerSeedAuditTest is AuditBase {
    uint256 private _caseId;
    uint64 private _round;

    function setUp() public override {
        super.setUp();
        _settleReceipts(RECEIPTS, 0);
        uint64 lost = batch.settledBlock + DELAY;
        _expire(lost);
        _round = _blockNumber() + DELAY;
        vm.expectEmit(address(auditManager));
        emit IAuditManager.BatchDrawn(operator, batchId, 1, lost, 0, WAD);
        vm.expectEmit(address(auditManager));
        emit IAuditManager.AuditOpened(operator, 1, batchId, _round, OWN_STAKE, 1);
        _caseId = auditManager.draw(batchId, batch);
    }

    function test_ALostSeedMakesAnAuditThatWaitsForAnother() public view {
        _assertStage(_caseId, ICaseDocket.Stage.Seeding, IVerdicts.Verdict.None);
        assertEq(auditManager.audit(_caseId).round, _round);
        assertEq(docket.caseOf(_caseId).deadline, 0);
        assertFalse(_isReleased());
    }

    function test_TheNextSeedAsksForALeaf() public {
        bytes32 seed = keccak256("seed");
        _record(_round, seed);
        _skip(1 hours);
        bytes32 path = keccak256(abi.encode(seed, batchId, bytes32("leaf")));
        vm.expectEmit(address(auditManager));
        emit IAuditManager.LeafRequested(operator, _caseId, path, _now() + ANSWER_WINDOW);
        vm.prank(bob);
        auditManager.seedAudit(_caseId);
        assertEq(auditManager.audit(_caseId).round, 0);
        _answer(_caseId);
        _assertStage(_caseId, ICaseDocket.Stage.Judging, IVerdicts.Verdict.None);
    }

    function test_AnotherLostSeedIsReplacedAgain() public {
        _expire(_round);
        vm.expectEmit(address(auditManager));
        emit IAuditManager.AuditReseeded(operator, _caseId, _blockNumber() + DELAY);
        auditManager.seedAudit(_caseId);
        _assertStage(_caseId, ICaseDocket.Stage.Seeding, IVerdicts.Verdict.None);
        assertEq(auditManager.audit(_caseId).round, _blockNumber() + DELAY);
    }

    function test_RevertWhen_TheSeedIsNotKnown() public {
        vm.expectRevert(abi.encodeWithSelector(IAuditManager.AuditManager_SeedPending.selector, _round));
        auditManager.seedAudit(_caseId);
    }

    function test_RevertWhen_TheLeafIsAskedForAlready() public {
        _record(_round, keccak256("seed"));
        auditManager.seedAudit(_caseId);
        _expectStage(_caseId, ICaseDocket.Stage.Answering);
        auditManager.seedAudit(_caseId);
    }
}
