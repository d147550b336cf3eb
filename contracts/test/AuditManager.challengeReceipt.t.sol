// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IAuditManager} from "../src/interfaces/IAuditManager.sol";
import {IFaults} from "../src/interfaces/IFaults.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {IReceipts} from "../src/interfaces/IReceipts.sol";
import {IVerdicts} from "../src/interfaces/IVerdicts.sol";
import {AuditBase} from "./AuditBase.t.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

contract AuditManagerChallengeReceiptTest is AuditBase {
    function _offence(IReceipts.Receipt memory receipt) private view returns (bytes32) {
        return auditManager.offenceOf(operator, _structHash(receipt));
    }

    function _reject(bytes memory reason, IReceipts.Receipt memory receipt) private {
        bytes memory signature = _signReceipt(receipt);
        vm.expectRevert(reason);
        vm.prank(challenger);
        auditManager.challengeReceipt(receipt, signature);
    }

    function test_AnybodyChallengesASignedReceiptAgainstABond() public {
        IReceipts.Receipt memory receipt = _receipt(1);
        _fund(feeToken, challenger, address(auditManager), BOND);
        bytes memory signature = _signReceipt(receipt);
        vm.expectEmit(address(auditManager));
        emit IAuditManager.ChallengeOpened(operator, 1, challenger, BOND, OWN_STAKE, 1);
        vm.expectEmit(address(auditManager));
        emit IAuditManager.JudgementBegun(
            operator,
            1,
            _offence(receipt),
            IAuditManager.Stage.Judging,
            address(0),
            0,
            signingKeyOf[operator].addr,
            receipt
        );
        vm.prank(challenger);
        assertEq(auditManager.challengeReceipt(receipt, signature), 1);
        assertEq(feeToken.balanceOf(address(auditManager)), BOND);
        assertEq(feeToken.balanceOf(challenger), 0);
        assertEq(auditManager.openChallenges(operator), 1);
        assertEq(auditManager.docketOf(_offence(receipt)), 1);
        assertEq(gauge.openCases(), 1);
        IAuditManager.Case memory case_ = auditManager.caseOf(1);
        assertEq(case_.challenger, challenger);
        assertEq(case_.bond, BOND);
        assertEq(case_.principalCap, OWN_STAKE);
    }

    function test_AWonChallengePaysTheBondBackAndPunishes() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedChallenge();
        batches.payLane(payer.addr, operator, modelId, 0.4 ether);
        _voteAll(caseId, WRONG, SEATS);
        _warpTo(auditManager.caseOf(caseId).deadline);
        vm.expectEmit(address(auditManager));
        emit IAuditManager.BondCredited(challenger, caseId, BOND);
        vm.expectEmit(address(auditManager));
        emit IAuditManager.CaseClosed(operator, caseId, IVerdicts.Verdict.Failed, true);
        auditManager.executeChallenge(caseId);

        IFaults.Punishment memory punishment = _punishment();
        assertEq(uint8(punishment.fault), uint8(IFaults.Fault.WrongOutput));
        assertEq(punishment.offence, _offence(receipt));
        assertEq(punishment.operator, operator);
        assertEq(punishment.beneficiary, challenger);
        assertEq(punishment.victim, payer.addr);
        assertEq(punishment.refund, 0.4 ether);
        assertEq(auditManager.credited(challenger), BOND);
        assertEq(auditManager.openChallenges(operator), 0);
        assertEq(gauge.openCases(), 0);
    }

    /// @dev Six parts: three judges revealed, so three are left for the operator.
    function test_ALostChallengePaysJudgesAndOperator() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedChallenge();
        _voteAll(caseId, receipt.outputHash, 3);
        _executeChallenge(caseId);
        assertEq(faults.punishmentCount(), 0);
        assertEq(auditManager.credited(operator), 3 ether);
        for (uint8 i = 0; i < SEATS; ++i) {
            assertEq(auditManager.credited(judges.seatOf(caseId, i).member), i < 3 ? 1 ether : 0);
        }
        assertEq(auditManager.credited(challenger), 0);
        assertEq(auditManager.openChallenges(operator), 0);
        _reject(
            abi.encodeWithSelector(IAuditManager.AuditManager_AlreadyOnDocket.selector, _offence(receipt), caseId),
            receipt
        );
    }

    function test_AnInconclusiveChallengePaysTheBondBackAndCanBeRepeated() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedChallenge();
        _voteAll(caseId, WRONG, 2);
        _executeChallenge(caseId);
        assertEq(faults.punishmentCount(), 0);
        assertEq(auditManager.credited(challenger), BOND);
        assertEq(auditManager.collect(challenger), BOND);
        assertEq(_challenge(receipt), caseId + 1);
    }

    function test_RevertWhen_TheCanaryWindowIsOpen() public {
        (uint256 caseId,) = _judgedChallenge();
        _voteAll(caseId, WRONG, SEATS);
        uint64 from = _now() + CANARY_WINDOW;
        _warpTo(from - 1);
        vm.expectRevert(abi.encodeWithSelector(IAuditManager.AuditManager_TooEarly.selector, caseId, from));
        auditManager.executeChallenge(caseId);
    }

    function test_RevertWhen_AnAuditIsExecutedAsAChallenge() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedAudit();
        _voteAll(caseId, receipt.outputHash, SEATS);
        vm.expectRevert(abi.encodeWithSelector(IAuditManager.AuditManager_NotChallenge.selector, caseId));
        auditManager.executeChallenge(caseId);
    }

    function test_RevertWhen_TheDeedIsOnTheDocket() public {
        IReceipts.Receipt memory receipt = _receipt(1);
        uint256 caseId = _challenge(receipt);
        bytes memory reason =
            abi.encodeWithSelector(IAuditManager.AuditManager_AlreadyOnDocket.selector, _offence(receipt), caseId);
        _reject(reason, receipt);
        _drawJudges(caseId);
        _voteAll(caseId, WRONG, SEATS);
        _reject(reason, receipt);
    }

    function test_RevertWhen_TheReceiptIsBeingAudited() public {
        uint256 caseId = _drawnAudit();
        IReceipts.Receipt memory receipt = _answer(caseId);
        _reject(
            abi.encodeWithSelector(IAuditManager.AuditManager_AlreadyOnDocket.selector, _offence(receipt), caseId),
            receipt
        );
    }

    function test_RevertWhen_TheDeedWasPunished() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedChallenge();
        _voteAll(caseId, WRONG, SEATS);
        _executeChallenge(caseId);
        _reject(abi.encodeWithSelector(IAuditManager.AuditManager_AlreadyPunished.selector, _offence(receipt)), receipt);
    }

    function test_RevertWhen_TheReceiptIsTooOld() public {
        IReceipts.Receipt memory receipt = _receipt(1);
        uint256 until = receipt.servedAt + DISPUTE_WINDOW;
        // The window's end is a time.
        // forge-lint: disable-next-line(unsafe-typecast)
        _warpTo(uint64(until));
        _reject(
            abi.encodeWithSelector(IAuditManager.AuditManager_ReceiptTooOld.selector, receipt.servedAt, until), receipt
        );
        vm.warp(until - 1);
        _challenge(receipt);
    }

    function test_RevertWhen_TheReceiptIsNotTheOperators() public {
        IReceipts.Receipt memory receipt = _receipt(1);
        bytes memory signature = _signReceipt(receipt, payer);
        vm.expectRevert(
            abi.encodeWithSelector(IAuditManager.AuditManager_InvalidReceipt.selector, payer.addr, address(0))
        );
        auditManager.challengeReceipt(receipt, signature);
    }

    function test_RevertWhen_TheVersionDoesNotExist() public {
        IReceipts.Receipt memory receipt = _receipt(1);
        receipt.version = 7;
        _reject(abi.encodeWithSelector(IModelRegistry.ModelRegistry_VersionUnknown.selector, modelId, 7), receipt);
    }

    function test_RevertWhen_TheBondIsNotPaid() public {
        _reject(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector, address(auditManager), 0, uint256(BOND)
            ),
            _receipt(1)
        );
    }

    function test_RevertWhen_ThereIsNothingToCollect() public {
        vm.expectRevert(abi.encodeWithSelector(IAuditManager.AuditManager_NothingToClaim.selector, bob));
        auditManager.collect(bob);
    }

    function test_CreditsAreCollectedByAnybodyForTheirOwner() public {
        (uint256 caseId,) = _judgedChallenge();
        _voteAll(caseId, WRONG, 2);
        _executeChallenge(caseId);
        vm.expectEmit(address(auditManager));
        emit IAuditManager.CreditCollected(challenger, BOND);
        vm.prank(bob);
        auditManager.collect(challenger);
        assertEq(feeToken.balanceOf(challenger), BOND);
        assertEq(auditManager.credited(challenger), 0);
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
        uint256 sum = auditManager.credited(challenger) + auditManager.credited(operator);
        for (uint8 i = 0; i < SEATS; ++i) {
            sum += auditManager.credited(judges.seatOf(caseId, i).member);
        }
        assertEq(sum, BOND);
        assertEq(feeToken.balanceOf(address(auditManager)), BOND);
    }
}
