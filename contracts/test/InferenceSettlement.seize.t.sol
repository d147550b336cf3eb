// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IBatches} from "../src/interfaces/IBatches.sol";
import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "./SettlementBase.t.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

contract InferenceSettlementSeizeTest is SettlementBase {
    uint256 private constant NET = 9.2 ether;

    uint256 private _protocolFees;
    uint256 private _open;

    /// @dev Earns 9.2 ether on each of the first and fifth day, of which the first is claimable, and as much in a batch that
    ///      is open.
    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
        _release(_settleOne(_owed(10 ether, 1000)));
        _skip(4 * EPOCH);
        _release(_settleOne(_owed(20 ether, 2000)));
        _skip(4 * EPOCH);
        _open = _settleOne(_owed(30 ether, 3000));
        _protocolFees = settlement.credited(reserve);
    }

    function test_SeizesClaimableFirstThenLockedThenUndrawn() public {
        _expectSeized(
            reporter,
            address(0),
            IInferenceSettlement.Seized({
                fromClaimable: NET,
                fromLocked: NET,
                fromUndrawn: 1.6 ether,
                refund: 0,
                cut: 2 ether,
                burned: 9 ether,
                reserved: 9 ether
            })
        );
        assertEq(_seize(20 ether, 1000), 20 ether);
        assertEq(settlement.earnings(operator).claimable, 0);
        assertEq(settlement.earnings(operator).locked, 0);
        assertEq(settlement.earnings(operator).undrawn, NET - 1.6 ether);
        assertEq(settlement.credited(reporter), 2 ether);
        assertEq(settlement.credited(BURN), 9 ether);
        assertEq(settlement.credited(reserve) - _protocolFees, 9 ether);
    }

    function test_LockedGoesBeforeUndrawn() public {
        _seize(10 ether, 0);
        assertEq(settlement.earnings(operator).claimable, 0);
        assertEq(settlement.earnings(operator).locked, 2 * NET - 10 ether);
        assertEq(settlement.earnings(operator).undrawn, NET);
    }

    /// @dev A batch whose earnings were seized in part releases what is left; its risk is closed all the same.
    function test_ABatchReleasesWhatASeizureLeft() public {
        _seize(2 * NET + 3 ether, 0);
        assertEq(settlement.coverage(operator).openRisk, 10 ether);
        vm.expectEmit(address(settlement));
        emit IBatches.BatchReleased(operator, _open, 10 ether, NET - 3 ether);
        _release(_open);
        assertEq(settlement.earnings(operator).locked, NET - 3 ether);
        assertEq(settlement.earnings(operator).undrawn, 0);
        assertEq(settlement.coverage(operator).openRisk, 0);
    }

    function test_TheVictimComesFirst() public {
        IInferenceSettlement.Seizure memory seizure = _seizure(operator, 10 ether, 2000, reporter);
        (seizure.victim, seizure.refund) = (payer.addr, 9 ether);
        _expectSeized(
            reporter,
            payer.addr,
            IInferenceSettlement.Seized({
                fromClaimable: NET,
                fromLocked: 0.8 ether,
                fromUndrawn: 0,
                refund: 9 ether,
                cut: 1 ether,
                burned: 0,
                reserved: 0
            })
        );
        vm.prank(address(slasher));
        settlement.seize(seizure);
        settlement.collect(payer.addr);
        assertEq(feeToken.balanceOf(payer.addr), 9 ether);
        assertEq(settlement.credited(reporter), 1 ether);
    }

    function test_NobodyIsNobodyNeitherRefundedNorRewarded() public {
        IInferenceSettlement.Seizure memory seizure = _seizure(operator, 10 ether, 2000, address(0));
        seizure.refund = 5 ether;
        vm.prank(address(slasher));
        settlement.seize(seizure);
        assertEq(settlement.credited(address(0)), 0);
        assertEq(settlement.credited(BURN), 5 ether);
        assertEq(settlement.credited(reserve) - _protocolFees, 5 ether);
    }

    function test_WhatIsSeizedIsCollected() public {
        _seize(10 ether, 1000);
        settlement.collect(reporter);
        settlement.collect(reserve);
        settlement.collect(BURN);
        assertEq(feeToken.balanceOf(reporter), 1 ether);
        assertEq(feeToken.balanceOf(reserve), 4.5 ether + _protocolFees);
        assertEq(feeToken.balanceOf(BURN), 4.5 ether);
    }

    function test_SeizingSaturates() public {
        assertEq(_seize(type(uint256).max, 2000), 3 * NET);
        assertEq(_escrowed(operator), 0);
        assertEq(settlement.credited(reporter), 3 * NET / 5);
        _release(_open);
        assertEq(_escrowed(operator), 0);
    }

    function test_SeizingNothingSaysNothing() public {
        assertEq(_seize(0, 1000), 0);
        _seize(type(uint256).max, 0);
        vm.recordLogs();
        assertEq(_seize(1 ether, 1000), 0);
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function testFuzz_SeizingNeverMintsOrLosesABaseUnit(uint256 amount, uint256 cutBps, uint256 refund) public {
        IInferenceSettlement.Seizure memory seizure = _seizure(operator, amount, bound(cutBps, 0, 2000), reporter);
        (seizure.victim, seizure.refund) = (payer.addr, refund);
        vm.prank(address(slasher));
        uint256 actual = settlement.seize(seizure);
        assertEq(actual, Math.min(amount, 3 * NET));
        refund = Math.min(refund, actual);
        uint256 cut = Math.min(actual * seizure.cutBps / 10_000, actual - refund);
        uint256 reserved = (actual - refund - cut) / 2;
        assertEq(settlement.credited(payer.addr), refund, "refund");
        assertEq(settlement.credited(reporter), cut, "cut");
        assertEq(settlement.credited(reserve) - _protocolFees, reserved, "reserved");
        assertEq(settlement.credited(BURN), actual - refund - cut - reserved, "burned");
        assertGe(settlement.credited(BURN), reserved, "half of the rest is burned, rounded up");
        assertEq(_escrowed(operator), 3 * NET - actual);
    }

    function test_RevertWhen_TheCutIsTooHigh() public {
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_CutTooHigh.selector, 2001, 2000)
        );
        _seize(1 ether, 2001);
    }

    function test_RevertWhen_TheCallerIsNotTheSlasher() public {
        address[3] memory callers = [attacker, operator, admin];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, callers[i]));
            vm.prank(callers[i]);
            settlement.seize(_seizure(operator, 1, 0, attacker));
        }
    }

    function _expectSeized(address beneficiary, address victim, IInferenceSettlement.Seized memory seized) private {
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.EarningsSeized(operator, beneficiary, victim, seized);
    }

    function _seize(uint256 amount, uint256 cutBps) private returns (uint256) {
        vm.prank(address(slasher));
        return settlement.seize(_seizure(operator, amount, cutBps, reporter));
    }
}
