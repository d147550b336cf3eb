// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {AuditManager} from "../../src/AuditManager.sol";
import {BlockRandomness} from "../../src/BlockRandomness.sol";
import {DrandRandomness} from "../../src/DrandRandomness.sol";
import {IAuditManager} from "../../src/interfaces/IAuditManager.sol";
import {ICaseDocket} from "../../src/interfaces/ICaseDocket.sol";
import {IDrandRandomness} from "../../src/interfaces/IDrandRandomness.sol";
import {IVerdicts} from "../../src/interfaces/IVerdicts.sol";
import {AuditBase} from "../AuditBase.t.sol";
import {TestVerifier} from "../audits/TestVerifier.sol";

/// @notice Attack: an operator sees that a seed would have its batch audited, and keeps the seed from being recorded until
///         nobody can record it any more.
contract SeedGrindingByWithholdingTest is AuditBase {
    function test_ASeedThatWasLostMakesTheAuditCertain() public {
        _settleReceipts(RECEIPTS, 0);
        uint64 round = batch.settledBlock + DELAY;
        _expire(round);
        // Without the rule, this is the draw that the operator would have hoped for: the odds alone are one in ten.
        uint256 caseId = auditManager.draw(batchId, batch);
        assertNotEq(caseId, 0);
        assertFalse(_isReleased());
        _assertStage(caseId, ICaseDocket.Stage.Seeding, IVerdicts.Verdict.None);
    }

    /// @dev Nor is the leaf one that anybody could have foreseen: the lost seed does not decide it, nor zero.
    function test_AnotherSeedChoosesTheLeaf() public {
        _settleReceipts(RECEIPTS, 0);
        _expire(batch.settledBlock + DELAY);
        uint256 caseId = auditManager.draw(batchId, batch);
        assertEq(auditManager.audit(caseId).path, 0);
        uint64 round = auditManager.audit(caseId).round;
        assertGt(round, _blockNumber());
        _record(round, keccak256("later"));
        auditManager.seedAudit(caseId);
        assertEq(auditManager.audit(caseId).path, keccak256(abi.encode(keccak256("later"), batchId, bytes32("leaf"))));
    }

    /// @dev Nothing else releases a batch meanwhile.
    function test_NothingIsReleasedBeforeItsSeed() public {
        _settleReceipts(RECEIPTS, 0);
        vm.expectRevert(
            abi.encodeWithSelector(IAuditManager.AuditManager_SeedPending.selector, batch.settledBlock + DELAY)
        );
        auditManager.draw(batchId, batch);
        _expire(batch.settledBlock + DELAY);
        uint256 caseId = auditManager.draw(batchId, batch);
        _expectStage(caseId, ICaseDocket.Stage.Seeding);
        auditManager.withhold(caseId, batch);
        _expectStage(caseId, ICaseDocket.Stage.Seeding);
        auditManager.executeAudit(caseId, batch);
    }

    /// @dev Where seeds come from drand they are never lost, and not biased: no root of the odds, and no rest but to wait.
    function test_ABeaconsSeedIsAwaitedForEver() public {
        DrandRandomness drand = new DrandRandomness(
            IDrandRandomness.Beacon({verifier: address(new TestVerifier()), genesis: START, period: 3, margin: 30})
        );
        auditManager = new AuditManager(docket, drand);
        vm.prank(admin);
        accessManager.grantRole(AUDITOR_ROLE, address(auditManager), 0);
        _settleReceipts(RECEIPTS, 0);
        uint64 round = drand.roundFor(batch.settledAt, batch.settledBlock);
        _skip(365 days);
        vm.roll(_blockNumber() + 1e6);
        vm.expectRevert(abi.encodeWithSelector(IAuditManager.AuditManager_SeedPending.selector, round));
        auditManager.draw(batchId, batch);

        bytes memory signature = abi.encodePacked(round, bytes32("signature"));
        bytes32 seed = drand.record(round, signature);
        vm.expectEmit(true, true, false, true);
        // forge-lint: disable-next-line(unsafe-typecast)
        bool drawn = uint128(uint256(keccak256(abi.encode(seed, batchId)))) * WAD < 0.01e18 << 128;
        emit IAuditManager.BatchDrawn(operator, batchId, drawn ? 1 : 0, round, seed, 0.01e18);
        auditManager.draw(batchId, batch);
    }

    /// @dev A committee that would convict is not replaced by losing its seed for good: there is none without another seed.
    function test_ACommitteeWaitsForAnotherSeed() public {
        uint256 caseId = _challenge(_receipt(1));
        for (uint256 i = 0; i < 3; ++i) {
            _expire(judges.committeeOf(caseId).round);
            assertFalse(judges.draw(caseId));
            assertGt(judges.committeeOf(caseId).round, _blockNumber());
            vm.expectRevert(abi.encodeWithSelector(ICaseDocket.CaseDocket_NotDecided.selector, caseId));
            docket.conclude(caseId);
        }
    }
}
