// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ICaseDocket} from "../../src/interfaces/ICaseDocket.sol";
import {IFaults} from "../../src/interfaces/IFaults.sol";
import {IReceipts} from "../../src/interfaces/IReceipts.sol";
import {AuditBase} from "../AuditBase.t.sol";

/// @notice Attack: a majority of the governors changes deadlines, bonds or penalties of a case that is open.
contract ParametersChangedUnderDisputeTest is AuditBase {
    function _change() private {
        ICaseDocket.Parameters memory next = _auditParameters();
        (next.bond, next.answerWindow, next.canaryWindow) = (60 ether, 1, 5 days);
        (next.commitWindow, next.revealWindow, next.proofWindow) = (1, 1, 1);
        next.grace = 3 days;
        bytes memory data = abi.encodeCall(docket.changeParameters, (next));
        // Scheduled long ago.
        vm.prank(admin);
        accessManager.grantRole(GOVERNOR, admin, 0);
        vm.prank(admin);
        (bool ok,) = address(docket).call(data);
        assertTrue(ok);
        IFaults.Terms memory harsh = _faultTerms(IFaults.Fault.WrongOutput);
        harsh.principalBps = 10_000;
        for (uint8 i = 0; i <= uint8(type(IFaults.Fault).max); ++i) {
            faults.changeTerms(IFaults.Fault(i), harsh);
        }
    }

    function test_AnAuditKeepsItsDeadlinesAndTerms() public {
        uint256 caseId = _drawnAudit();
        uint64 from = docket.caseOf(caseId).deadline + GRACE;
        _change();
        _stake(operator, 1_000_000 ether);
        _warpTo(from - 1);
        vm.expectRevert(abi.encodeWithSelector(ICaseDocket.CaseDocket_TooEarly.selector, caseId, from));
        auditManager.withhold(caseId, batch);
        _warpTo(from);
        auditManager.withhold(caseId, batch);
        assertEq(abi.encode(_punishment().terms), abi.encode(_faultTerms(IFaults.Fault.Withheld)));
        assertEq(_punishment().principalCap, OWN_STAKE);
    }

    function test_AJudgementKeepsItsWindows() public {
        uint256 caseId = _drawnAudit();
        _change();
        _answer(caseId);
        _drawJudges(caseId);
        assertEq(judges.committeeOf(caseId).commitUntil, _now() + COMMIT_WINDOW);
        assertEq(judges.committeeOf(caseId).revealUntil, _now() + COMMIT_WINDOW + REVEAL_WINDOW);
    }

    function test_AChallengeKeepsItsBondItsWindowAndItsTerms() public {
        (uint256 caseId,) = _judgedChallenge();
        _change();
        _voteAll(caseId, WRONG, SEATS);
        assertEq(docket.caseOf(caseId).deadline, _now() + CANARY_WINDOW);
        _executeChallenge(caseId);
        assertEq(abi.encode(_punishment().terms), abi.encode(_faultTerms(IFaults.Fault.WrongOutput)));
        assertEq(_punishment().principalCap, OWN_STAKE);
        assertEq(challenges.credited(challenger), BOND);
    }

    function test_AJudgesTermsAndCapAreThoseOfItsDraw() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedChallenge();
        _change();
        address absent = judges.seatOf(caseId, 4).member;
        _stake(absent, 1_000_000 ether);
        _voteAll(caseId, receipt.outputHash, 4);
        docket.punishJudge(caseId, 4);
        assertEq(abi.encode(_punishment().terms), abi.encode(_faultTerms(IFaults.Fault.Unrevealed)));
        assertEq(_punishment().principalCap, OWN_STAKE);
    }
}
