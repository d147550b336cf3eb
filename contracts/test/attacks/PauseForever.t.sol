// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "../SettlementBase.t.sol";

/// @notice Attack: a guardian that was bought pauses whenever it may, to keep money in or a fault unpunished.
contract PauseForeverTest is SettlementBase {
    uint64 private constant CYCLE = 37 days;

    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
    }

    /// @dev Trying every day for a year, it stops no more than a week in each 37 days.
    function test_AGuardianCannotPauseForEver() public {
        uint256 stopped = 0;
        for (uint256 day = 0; day < 10 * CYCLE / 1 days; ++day) {
            vm.prank(guardian);
            try settlement.pause(7 days) {} catch {}
            if (_now() < settlement.pausedUntil()) ++stopped;
            _skip(1 days);
        }
        assertEq(stopped, 70);
        assertEq(settlement.pausedSeconds(), 70 days);
    }

    /// @dev Ending a pause early does not earn another one.
    function test_PausesCannotBeChained() public {
        for (uint256 i = 0; i < 3; ++i) {
            vm.startPrank(guardian);
            settlement.pause(7 days);
            _skip(7 days - 1);
            settlement.unpause();
            vm.expectPartialRevert(IInferenceSettlement.InferenceSettlement_PausedRecently.selector);
            settlement.pause(7 days);
            vm.stopPrank();
            _skip(30 days - 1);
            vm.expectPartialRevert(IInferenceSettlement.InferenceSettlement_PausedRecently.selector);
            vm.prank(guardian);
            settlement.pause(7 days);
            _skip(1);
        }
    }

    /// @dev Against such a guardian everybody still gets out: an exit of a week ends within three.
    function test_EverybodyGetsOutInTheEnd() public {
        _release(_settleOne(_owed(10 ether, 10)));
        vm.prank(guardian);
        settlement.pause(7 days);
        vm.prank(payer.addr);
        settlement.startExit(operator);
        _skip(7 days + EXIT_DELAY);
        vm.prank(guardian);
        vm.expectPartialRevert(IInferenceSettlement.InferenceSettlement_PausedRecently.selector);
        settlement.pause(7 days);
        vm.prank(payer.addr);
        assertEq(settlement.finishExit(operator), 90 ether);
        assertEq(settlement.claim(operator), 9.2 ether);
    }

    /// @dev And no fault waits for it.
    function test_AFaultIsPunishedDuringAPause() public {
        _settleOne(_owed(10 ether, 10));
        vm.prank(guardian);
        settlement.pause(7 days);
        vm.prank(address(slasher));
        assertEq(settlement.seize(_seizure(operator, 10 ether, 0, address(0))), 9.2 ether);
        assertEq(_slash(operator, OWN_STAKE, 0), OWN_STAKE);
    }
}
