// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IAuditManager} from "../src/interfaces/IAuditManager.sol";
import {ICaseDocket} from "../src/interfaces/ICaseDocket.sol";
import {IReceipts} from "../src/interfaces/IReceipts.sol";
import {IVerdicts} from "../src/interfaces/IVerdicts.sol";
import {AuditBase} from "./AuditBase.t.sol";

/// @dev The window of an answer is period 2: setting up ends as it begins.
contract AuditManagerExtendTest is AuditBase {
    uint64 private constant PERIOD = 2;
    uint32 private constant OUTAGE = 3334;

    uint256 private _caseId;
    uint64 private _deadline;

    function setUp() public override {
        super.setUp();
        _caseId = _drawnAudit();
        _deadline = docket.caseOf(_caseId).deadline;
        faults.weigh(PERIOD, OUTAGE);
    }

    function test_AnOutageLengthensTheWindowByAPeriod() public {
        vm.expectEmit(address(auditManager));
        emit IAuditManager.DeadlineExtended(operator, _caseId, PERIOD, _deadline + PERIOD_SECONDS);
        vm.prank(bob);
        auditManager.extend(_caseId, PERIOD);
        assertEq(docket.caseOf(_caseId).deadline, _deadline + PERIOD_SECONDS);
        assertEq(auditManager.audit(_caseId).extensions, 1);
        _warpTo(_deadline + 1);
        _answer(_caseId);
        _assertStage(_caseId, ICaseDocket.Stage.Judging, IVerdicts.Verdict.None);
    }

    /// @dev A period's result is final only after its report window: the grace is there to wait for it.
    function test_AnOutageCanStillBeShownWithinTheGrace() public {
        _finalize(PERIOD);
        assertGt(_now(), _deadline);
        auditManager.extend(_caseId, PERIOD);
        _answer(_caseId);
        _assertStage(_caseId, ICaseDocket.Stage.Judging, IVerdicts.Verdict.None);
    }

    function test_EachExtensionReachesTheNextPeriod() public {
        for (uint64 i = 0; i < docket.MAX_EXTENSIONS(); ++i) {
            faults.weigh(PERIOD + i, OUTAGE);
            auditManager.extend(_caseId, PERIOD + i);
        }
        uint64 last = PERIOD + uint64(docket.MAX_EXTENSIONS());
        faults.weigh(last, OUTAGE);
        vm.expectRevert(abi.encodeWithSelector(IAuditManager.AuditManager_TooManyExtensions.selector, _caseId, 8));
        auditManager.extend(_caseId, last);
    }

    function test_RevertWhen_ThePeriodCountedAlready() public {
        auditManager.extend(_caseId, PERIOD);
        vm.expectRevert(abi.encodeWithSelector(IAuditManager.AuditManager_AlreadyExtended.selector, _caseId, PERIOD));
        auditManager.extend(_caseId, PERIOD);
    }

    function test_RevertWhen_NoMoreThanAThirdWasMissed() public {
        faults.weigh(PERIOD, 3333);
        vm.expectRevert(abi.encodeWithSelector(IAuditManager.AuditManager_NoOutage.selector, PERIOD, 3333));
        auditManager.extend(_caseId, PERIOD);
    }

    function test_RevertWhen_ThePeriodIsOutsideTheWindow() public {
        uint64[2] memory outside = [PERIOD - 1, PERIOD + 1];
        for (uint256 i = 0; i < outside.length; ++i) {
            faults.weigh(outside[i], OUTAGE);
            vm.expectRevert(
                abi.encodeWithSelector(
                    IAuditManager.AuditManager_PeriodOutsideWindow.selector,
                    outside[i],
                    _deadline - ANSWER_WINDOW,
                    _deadline
                )
            );
            auditManager.extend(_caseId, outside[i]);
        }
    }

    function test_RevertWhen_TheLeafWasShown() public {
        _answer(_caseId);
        _expectStage(_caseId, ICaseDocket.Stage.Judging);
        auditManager.extend(_caseId, PERIOD);
    }
}
