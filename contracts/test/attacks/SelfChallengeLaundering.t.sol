// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IFaults} from "../../src/interfaces/IFaults.sol";
import {IReceipts} from "../../src/interfaces/IReceipts.sol";
import {AuditBase} from "../AuditBase.t.sol";

/// @notice Attack: an operator that is about to be slashed challenges itself, to get its stake out as the challenger's cut and
///         its earnings as refunds of a payer that it plays too, by receipts whose fee it makes up.
contract SelfChallengeLaunderingTest is AuditBase {
    function _convict(IReceipts.Receipt memory receipt) private returns (IFaults.Punishment memory) {
        uint256 caseId = _challengeAs(attacker, receipt);
        _drawJudges(caseId);
        _voteAll(caseId, WRONG, SEATS);
        _executeChallenge(caseId);
        return _punishment();
    }

    function test_AMadeUpFeeIsNotRefunded() public {
        IReceipts.Receipt memory receipt = _receipt(1);
        (receipt.payer, receipt.fee) = (attacker, 1_000_000 ether);
        assertEq(_convict(receipt).refund, 0);
    }

    /// @dev What was paid in the lane comes back once, over however many receipts.
    function test_RefundsNeverExceedWhatWasPaid() public {
        batches.payLane(attacker, operator, modelId, 10 ether);
        IReceipts.Receipt memory receipt = _receipt(1);
        (receipt.payer, receipt.fee) = (attacker, 7 ether);
        assertEq(_convict(receipt).refund, 7 ether);
        receipt = _receipt(2);
        (receipt.payer, receipt.fee) = (attacker, 7 ether);
        assertEq(_convict(receipt).refund, 3 ether);
        receipt = _receipt(3);
        (receipt.payer, receipt.fee) = (attacker, 7 ether);
        assertEq(_convict(receipt).refund, 0);
        IReceipts.Receipt memory other = receipt;
        other.outputHash = WRONG;
        receipt = _receipt(3);
        (receipt.payer, receipt.fee) = (attacker, 7 ether);
        challenges.challengeEquivocation(receipt, _signReceipt(receipt), other, _signReceipt(other));
        assertEq(_punishment().refund, 0);
    }

    /// @dev The cut is the table's, at most a fifth; the manager adds nothing to it, and the bond only comes back.
    function test_TheCutIsTheTables() public {
        IFaults.Punishment memory punishment = _convict(_receipt(1));
        assertEq(punishment.terms.cutBps, 2000);
        assertEq(punishment.beneficiary, attacker);
        assertEq(challenges.credited(attacker), BOND);
    }

    /// @dev To be found right on purpose, by whatever committee, does not spare a receipt the audit of its batch.
    function test_APassedChallengeSparesNoAudit() public {
        uint256 auditId = _drawnAudit();
        (IReceipts.Receipt memory receipt,,) = _leafOf(auditId);
        uint256 challengeId = _challengeAs(attacker, receipt);
        _drawJudges(challengeId);
        _answer(auditId);
        _drawJudges(auditId);
        for (uint8 i = 0; i < SEATS; ++i) {
            _commit(challengeId, i, receipt.outputHash);
            _commit(auditId, i, WRONG);
        }
        for (uint8 i = 0; i < SEATS; ++i) {
            judges.reveal(challengeId, i, receipt.outputHash, _salt(i));
            judges.reveal(auditId, i, WRONG, _salt(i));
        }
        docket.conclude(challengeId);
        docket.conclude(auditId);
        _executeChallenge(challengeId);
        assertEq(faults.punishmentCount(), 0);
        auditManager.executeAudit(auditId, batch);
        assertEq(_punishment().operator, operator);
    }
}
