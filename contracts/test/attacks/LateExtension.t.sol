// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IAuditManager} from "../../src/interfaces/IAuditManager.sol";
import {ICaseDocket} from "../../src/interfaces/ICaseDocket.sol";
import {IVerdicts} from "../../src/interfaces/IVerdicts.sol";
import {AuditBase} from "../AuditBase.t.sol";

/// @notice Attack: an operator that has no answer lengthens the window by outages that did not keep it from answering.
contract LateExtensionTest is AuditBase {
    uint64 private constant PERIOD = 2;

    uint256 private _caseId;
    uint64 private _deadline;

    function setUp() public override {
        super.setUp();
        _caseId = _drawnAudit();
        _deadline = docket.caseOf(_caseId).deadline;
        for (uint64 period = 0; period < 20; ++period) {
            faults.weigh(period, 10_000);
        }
    }

    function test_AfterTheGraceNoOutageCounts() public {
        _warpTo(_deadline + GRACE);
        vm.expectRevert(
            abi.encodeWithSelector(ICaseDocket.CaseDocket_DeadlinePassed.selector, _caseId, _deadline + GRACE)
        );
        auditManager.extend(_caseId, PERIOD);
        auditManager.withhold(_caseId, batch);
        _assertStage(_caseId, ICaseDocket.Stage.Closed, IVerdicts.Verdict.Withheld);
    }

    /// @dev Outages before the window, or that began after it was over, kept nobody from answering.
    function test_OutagesOutsideTheWindowDoNotCount() public {
        _warpTo(_deadline + GRACE - 1);
        uint64[4] memory others = [uint64(0), PERIOD - 1, PERIOD + 1, PERIOD + 2];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IAuditManager.AuditManager_PeriodOutsideWindow.selector,
                    others[i],
                    _deadline - ANSWER_WINDOW,
                    _deadline
                )
            );
            auditManager.extend(_caseId, others[i]);
        }
    }

    /// @dev An extension moves the end of the window, never its beginning.
    function test_ExtensionsDoNotReachBack() public {
        auditManager.extend(_caseId, PERIOD);
        auditManager.extend(_caseId, PERIOD + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAuditManager.AuditManager_PeriodOutsideWindow.selector,
                PERIOD - 1,
                _deadline - ANSWER_WINDOW,
                _deadline + 2 * PERIOD_SECONDS
            )
        );
        auditManager.extend(_caseId, PERIOD - 1);
    }

    /// @dev However long an outage lasts: the audit ends.
    function test_ThereIsALastDeadline() public {
        uint64 last = _deadline + uint64(docket.MAX_EXTENSIONS()) * PERIOD_SECONDS;
        for (uint64 period = PERIOD; docket.caseOf(_caseId).deadline != last; ++period) {
            auditManager.extend(_caseId, period);
        }
        vm.expectRevert(abi.encodeWithSelector(IAuditManager.AuditManager_TooManyExtensions.selector, _caseId, 8));
        auditManager.extend(_caseId, PERIOD + 8);
        _warpTo(last + GRACE);
        auditManager.withhold(_caseId, batch);
        assertTrue(_isReleased());
    }
}
