// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ICaseDocket} from "../src/interfaces/ICaseDocket.sol";
import {IFaults} from "../src/interfaces/IFaults.sol";
import {IVerdicts} from "../src/interfaces/IVerdicts.sol";
import {AuditBase} from "./AuditBase.t.sol";

contract AuditManagerWithholdTest is AuditBase {
    function test_AnOperatorPaysForALeafThatNobodyShowed() public {
        uint256 caseId = _drawnAudit();
        _warpTo(docket.caseOf(caseId).deadline + GRACE);
        vm.expectEmit(address(docket));
        emit ICaseDocket.CaseDecided(operator, caseId, IVerdicts.Verdict.Withheld, _now());
        vm.expectEmit(address(docket));
        emit ICaseDocket.CaseClosed(operator, caseId, IVerdicts.Verdict.Withheld, true);
        vm.prank(bob);
        auditManager.withhold(caseId, batch);
        assertTrue(_isReleased());

        IFaults.Punishment memory punishment = _punishment();
        assertEq(uint8(punishment.fault), uint8(IFaults.Fault.Withheld));
        assertEq(punishment.operator, operator);
        assertEq(punishment.offence, keccak256(abi.encode(IFaults.Fault.Withheld, operator, batchId)));
        assertEq(abi.encode(punishment.terms), abi.encode(_faultTerms(IFaults.Fault.Withheld)));
        assertEq(punishment.principalCap, OWN_STAKE);
        assertEq(punishment.beneficiary, bob);
        assertEq(punishment.victim, address(0));
        assertEq(punishment.refund, 0);
        assertEq(gauge.openCases(), 0);
    }

    function test_RevertWhen_TheGraceIsNotOver() public {
        uint256 caseId = _drawnAudit();
        uint64 from = docket.caseOf(caseId).deadline + GRACE;
        _warpTo(from - 1);
        vm.expectRevert(abi.encodeWithSelector(ICaseDocket.CaseDocket_TooEarly.selector, caseId, from));
        auditManager.withhold(caseId, batch);
    }

    function test_RevertWhen_TheLeafWasShown() public {
        uint256 caseId = _drawnAudit();
        _answer(caseId);
        _skip(30 days);
        _expectStage(caseId, ICaseDocket.Stage.Judging);
        auditManager.withhold(caseId, batch);
    }
}
