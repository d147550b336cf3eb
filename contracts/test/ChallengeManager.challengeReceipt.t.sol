// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ICaseDocket} from "../src/interfaces/ICaseDocket.sol";
import {IChallengeManager} from "../src/interfaces/IChallengeManager.sol";
import {IFaults} from "../src/interfaces/IFaults.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {IReceipts} from "../src/interfaces/IReceipts.sol";
import {IVerdicts} from "../src/interfaces/IVerdicts.sol";
import {AuditBase} from "./AuditBase.t.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

contract ChallengeManagerChallengeReceiptTest is AuditBase {
    function _offence(IReceipts.Receipt memory receipt) private view returns (bytes32) {
        return docket.offenceOf(operator, _structHash(receipt));
    }

    function _reject(bytes memory reason, IReceipts.Receipt memory receipt) private {
        bytes memory signature = _signReceipt(receipt);
        vm.expectRevert(reason);
        vm.prank(challenger);
        challenges.challengeReceipt(receipt, signature);
    }

    function test_AnybodyChallengesASignedReceiptAgainstABond() public {
        IReceipts.Receipt memory receipt = _receipt(1);
        _fund(feeToken, challenger, address(challenges), BOND);
        bytes memory signature = _signReceipt(receipt);
        vm.expectEmit(address(challenges));
        emit IChallengeManager.ChallengeOpened(operator, 1, challenger, BOND, OWN_STAKE, 1);
        vm.expectEmit(address(docket));
        emit ICaseDocket.JudgementBegun(
            operator,
            1,
            _offence(receipt),
            ICaseDocket.Stage.Judging,
            address(0),
            0,
            signingKeyOf[operator].addr,
            receipt
        );
        vm.prank(challenger);
        assertEq(challenges.challengeReceipt(receipt, signature), 1);
        assertEq(feeToken.balanceOf(address(challenges)), BOND);
        assertEq(feeToken.balanceOf(challenger), 0);
        assertEq(challenges.openChallenges(operator), 1);
        assertEq(docket.docketOf(_offence(receipt)), 1);
        assertEq(gauge.openCases(), 1);
        ICaseDocket.Case memory case_ = docket.caseOf(1);
        assertEq(case_.challenger, challenger);
        assertEq(case_.bond, BOND);
        assertEq(case_.principalCap, OWN_STAKE);
    }

    function test_AWonChallengePaysTheBondBackAndPunishes() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedChallenge();
        batches.payLane(payer.addr, operator, modelId, 0.4 ether);
        _voteAll(caseId, WRONG, SEATS);
        _warpTo(docket.caseOf(caseId).deadline);
        vm.expectEmit(address(challenges));
        emit IChallengeManager.BondCredited(challenger, caseId, BOND);
        vm.expectEmit(address(docket));
        emit ICaseDocket.CaseClosed(operator, caseId, IVerdicts.Verdict.Failed, true);
        challenges.executeChallenge(caseId);

        IFaults.Punishment memory punishment = _punishment();
        assertEq(uint8(punishment.fault), uint8(IFaults.Fault.WrongOutput));
        assertEq(punishment.offence, _offence(receipt));
        assertEq(punishment.operator, operator);
        assertEq(punishment.beneficiary, challenger);
        assertEq(punishment.victim, payer.addr);
        assertEq(punishment.refund, 0.4 ether);
        assertEq(challenges.credited(challenger), BOND);
        assertEq(challenges.openChallenges(operator), 0);
        assertEq(gauge.openCases(), 0);
    }

    /// @dev Six parts: three judges revealed, so three are left for the operator.
    function test_ALostChallengePaysJudgesAndOperator() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedChallenge();
        _voteAll(caseId, receipt.outputHash, 3);
        _executeChallenge(caseId);
        assertEq(faults.punishmentCount(), 0);
        assertEq(challenges.credited(operator), 3 ether);
        for (uint8 i = 0; i < SEATS; ++i) {
            assertEq(challenges.credited(judges.seatOf(caseId, i).member), i < 3 ? 1 ether : 0);
        }
        assertEq(challenges.credited(challenger), 0);
        assertEq(challenges.openChallenges(operator), 0);
        _reject(
            abi.encodeWithSelector(
                IChallengeManager.ChallengeManager_AlreadyOnDocket.selector, _offence(receipt), caseId
            ),
            receipt
        );
    }

    function test_AnInconclusiveChallengePaysTheBondBackAndCanBeRepeated() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedChallenge();
        _voteAll(caseId, WRONG, 2);
        _executeChallenge(caseId);
        assertEq(faults.punishmentCount(), 0);
        assertEq(challenges.credited(challenger), BOND);
        assertEq(challenges.collect(challenger), BOND);
        assertEq(_challenge(receipt), caseId + 1);
    }

    function test_RevertWhen_TheCanaryWindowIsOpen() public {
        (uint256 caseId,) = _judgedChallenge();
        _voteAll(caseId, WRONG, SEATS);
        uint64 from = _now() + CANARY_WINDOW;
        _warpTo(from - 1);
        vm.expectRevert(abi.encodeWithSelector(ICaseDocket.CaseDocket_TooEarly.selector, caseId, from));
        challenges.executeChallenge(caseId);
    }

    function test_RevertWhen_AnAuditIsExecutedAsAChallenge() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedAudit();
        _voteAll(caseId, receipt.outputHash, SEATS);
        vm.expectRevert(abi.encodeWithSelector(IChallengeManager.ChallengeManager_NotChallenge.selector, caseId));
        challenges.executeChallenge(caseId);
    }

    function test_RevertWhen_TheDeedIsOnTheDocket() public {
        IReceipts.Receipt memory receipt = _receipt(1);
        uint256 caseId = _challenge(receipt);
        bytes memory reason = abi.encodeWithSelector(
            IChallengeManager.ChallengeManager_AlreadyOnDocket.selector, _offence(receipt), caseId
        );
        _reject(reason, receipt);
        _drawJudges(caseId);
        _voteAll(caseId, WRONG, SEATS);
        _reject(reason, receipt);
    }

    function test_RevertWhen_TheReceiptIsBeingAudited() public {
        uint256 caseId = _drawnAudit();
        IReceipts.Receipt memory receipt = _answer(caseId);
        _reject(
            abi.encodeWithSelector(
                IChallengeManager.ChallengeManager_AlreadyOnDocket.selector, _offence(receipt), caseId
            ),
            receipt
        );
    }

    function test_RevertWhen_TheDeedWasPunished() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedChallenge();
        _voteAll(caseId, WRONG, SEATS);
        _executeChallenge(caseId);
        _reject(
            abi.encodeWithSelector(IChallengeManager.ChallengeManager_AlreadyPunished.selector, _offence(receipt)),
            receipt
        );
    }

    function test_RevertWhen_TheReceiptIsTooOld() public {
        IReceipts.Receipt memory receipt = _receipt(1);
        uint256 until = receipt.servedAt + DISPUTE_WINDOW;
        // The window's end is a time.
        // forge-lint: disable-next-line(unsafe-typecast)
        _warpTo(uint64(until));
        _reject(
            abi.encodeWithSelector(IChallengeManager.ChallengeManager_ReceiptTooOld.selector, receipt.servedAt, until),
            receipt
        );
        vm.warp(until - 1);
        _challenge(receipt);
    }

    function test_RevertWhen_TheReceiptIsNotTheOperators() public {
        IReceipts.Receipt memory receipt = _receipt(1);
        bytes memory signature = _signReceipt(receipt, payer);
        vm.expectRevert(abi.encodeWithSelector(ICaseDocket.CaseDocket_InvalidReceipt.selector, payer.addr, address(0)));
        challenges.challengeReceipt(receipt, signature);
    }

    function test_RevertWhen_TheVersionDoesNotExist() public {
        IReceipts.Receipt memory receipt = _receipt(1);
        receipt.version = 7;
        _reject(abi.encodeWithSelector(IModelRegistry.ModelRegistry_VersionUnknown.selector, modelId, 7), receipt);
    }

    function test_RevertWhen_TheBondIsNotPaid() public {
        _reject(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector, address(challenges), 0, uint256(BOND)
            ),
            _receipt(1)
        );
    }

    function test_RevertWhen_ThereIsNothingToCollect() public {
        vm.expectRevert(abi.encodeWithSelector(IChallengeManager.ChallengeManager_NothingToClaim.selector, bob));
        challenges.collect(bob);
    }

    function test_CreditsAreCollectedByAnybodyForTheirOwner() public {
        (uint256 caseId,) = _judgedChallenge();
        _voteAll(caseId, WRONG, 2);
        _executeChallenge(caseId);
        vm.expectEmit(address(challenges));
        emit IChallengeManager.CreditCollected(challenger, BOND);
        vm.prank(bob);
        challenges.collect(challenger);
        assertEq(feeToken.balanceOf(challenger), BOND);
        assertEq(challenges.credited(challenger), 0);
    }

    /// @dev Whatever the votes: the bond is paid out once and whole.
    function testFuzz_ABondIsPaidOutToTheBaseUnit(uint256 votes) public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedChallenge();
        uint256 count = bound(votes, 0, SEATS);
        bytes32[] memory outputs = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            outputs[i] = (votes >> i) & 1 == 1 ? receipt.outputHash : WRONG;
        }
        _vote(caseId, outputs);
        _executeChallenge(caseId);
        uint256 sum = challenges.credited(challenger) + challenges.credited(operator);
        for (uint8 i = 0; i < SEATS; ++i) {
            sum += challenges.credited(judges.seatOf(caseId, i).member);
        }
        assertEq(sum, BOND);
        assertEq(feeToken.balanceOf(address(challenges)), BOND);
    }
}
