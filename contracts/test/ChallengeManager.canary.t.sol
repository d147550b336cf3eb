// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ICaseDocket} from "../src/interfaces/ICaseDocket.sol";
import {IChallengeManager} from "../src/interfaces/IChallengeManager.sol";
import {IFaults} from "../src/interfaces/IFaults.sol";
import {IReceipts} from "../src/interfaces/IReceipts.sol";
import {IVerdicts} from "../src/interfaces/IVerdicts.sol";
import {AuditBase} from "./AuditBase.t.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

contract ChallengeManagerCanaryTest is AuditBase {
    bytes32 private constant SALT = "salt";

    function _commitmentTo(IReceipts.Receipt memory receipt) private pure returns (bytes32) {
        return keccak256(abi.encode(_structHash(receipt), SALT));
    }

    function _plant(IReceipts.Receipt memory receipt) private {
        vm.prank(canary);
        challenges.plantCanary(_commitmentTo(receipt));
        _skip(1);
    }

    /// @dev A canary that these many judges called right, the rest nothing.
    function _judgedCanary(uint256 votes) private returns (uint256 caseId, IReceipts.Receipt memory receipt) {
        receipt = _receipt(1);
        _plant(receipt);
        caseId = _challengeAs(canary, receipt);
        _drawJudges(caseId);
        _voteAll(caseId, receipt.outputHash, votes);
    }

    function _expectNotCanary(uint256 caseId, bytes32 commitment) private {
        vm.expectRevert(
            abi.encodeWithSelector(IChallengeManager.ChallengeManager_NotCanary.selector, caseId, commitment)
        );
    }

    function test_ACanaryVoidsTheVerdict() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedCanary(4);
        _assertStage(caseId, ICaseDocket.Stage.Decided, IVerdicts.Verdict.Passed);
        vm.expectEmit(address(challenges));
        emit IChallengeManager.CanaryRevealed(canary, caseId, _commitmentTo(receipt));
        vm.expectEmit(address(docket));
        emit ICaseDocket.CaseClosed(operator, caseId, IVerdicts.Verdict.Voided, false);
        vm.prank(canary);
        challenges.revealCanary(caseId, SALT);
        _assertStage(caseId, ICaseDocket.Stage.Closed, IVerdicts.Verdict.Voided);
        assertEq(challenges.credited(canary), BOND);
        assertEq(challenges.credited(operator), 0);
        assertEq(challenges.openChallenges(operator), 0);
        assertEq(faults.punishmentCount(), 0);
    }

    function test_JudgesWhoCalledItRightArePunished() public {
        (uint256 caseId,) = _judgedCanary(4);
        vm.prank(canary);
        challenges.revealCanary(caseId, SALT);
        address member = judges.seatOf(caseId, 0).member;
        bytes32 offence = keccak256(abi.encode(IFaults.Fault.FalseReport, member, caseId));
        vm.expectEmit(address(docket));
        emit ICaseDocket.JudgePunished(member, caseId, offence);
        docket.punishJudge(caseId, 0);
        IFaults.Punishment memory punishment = _punishment();
        assertEq(uint8(punishment.fault), uint8(IFaults.Fault.FalseReport));
        assertEq(abi.encode(punishment.terms), abi.encode(_faultTerms(IFaults.Fault.FalseReport)));
        assertEq(punishment.operator, member);
        assertEq(punishment.offence, offence);
        assertEq(punishment.principalCap, OWN_STAKE);
        assertEq(punishment.beneficiary, address(0));
        docket.punishJudge(caseId, 4);
        assertEq(uint8(_punishment().fault), uint8(IFaults.Fault.Unrevealed));
        assertEq(abi.encode(_punishment().terms), abi.encode(_faultTerms(IFaults.Fault.Unrevealed)));

        vm.expectRevert(abi.encodeWithSelector(ICaseDocket.CaseDocket_AlreadyPunished.selector, offence));
        docket.punishJudge(caseId, 0);
    }

    function test_JudgesWhoCalledItWrongAreNot() public {
        IReceipts.Receipt memory receipt = _receipt(1);
        _plant(receipt);
        uint256 caseId = _challengeAs(canary, receipt);
        _drawJudges(caseId);
        _voteAll(caseId, WRONG, SEATS);
        vm.prank(canary);
        challenges.revealCanary(caseId, SALT);
        vm.expectRevert(abi.encodeWithSelector(ICaseDocket.CaseDocket_NotAtFault.selector, caseId, 0));
        docket.punishJudge(caseId, 0);
        assertEq(faults.punishmentCount(), 0);
    }

    function test_JudgesWhoCalledAnHonestReceiptRightAreNot() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedChallenge();
        _voteAll(caseId, receipt.outputHash, SEATS);
        vm.expectRevert(abi.encodeWithSelector(ICaseDocket.CaseDocket_NotAtFault.selector, caseId, 2));
        docket.punishJudge(caseId, 2);
    }

    function test_AJudgeThatCommittedButDidNotRevealIsPunished() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedAudit();
        _commit(caseId, 3, receipt.outputHash);
        _expectStage(caseId, ICaseDocket.Stage.Judging);
        docket.punishJudge(caseId, 3);
        _warpTo(judges.committeeOf(caseId).revealUntil);
        docket.conclude(caseId);
        docket.punishJudge(caseId, 3);
        assertEq(_punishment().operator, judges.seatOf(caseId, 3).member);
        assertEq(uint8(_punishment().fault), uint8(IFaults.Fault.Unrevealed));
    }

    function test_RevertWhen_ItWasNotPlantedBefore() public {
        IReceipts.Receipt memory receipt = _receipt(1);
        uint256 caseId = _challengeAs(canary, receipt);
        vm.prank(canary);
        challenges.plantCanary(_commitmentTo(receipt));
        _drawJudges(caseId);
        _voteAll(caseId, WRONG, SEATS);
        _expectNotCanary(caseId, _commitmentTo(receipt));
        vm.prank(canary);
        challenges.revealCanary(caseId, SALT);
    }

    function test_RevertWhen_TheSaltIsWrong() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedCanary(SEATS);
        _expectNotCanary(caseId, keccak256(abi.encode(_structHash(receipt), bytes32("other"))));
        vm.prank(canary);
        challenges.revealCanary(caseId, "other");
    }

    function test_RevertWhen_AnotherRevealsIt() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedCanary(SEATS);
        _expectNotCanary(caseId, _commitmentTo(receipt));
        vm.prank(attacker);
        challenges.revealCanary(caseId, SALT);
    }

    function test_RevertWhen_ThereIsNoVerdict() public {
        IReceipts.Receipt memory receipt = _receipt(1);
        _plant(receipt);
        uint256 caseId = _challengeAs(canary, receipt);
        _expectStage(caseId, ICaseDocket.Stage.Judging);
        vm.prank(canary);
        challenges.revealCanary(caseId, SALT);
    }

    function test_RevertWhen_TheVerdictCanBeExecuted() public {
        (uint256 caseId,) = _judgedCanary(SEATS);
        uint64 deadline = docket.caseOf(caseId).deadline;
        _warpTo(deadline);
        vm.expectRevert(abi.encodeWithSelector(ICaseDocket.CaseDocket_DeadlinePassed.selector, caseId, deadline));
        vm.prank(canary);
        challenges.revealCanary(caseId, SALT);
    }

    function test_RevertWhen_ItIsPlantedTwice() public {
        vm.startPrank(canary);
        vm.expectEmit(address(challenges));
        emit IChallengeManager.CanaryPlanted(canary, "commitment");
        challenges.plantCanary("commitment");
        assertEq(challenges.canaryOf("commitment").planter, canary);
        assertEq(challenges.canaryOf("commitment").plantedAt, _now());
        vm.expectRevert(
            abi.encodeWithSelector(IChallengeManager.ChallengeManager_CanaryExists.selector, bytes32("commitment"))
        );
        challenges.plantCanary("commitment");
    }

    function test_RevertWhen_ThePlanterHasNoRole() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, attacker));
        vm.prank(attacker);
        challenges.plantCanary("commitment");
    }
}
