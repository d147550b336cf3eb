// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IBatches} from "../src/interfaces/IBatches.sol";
import {ICaseDocket} from "../src/interfaces/ICaseDocket.sol";
import {IFaults} from "../src/interfaces/IFaults.sol";
import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {IReceipts} from "../src/interfaces/IReceipts.sol";
import {AuditBase} from "./AuditBase.t.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

/// @notice What draws and verdicts come to with the settlement, the slasher and the vault that ship, behind their roles.
contract AuditsTest is AuditBase {
    uint256 private constant BPS = 10_000;
    uint256 private constant FRAUD_PRINCIPAL = OWN_STAKE * 8444 / BPS;
    uint256 private constant PROTOCOL_FEE = uint256(RISK) * PROTOCOL_FEE_BPS / BPS;
    uint256 private constant EARNED = uint256(RISK) - PROTOCOL_FEE - uint256(RISK) * ROYALTY_BPS / BPS;

    function _settlement() internal view override returns (IInferenceSettlement) {
        return settlement;
    }

    function _faults() internal view override returns (IFaults) {
        return slasher;
    }

    /// @dev Settles a voucher of the payer's whose fee is the risk.
    function _openBatch(bytes32 root, uint32 count, uint128 risk) internal override returns (uint256) {
        _deposit(payer.addr, operator, risk);
        IInferenceSettlement.Lane memory lane = settlement.lane(payer.addr, operator, modelId);
        IInferenceSettlement.Voucher[] memory vouchers = new IInferenceSettlement.Voucher[](1);
        vouchers[0] = _voucher(payer.addr, operator, lane.fee + risk, lane.units + 1000);
        bytes[] memory signatures = new bytes[](1);
        signatures[0] = _signVoucher(vouchers[0], payer);
        vm.recordLogs();
        vm.prank(settlerOf[operator]);
        batchId = settlement.settle(vouchers, signatures, root, count, 0, "ipfs://receipts");
        _noteBatches();
        batch = batchOf[batchId];
        return batchId;
    }

    function _status(address of_) private view returns (IOperatorRegistry.Status) {
        return operatorRegistry.operatorOf(of_).status;
    }

    function test_ASparedBatchIsReleasedMaturesAndIsClaimed() public {
        _settleReceipts(RECEIPTS, RISK);
        _record(batch.settledBlock + DELAY, _seedFor(batchId, 0.1e18, false));
        assertEq(settlement.earnings(operator).undrawn, EARNED);
        assertEq(settlement.coverage(operator).openRisk, RISK);
        vm.prank(bob);
        assertEq(auditManager.draw(batchId, batch), 0);
        assertTrue(_isReleased());
        assertEq(settlement.coverage(operator).openRisk, 0);
        assertEq(settlement.earnings(operator).locked, EARNED);
        _skip(8 * EPOCH);
        assertEq(settlement.claim(operator), EARNED);
    }

    function test_AFailedAuditSlashesRefundsAndReleases() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedAudit();
        _voteAll(caseId, WRONG, SEATS);
        vm.expectEmit(address(slasher));
        emit IFaults.FaultPunished(
            operator,
            IFaults.Fault.WrongOutput,
            docket.offenceOf(operator, _structHash(receipt)),
            address(0),
            payer.addr,
            EARNED,
            FRAUD_PRINCIPAL,
            _now() + 30 days,
            false
        );
        vm.expectEmit(address(settlement));
        emit IBatches.BatchReleased(operator, batchId, RISK, 0);
        auditManager.executeAudit(caseId, batch);
        assertEq(settlement.credited(payer.addr), receipt.fee);
        assertEq(settlement.credited(BURN), (EARNED - receipt.fee) / 2);
        assertEq(settlement.credited(reserve), PROTOCOL_FEE + (EARNED - receipt.fee) / 2);
        assertEq(vault.slashable(operator), OWN_STAKE - FRAUD_PRINCIPAL);
        assertEq(uint8(_status(operator)), uint8(IOperatorRegistry.Status.Jailed));
        assertEq(settlement.coverage(operator).openRisk, 0);
        IInferenceSettlement.Earnings memory earnings = settlement.earnings(operator);
        assertEq(earnings.undrawn + earnings.locked + earnings.claimable, 0);
        assertEq(settlement.collect(payer.addr), receipt.fee);
    }

    function test_APassedAuditReleasesAllOfIt() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedAudit();
        _voteAll(caseId, receipt.outputHash, SEATS);
        auditManager.executeAudit(caseId, batch);
        assertEq(settlement.earnings(operator).locked, EARNED);
        assertEq(vault.slashable(operator), OWN_STAKE);
    }

    /// @dev Half of the earnings are left, and are released.
    function test_WhoShowsNoLeafPaysAndTheRestIsReleased() public {
        uint256 caseId = _drawnAudit();
        _warpTo(docket.caseOf(caseId).deadline + GRACE);
        vm.prank(challenger);
        auditManager.withhold(caseId, batch);
        assertEq(settlement.earnings(operator).locked, EARNED / 2);
        assertEq(settlement.credited(challenger), EARNED / 2 / 10);
        assertGt(vault.credited(challenger), 0);
        assertTrue(_isReleased());
        assertTrue(slasher.isPunished(keccak256(abi.encode(IFaults.Fault.Withheld, operator, batchId))));
    }

    function test_AChallengeThatIsWonPaysTheChallengerAndThePayer() public {
        _settleReceipts(RECEIPTS, RISK);
        uint256 caseId = _challenge(receipts[3]);
        _drawJudges(caseId);
        _voteAll(caseId, WRONG, SEATS);
        _executeChallenge(caseId);
        assertEq(challenges.collect(challenger), BOND);
        assertEq(feeToken.balanceOf(challenger), BOND);
        assertEq(settlement.credited(challenger), EARNED / 5);
        assertEq(settlement.credited(payer.addr), receipts[3].fee);
        assertEq(vault.credited(challenger), FRAUD_PRINCIPAL / 5);
        assertEq(vault.slashable(operator), OWN_STAKE - FRAUD_PRINCIPAL);
    }

    function test_AChallengeThatIsLostPaysJudgesAndOperator() public {
        _settleReceipts(RECEIPTS, RISK);
        uint256 caseId = _challenge(receipts[3]);
        _drawJudges(caseId);
        _voteAll(caseId, receipts[3].outputHash, 4);
        _executeChallenge(caseId);
        for (uint8 i = 0; i < 4; ++i) {
            assertEq(challenges.credited(judges.seatOf(caseId, i).member), BOND / 6);
        }
        assertEq(challenges.credited(operator), BOND / 6 * 2);
        assertEq(settlement.earnings(operator).undrawn, EARNED);
        address absent = judges.seatOf(caseId, 4).member;
        uint256 before = vault.slashable(absent);
        docket.punishJudge(caseId, 4);
        assertLt(vault.slashable(absent), before);
    }

    function test_EquivocationEndsAnOperatorForGood() public {
        _settleReceipts(RECEIPTS, RISK);
        IReceipts.Receipt memory other = receipts[0];
        other.outputHash = WRONG;
        bytes memory signatureA = _signReceipt(receipts[0]);
        bytes memory signatureB = _signReceipt(other);
        vm.prank(challenger);
        challenges.challengeEquivocation(receipts[0], signatureA, other, signatureB);
        assertEq(uint8(_status(operator)), uint8(IOperatorRegistry.Status.Tombstoned));
        assertEq(settlement.credited(payer.addr), receipts[0].fee);
        assertEq(vault.credited(challenger), FRAUD_PRINCIPAL / 5);
    }

    /// @dev What auditors alone may do to the docket.
    function test_RevertWhen_TheCallerIsNoAuditor() public {
        IReceipts.Receipt memory receipt = _receipt(1);
        bytes[7] memory calls = [
            abi.encodeCall(docket.open, (operator, address(0))),
            abi.encodeCall(docket.awaitAnswer, (1, 1)),
            abi.encodeCall(docket.judge, (1, receipt, "")),
            abi.encodeCall(docket.withhold, (1, 1, attacker)),
            abi.encodeCall(docket.close, (1, attacker)),
            abi.encodeCall(docket.void, (1)),
            abi.encodeCall(docket.punishEquivocation, (operator, receipt, attacker))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(attacker);
            (bool ok, bytes memory reason) = address(docket).call(calls[i]);
            assertFalse(ok);
            assertEq(reason, abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, attacker));
        }
    }

    /// @dev An auditor can order no punishment but through a case.
    function test_RevertWhen_AnAuditorPunishesByItself() public {
        IFaults.Punishment memory punishment;
        address[2] memory callers = [address(auditManager), address(challenges)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, callers[i]));
            vm.prank(callers[i]);
            slasher.punish(punishment);
        }
    }

    /// @dev Cases move forward only, whoever moves them.
    function test_RevertWhen_AnAuditorMovesACaseThatIsPastIt() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedAudit();
        bytes memory signature = _signReceipt(receipt);
        vm.startPrank(address(auditManager));
        _expectStage(caseId, ICaseDocket.Stage.Judging);
        docket.awaitAnswer(caseId, 1);
        _expectStage(caseId, ICaseDocket.Stage.Judging);
        docket.judge(caseId, receipt, signature);
        _expectStage(caseId, ICaseDocket.Stage.Judging);
        docket.withhold(caseId, batchId, attacker);
        _expectStage(caseId, ICaseDocket.Stage.Judging);
        docket.close(caseId, attacker);
        _expectStage(caseId, ICaseDocket.Stage.Judging);
        docket.void(caseId);
        vm.stopPrank();
    }
}
