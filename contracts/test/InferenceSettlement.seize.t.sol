// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "./SettlementBase.t.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

contract InferenceSettlementSeizeTest is SettlementBase {
    uint256 private constant NET = 9.2 ether;

    uint256 private _protocolFees;

    /// @dev Earns 9.2 ether on each of the first and fifth day, of which the first is claimable.
    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
        _settleOne(_owed(10 ether, 1000));
        _skip(4 * EPOCH);
        _settleOne(_owed(20 ether, 2000));
        _skip(4 * EPOCH);
        _protocolFees = settlement.credited(reserve);
    }

    function test_SeizesClaimableFirstAndThenLocked() public {
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.EarningsReleased(operator, NET);
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.EarningsSeized(operator, reporter, NET, 0.8 ether, 1 ether);
        assertEq(_seize(10 ether, 1000), 10 ether);
        assertEq(settlement.earnings(operator).claimable, 0);
        assertEq(settlement.earnings(operator).locked, 2 * NET - 10 ether);
        assertEq(settlement.credited(reporter), 1 ether);
        assertEq(settlement.credited(reserve) - _protocolFees, 9 ether);
    }

    function test_WhatIsSeizedIsCollected() public {
        _seize(10 ether, 1000);
        settlement.collect(reporter);
        settlement.collect(reserve);
        assertEq(feeToken.balanceOf(reporter), 1 ether);
        assertEq(feeToken.balanceOf(reserve), 9 ether + _protocolFees);
    }

    function test_SeizingSaturates() public {
        assertEq(_seize(type(uint256).max, 2000), 2 * NET);
        assertEq(_escrowed(operator), 0);
        assertEq(settlement.credited(reporter), 2 * NET / 5);
    }

    function test_SeizingNothingSaysNothing() public {
        assertEq(_seize(0, 1000), 0);
        _seize(type(uint256).max, 0);
        vm.recordLogs();
        assertEq(_seize(1 ether, 1000), 0);
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function testFuzz_SeizingNeverMintsOrLosesABaseUnit(uint256 amount, uint256 cutBps) public {
        cutBps = bound(cutBps, 0, 2000);
        uint256 actual = _seize(amount, cutBps);
        assertEq(actual, amount < 2 * NET ? amount : 2 * NET);
        uint256 cut = settlement.credited(reporter);
        assertEq(cut, actual * cutBps / 10_000);
        assertEq(settlement.credited(reserve) - _protocolFees, actual - cut);
        assertEq(_escrowed(operator), 2 * NET - actual);
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
            settlement.seize(operator, 1, 0, attacker);
        }
    }

    function _seize(uint256 amount, uint256 cutBps) private returns (uint256) {
        vm.prank(address(slasher));
        return settlement.seize(operator, amount, cutBps, reporter);
    }
}
