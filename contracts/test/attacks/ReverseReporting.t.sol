// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Base} from "../Base.t.sol";

/// @notice Attack: an operator that was down again and again reports its own faults, the newest first, so that none of
///         them has an earlier one and all pass as first faults.
contract ReverseReportingTest is Base {
    uint32 private constant DOWN = 5;
    address private operator;
    uint256[] private observed;
    uint256[] private up;

    function setUp() public override {
        super.setUp();
        _registerOperators(7);
        operator = operators[DOWN];
        (observed, up) = _downFor(DOWN, SLOTS);
        for (uint64 period = 0; period < 3; ++period) {
            _runPeriod(period, observed, up);
        }
        _finalize(2);
    }

    function _report(uint64[3] memory order) private returns (uint256 lost) {
        for (uint256 i = 0; i < order.length; ++i) {
            vm.prank(operator);
            slasher.punishDowntime(operator, order[i], observed, up);
        }
        lost = OWN_STAKE - vault.slashable(operator);
    }

    function test_TheOrderOfReportsChangesNothing() public {
        uint64[3][6] memory orders = [
            [uint64(0), 1, 2],
            [uint64(0), 2, 1],
            [uint64(1), 0, 2],
            [uint64(1), 2, 0],
            [uint64(2), 0, 1],
            [uint64(2), 1, 0]
        ];
        // Each at the highest factor.
        uint256 once = OWN_STAKE * 4 / 100;
        uint256 twice = once + (OWN_STAKE - once) * 4 / 100;
        for (uint256 i = 0; i < orders.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            assertEq(_report(orders[i]), twice);
            assertFalse(operatorRegistry.isEligible(operator));
            vm.revertToState(snapshot);
        }
    }
}
