// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ICaseDocket} from "../../src/interfaces/ICaseDocket.sol";
import {IChallengeManager} from "../../src/interfaces/IChallengeManager.sol";
import {IReceipts} from "../../src/interfaces/IReceipts.sol";
import {AuditBase} from "../AuditBase.t.sol";

/// @notice Attack: a planter of canaries sells insurance: it plants an operator's wrong receipts as canaries, to void the
///         verdicts on them.
contract CanaryAsInsuranceTest is AuditBase {
    IReceipts.Receipt private _insured;

    function setUp() public override {
        super.setUp();
        _insured = _receipt(1);
        _plant("salt");
        _plant("another salt");
        _skip(1);
    }

    function _plant(bytes32 salt) private {
        vm.prank(canary);
        challenges.plantCanary(_commitmentTo(_structHash(_insured), salt));
    }

    function _commitmentTo(bytes32 receiptHash, bytes32 salt) private pure returns (bytes32) {
        return keccak256(abi.encode(receiptHash, salt));
    }

    function _convict(uint256 caseId) private {
        _drawJudges(caseId);
        _voteAll(caseId, WRONG, SEATS);
    }

    function test_AnotherPersonsChallengeCannotBeVoided() public {
        uint256 caseId = _challenge(_insured);
        _convict(caseId);
        bytes32 commitment = _commitmentTo(_structHash(_insured), "salt");
        address[3] memory callers = [canary, challenger, operator];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IChallengeManager.ChallengeManager_NotCanary.selector, caseId, commitment)
            );
            vm.prank(callers[i]);
            challenges.revealCanary(caseId, "salt");
        }
        _executeChallenge(caseId);
        assertEq(_punishment().operator, operator);
    }

    function test_ARandomAuditCannotBeVoided() public {
        uint256 caseId = _drawnAudit();
        (IReceipts.Receipt memory receipt,,) = _leafOf(caseId);
        _insured = receipt;
        _plant("salt");
        _skip(1);
        _answer(caseId);
        _convict(caseId);
        vm.expectRevert(abi.encodeWithSelector(IChallengeManager.ChallengeManager_NotChallenge.selector, caseId));
        vm.prank(canary);
        challenges.revealCanary(caseId, "salt");
        auditManager.executeAudit(caseId, batch);
        assertEq(_punishment().operator, operator);
    }

    /// @dev A challenge by the planter keeps everybody else away, so they get a whole dispute window after it; and a deed is
    ///      voided once, however many commitments were planted for it.
    function test_ADeedIsFreeAgainForEverybodyElse() public {
        uint256 caseId = _challengeAs(canary, _insured);
        _convict(caseId);
        _warpTo(_insured.servedAt + DISPUTE_WINDOW - 1 days);
        assertGe(_now(), docket.caseOf(caseId).deadline);
        vm.expectRevert(
            abi.encodeWithSelector(
                ICaseDocket.CaseDocket_DeadlinePassed.selector, caseId, docket.caseOf(caseId).deadline
            )
        );
        vm.prank(canary);
        challenges.revealCanary(caseId, "salt");

        vm.warp(docket.caseOf(caseId).deadline - 1);
        vm.prank(canary);
        challenges.revealCanary(caseId, "salt");
        uint64 freedAt = _now();
        assertEq(faults.punishmentCount(), 0);

        _warpTo(freedAt + DISPUTE_WINDOW - 1);
        assertGt(_now(), _insured.servedAt + DISPUTE_WINDOW);
        caseId = _challengeAs(canary, _insured);
        _convict(caseId);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChallengeManager.ChallengeManager_NotCanary.selector,
                caseId,
                _commitmentTo(_structHash(_insured), "another salt")
            )
        );
        vm.prank(canary);
        challenges.revealCanary(caseId, "another salt");
        _executeChallenge(caseId);
        assertEq(_punishment().operator, operator);
    }
}
