// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IRewardReserve} from "../../src/interfaces/IRewardReserve.sol";
import {ReserveBase} from "../ReserveBase.t.sol";

/// @notice Attack: weight is added once the release is fixed, so that the shares sum to more than there is.
contract LateReportTest is ReserveBase {
    function setUp() public override {
        super.setUp();
        _endow(PLENTY);
        _finalPeriod();
        // The last keeps its report back.
        for (uint256 i = 0; i < OPERATORS - 1; ++i) {
            _reportOne(PERIOD, operators[i]);
        }
    }

    function _expectLate() private {
        uint64 closedAt = rewardReserve.closesAt(PERIOD);
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_ReportsClosed.selector, PERIOD, closedAt));
    }

    function test_ItIsTooLateOnceThePeriodIsClosed() public {
        _close(PERIOD);
        _expectLate();
        _reportOne(PERIOD, operators[OPERATORS - 1]);
    }

    /// @dev Nor can it be had by closing late.
    function test_ItIsTooLateOnceThePeriodCanBeClosed() public {
        _warpTo(rewardReserve.closesAt(PERIOD));
        _expectLate();
        _reportOne(PERIOD, operators[OPERATORS - 1]);
    }

    /// @dev Who reports early is not paid more, and nobody can close before the last has had its time.
    function test_NobodyClosesBeforeTheReportsAreOver() public {
        uint64 closesAt = rewardReserve.closesAt(PERIOD);
        _warpTo(closesAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_TooEarlyToClose.selector, PERIOD, closesAt));
        vm.prank(operators[0]);
        rewardReserve.close(PERIOD);
        _reportOne(PERIOD, operators[OPERATORS - 1]);
        _close(PERIOD);
        assertEq(rewardReserve.claim(PERIOD, operators[OPERATORS - 1]), DAILY_WAGES / OPERATORS);
    }
}
