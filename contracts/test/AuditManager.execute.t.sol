// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IAuditManager} from "../src/interfaces/IAuditManager.sol";
import {IBatches} from "../src/interfaces/IBatches.sol";
import {ICaseDocket} from "../src/interfaces/ICaseDocket.sol";
import {IFaults} from "../src/interfaces/IFaults.sol";
import {IReceipts} from "../src/interfaces/IReceipts.sol";
import {IVerdicts} from "../src/interfaces/IVerdicts.sol";
import {AuditBase} from "./AuditBase.t.sol";

contract AuditManagerExecuteTest is AuditBase {
    function test_AnAuditThatPassesReleasesTheBatch() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedAudit();
        _voteAll(caseId, receipt.outputHash, SEATS);
        _assertStage(caseId, ICaseDocket.Stage.Decided, IVerdicts.Verdict.Passed);
        vm.expectEmit(address(docket));
        emit ICaseDocket.CaseClosed(operator, caseId, IVerdicts.Verdict.Passed, false);
        vm.prank(bob);
        auditManager.executeAudit(caseId, batch);
        assertTrue(_isReleased());
        assertEq(faults.punishmentCount(), 0);
        assertEq(gauge.openCases(), 0);
        assertEq(gauge.signs().lostDisputes, 0);
    }

    function test_AnAuditThatFailsPunishesFirstAndReleasesTheRest() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedAudit();
        batches.payLane(payer.addr, operator, modelId, 5 ether);
        _voteAll(caseId, WRONG, SEATS);
        vm.expectCall(address(batches), abi.encodeCall(batches.release, (batchId, batch)));
        auditManager.executeAudit(caseId, batch);
        assertTrue(_isReleased());

        IFaults.Punishment memory punishment = _punishment();
        assertEq(uint8(punishment.fault), uint8(IFaults.Fault.WrongOutput));
        assertEq(punishment.operator, operator);
        assertEq(punishment.offence, docket.offenceOf(operator, _structHash(receipt)));
        assertEq(abi.encode(punishment.terms), abi.encode(_faultTerms(IFaults.Fault.WrongOutput)));
        assertEq(punishment.principalCap, OWN_STAKE);
        assertEq(punishment.beneficiary, address(0));
        assertEq(punishment.victim, payer.addr);
        assertEq(punishment.refund, 1 ether);
        assertEq(gauge.signs().lostDisputes, 5000);
    }

    function test_AnInconclusiveAuditPunishesNobody() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedAudit();
        _voteAll(caseId, receipt.outputHash, 2);
        _assertStage(caseId, ICaseDocket.Stage.Decided, IVerdicts.Verdict.Inconclusive);
        auditManager.executeAudit(caseId, batch);
        assertTrue(_isReleased());
        assertEq(faults.punishmentCount(), 0);
    }

    /// @dev A challenge that won already: one deed is punished once, and the batch is released all the same.
    function test_ADeedThatWasPunishedIsNotPunishedAgain() public {
        uint256 auditId = _drawnAudit();
        (IReceipts.Receipt memory receipt,,) = _leafOf(auditId);
        uint256 challengeId = _challenge(receipt);
        _answer(auditId);
        assertEq(docket.docketOf(docket.offenceOf(operator, _structHash(receipt))), challengeId);
        _drawJudges(challengeId);
        _drawJudges(auditId);
        _voteAll(challengeId, WRONG, SEATS);
        _warpTo(judges.committeeOf(auditId).revealUntil);
        vm.expectRevert(abi.encodeWithSelector(IAuditManager.AuditManager_NotAudit.selector, challengeId));
        auditManager.executeAudit(challengeId, batch);
        _executeChallenge(challengeId);
        assertEq(faults.punishmentCount(), 1);
        docket.conclude(auditId);
        auditManager.executeAudit(auditId, batch);
        assertEq(faults.punishmentCount(), 1);
        assertTrue(_isReleased());
    }

    function test_RevertWhen_ItIsNotDecided() public {
        (uint256 caseId,) = _judgedAudit();
        _expectStage(caseId, ICaseDocket.Stage.Judging);
        auditManager.executeAudit(caseId, batch);
        _expectStage(caseId + 1, ICaseDocket.Stage.None);
        auditManager.executeAudit(caseId + 1, batch);
    }

    function test_RevertWhen_ItIsExecutedTwice() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedAudit();
        _voteAll(caseId, receipt.outputHash, SEATS);
        auditManager.executeAudit(caseId, batch);
        _expectStage(caseId, ICaseDocket.Stage.Closed);
        auditManager.executeAudit(caseId, batch);
    }

    function test_RevertWhen_TheBatchIsAnother() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedAudit();
        _voteAll(caseId, receipt.outputHash, SEATS);
        batch.risk = 0;
        vm.expectRevert(abi.encodeWithSelector(IBatches.Batches_WrongBatch.selector, batchId));
        auditManager.executeAudit(caseId, batch);
    }
}
